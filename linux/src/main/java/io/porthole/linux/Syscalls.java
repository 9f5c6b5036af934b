package io.porthole.linux;

/**
 * The system calls that Porthole uses, as the kernel offers them on x86-64 and arm64.
 *
 * <p>Conventions, the same for every method:
 *
 * <ul>
 *   <li>The result is what the kernel returns: {@code >= 0} on success, {@code -errno} on failure
 *       (see {@link Errno}). No method throws for a failed call.
 *   <li>Parameters named {@code ...Addr} are native addresses; the memory belongs to the caller and
 *       must stay alive during the call. Names and paths are NUL-terminated bytes.
 *   <li>EINTR is retried here for calls that can be restarted without loss; {@link #close}, {@link
 *       #poll}, {@link #epollWait} and {@link #connect} return it.
 *   <li>No method allocates (but once per thread), so all may be used on a request path.
 * </ul>
 *
 * <p>Implementations are safe for use by many threads. A test substitutes the interface to inject
 * faults (see {@link ForwardingSyscalls}).
 */
public interface Syscalls {
    /**
     * The running kernel, bound once per process: through jnr-ffi, or through java.lang.foreign if
     * the system property {@code porthole.syscalls} is {@code ffm}.
     */
    static Syscalls host() {
        return HostSyscalls.INSTANCE;
    }

    // Files by name, relative to a directory descriptor. man pages of section 2, same names.

    long openat(int dirFd, long pathAddr, int flags, int mode);

    /** {@code howAddr}: struct open_how, {@code howBytes} long (openat2(2)). */
    long openat2(int dirFd, long pathAddr, long howAddr, long howBytes);

    long close(int fd);

    /**
     * {@code bufAddr}: struct stat ({@link FileStat}; fstat(2)). {@code fd} may be of O_PATH.
     * Cheaper than {@link #statx} where neither birth time nor mount are wanted.
     */
    long fstat(int fd, long bufAddr);

    /** {@code bufAddr}: struct statx, 256 bytes (statx(2)). */
    long statx(int dirFd, long pathAddr, int flags, int mask, long bufAddr);

    long faccessat2(int dirFd, long pathAddr, int mode, int flags);

    long mkdirat(int dirFd, long pathAddr, int mode);

    long mknodat(int dirFd, long pathAddr, int mode, long dev);

    long symlinkat(long targetAddr, int dirFd, long pathAddr);

    long linkat(int oldDirFd, long oldPathAddr, int newDirFd, long newPathAddr, int flags);

    long unlinkat(int dirFd, long pathAddr, int flags);

    long renameat2(int oldDirFd, long oldPathAddr, int newDirFd, long newPathAddr, int flags);

    /** Bytes placed, not terminated. */
    long readlinkat(int dirFd, long pathAddr, long bufAddr, long bufBytes);

    long fchmodat(int dirFd, long pathAddr, int mode);

    long fchownat(int dirFd, long pathAddr, int uid, int gid, int flags);

    /** {@code timesAddr}: two struct timespec (atime, mtime), or 0 for now. */
    long utimensat(int dirFd, long pathAddr, long timesAddr, int flags);

    long truncate(long pathAddr, long lengthBytes);

    /** {@code handleAddr}: struct file_handle; {@code mountIdAddr}: int (name_to_handle_at(2)). */
    long nameToHandleAt(int dirFd, long pathAddr, long handleAddr, long mountIdAddr, int flags);

    long openByHandleAt(int mountFd, long handleAddr, int flags);

    // Extended attributes. The path forms follow symbolic links, the l forms do not.

    long getxattr(long pathAddr, long nameAddr, long valueAddr, long valueBytes);

    long lgetxattr(long pathAddr, long nameAddr, long valueAddr, long valueBytes);

    long fgetxattr(int fd, long nameAddr, long valueAddr, long valueBytes);

    long setxattr(long pathAddr, long nameAddr, long valueAddr, long valueBytes, int flags);

    long lsetxattr(long pathAddr, long nameAddr, long valueAddr, long valueBytes, int flags);

    long fsetxattr(int fd, long nameAddr, long valueAddr, long valueBytes, int flags);

    long listxattr(long pathAddr, long listAddr, long listBytes);

    long llistxattr(long pathAddr, long listAddr, long listBytes);

    long flistxattr(int fd, long listAddr, long listBytes);

    long removexattr(long pathAddr, long nameAddr);

    long lremovexattr(long pathAddr, long nameAddr);

    long fremovexattr(int fd, long nameAddr);

    // Open files.

    long read(int fd, long bufAddr, long bytes);

    long write(int fd, long bufAddr, long bytes);

    long pread(int fd, long bufAddr, long bytes, long offset);

    long pwrite(int fd, long bufAddr, long bytes, long offset);

    /** {@code iovAddr}: {@code iovCount} struct iovec. */
    long readv(int fd, long iovAddr, int iovCount);

    long writev(int fd, long iovAddr, int iovCount);

    long preadv(int fd, long iovAddr, int iovCount, long offset);

    long pwritev(int fd, long iovAddr, int iovCount, long offset);

    /** {@code flags}: RWF_* (preadv2(2)). */
    long preadv2(int fd, long iovAddr, int iovCount, long offset, int flags);

    long pwritev2(int fd, long iovAddr, int iovCount, long offset, int flags);

    long getdents64(int fd, long bufAddr, long bytes);

    long lseek(int fd, long offset, int whence);

    long ftruncate(int fd, long lengthBytes);

    long fallocate(int fd, int mode, long offset, long lengthBytes);

    /** {@code inOffsetAddr}, {@code outOffsetAddr}: off64_t, updated by the kernel, or 0. */
    long copyFileRange(
            int inFd, long inOffsetAddr, int outFd, long outOffsetAddr, long bytes, int flags);

    long fsync(int fd);

    long fdatasync(int fd);

    long syncfs(int fd);

    long fchmod(int fd, int mode);

    long fchown(int fd, int uid, int gid);

    /** {@code bufAddr}: struct statfs, 120 bytes (fstatfs(2)). */
    long fstatfs(int fd, long bufAddr);

    long flock(int fd, int operation);

    long fcntl(int fd, int command, long argument);

    long ioctl(int fd, long request, long argument);

    long dup3(int oldFd, int newFd, int flags);

    // Memory.

    long mmap(long addr, long bytes, int protection, int flags, int fd, long offset);

    long munmap(long addr, long bytes);

    long madvise(long addr, long bytes, int advice);

    /** {@code nameAddr}: NUL-terminated (memfd_create(2)). */
    long memfdCreate(long nameAddr, int flags);

    // Events and sockets.

    long eventfd(int initial, int flags);

    /** {@code fdsAddr}: {@code count} struct pollfd; timeout in ms, -1 waits for ever. */
    long poll(long fdsAddr, int count, int timeoutMillis);

    long epollCreate1(int flags);

    /** {@code eventAddr}: struct epoll_event, 12 bytes on x86-64, 16 on arm64 (epoll_ctl(2)). */
    long epollCtl(int epollFd, int operation, int fd, long eventAddr);

    /**
     * {@code eventsAddr}: room for {@code max} struct epoll_event; timeout as for {@link #poll}.
     */
    long epollWait(int epollFd, long eventsAddr, int max, int timeoutMillis);

    long socket(int domain, int type, int protocol);

    /** {@code fdsAddr}: int[2]. */
    long socketpair(int domain, int type, int protocol, long fdsAddr);

    long bind(int fd, long sockaddrAddr, int sockaddrBytes);

    long listen(int fd, int backlog);

    long accept4(int fd, long sockaddrAddr, long sockaddrBytesAddr, int flags);

    long connect(int fd, long sockaddrAddr, int sockaddrBytes);

    long shutdown(int fd, int how);

    long getsockopt(int fd, int level, int option, long valueAddr, long valueBytesAddr);

    long setsockopt(int fd, int level, int option, long valueAddr, int valueBytes);

    /** {@code msgAddr}: struct msghdr (sendmsg(2)). */
    long sendmsg(int fd, long msgAddr, int flags);

    long recvmsg(int fd, long msgAddr, int flags);

    // The calling thread. The raw system calls: glibc's wrappers would change every thread.

    int gettid();

    /** Returns the previous fsuid, also on failure (setfsuid(2)). */
    long setfsuid(int uid);

    long setfsgid(int gid);

    long setresuid(int real, int effective, int saved);

    long setresgid(int real, int effective, int saved);

    /** {@code listAddr}: {@code count} gid_t. */
    long setgroups(int count, long listAddr);

    long capget(long headerAddr, long dataAddr);

    long capset(long headerAddr, long dataAddr);

    long prctl(int option, long arg2, long arg3, long arg4, long arg5);

    long unshare(int flags);

    /** Needs unshare(CLONE_FS) to be the calling thread's own. */
    int umask(int mask);

    long setns(int fd, int nsType);

    /** {@code mask}: bytes of a CPU mask (sched_setaffinity(2)); 0 is the calling thread. */
    long schedSetaffinity(int tid, long maskBytes, long maskAddr);

    // The process.

    long getpid();

    long geteuid();

    long fchdir(int fd);

    long pivotRoot(long newRootAddr, long putOldAddr);

    long chroot(long pathAddr);

    long mount(long sourceAddr, long targetAddr, long typeAddr, long flags, long dataAddr);

    long umount2(long targetAddr, int flags);

    /** A descriptor of a mount, or of a detached copy of it (open_tree(2)). */
    long openTree(int dirFd, long pathAddr, int flags);

    /** {@code attrAddr}: struct mount_attr, {@code attrBytes} long (mount_setattr(2)). */
    long mountSetattr(int dirFd, long pathAddr, int flags, long attrAddr, long attrBytes);

    /** seccomp(2). */
    long seccomp(int operation, int flags, long argsAddr);

    /** {@code newAddr}, {@code oldAddr}: struct rlimit64, or 0 (prlimit(2)). */
    long prlimit64(int pid, int resource, long newAddr, long oldAddr);

    long kill(int pid, int signal);

    long pidfdOpen(int pid, int flags);

    long reboot(int command);

    long sethostname(long nameAddr, long bytes);

    /** Ends the process at once, without shutdown hooks (_exit(2)). */
    void exitNow(int status);
}
