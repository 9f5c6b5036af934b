package io.porthole.linux;

import static io.porthole.linux.SyscallNumbers.*;

import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import org.jspecify.annotations.Nullable;

/**
 * The running kernel through jnr-ffi: the one file to replace for another binding.
 *
 * <p>Calls with up to four arguments go by number through libc's {@code syscall}, so that a handful
 * of generated stubs serves nearly all of them and start-up stays short. It also gives the kernel's
 * per-thread semantics, where libc's wrappers of the credential calls would change every thread.
 *
 * <p>jnr-ffi's x86-64 stubs corrupt the sixth integer argument of a function (2.2.17 up to 2.3.7;
 * see docs/adr/0002). So calls with five arguments go through libc's own function, which has no
 * number to pass, and the two with six carry one {@code Pointer} parameter, which makes jnr-ffi
 * take its generic path. {@code HostSyscallsTest} asks the kernel what arrives.
 *
 * <p>The error number is read only after a failure; jnr-ffi saves it per thread.
 */
final class HostSyscalls implements Syscalls {
    static final Syscalls INSTANCE = new HostSyscalls();

    private static final Numbered KERNEL = load(Numbered.class);
    private static final Runtime RUNTIME = Runtime.getRuntime(KERNEL);

    /** libc's {@code syscall}, one overload for each count of arguments. */
    public interface Numbered {
        long syscall(long number);

        long syscall(long number, long a);

        long syscall(long number, long a, long b);

        long syscall(long number, long a, long b, long c);

        long syscall(long number, long a, long b, long c, long d);

        int statx(int dirFd, long path, int flags, int mask, long buf);
    }

    /** Calls with five arguments or more, bound when the first of them is made. */
    public interface Wide {
        int linkat(int oldDirFd, long oldPath, int newDirFd, long newPath, int flags);

        int renameat2(int oldDirFd, long oldPath, int newDirFd, long newPath, int flags);

        int fchownat(int dirFd, long path, int uid, int gid, int flags);

        int name_to_handle_at(int dirFd, long path, long handle, long mountId, int flags);

        int setxattr(long path, long name, long value, long bytes, int flags);

        int lsetxattr(long path, long name, long value, long bytes, int flags);

        int fsetxattr(int fd, long name, long value, long bytes, int flags);

        long preadv2(int fd, long iov, int count, long offset, int flags);

        long pwritev2(int fd, long iov, int count, long offset, int flags);

        long copy_file_range(
                int inFd,
                long inOffset,
                int outFd,
                long outOffset,
                long n,
                @Nullable Pointer flags);
    }

    /** Set-up and control plane, bound when the first of them is made. */
    public interface Control {
        long mmap(@Nullable Pointer addr, long bytes, int prot, int flags, int fd, long offset);

        int poll(long fds, long count, int timeoutMillis);

        int epoll_wait(int epollFd, long events, int max, int timeoutMillis);

        int getsockopt(int fd, int level, int option, long value, long bytes);

        int setsockopt(int fd, int level, int option, long value, int bytes);

        int prctl(int option, long arg2, long arg3, long arg4, long arg5);

        int mount(long source, long target, long type, long flags, long data);
    }

    private static final class WideHolder {
        static final Wide LIBC = load(Wide.class);
    }

    private static final class ControlHolder {
        static final Control LIBC = load(Control.class);
    }

    private HostSyscalls() {}

    private static <T> T load(Class<T> calls) {
        return LibraryLoader.create(calls).failImmediately().load("c");
    }

    /** The value of a libc function, or -errno. */
    private static long settle(long value) {
        return value == -1 ? -RUNTIME.getLastError() : value;
    }

    private static long call(long number) {
        long result;
        do {
            result = settle(KERNEL.syscall(number));
        } while (result == -Errno.EINTR);
        return result;
    }

    private static long call(long number, long a) {
        long result;
        do {
            result = settle(KERNEL.syscall(number, a));
        } while (result == -Errno.EINTR);
        return result;
    }

    private static long call(long number, long a, long b) {
        long result;
        do {
            result = settle(KERNEL.syscall(number, a, b));
        } while (result == -Errno.EINTR);
        return result;
    }

    private static long call(long number, long a, long b, long c) {
        long result;
        do {
            result = settle(KERNEL.syscall(number, a, b, c));
        } while (result == -Errno.EINTR);
        return result;
    }

    private static long call(long number, long a, long b, long c, long d) {
        long result;
        do {
            result = settle(KERNEL.syscall(number, a, b, c, d));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long openat(int dirFd, long pathAddr, int flags, int mode) {
        return call(OPENAT, dirFd, pathAddr, flags, mode);
    }

    @Override
    public long openat2(int dirFd, long pathAddr, long howAddr, long howBytes) {
        return call(OPENAT2, dirFd, pathAddr, howAddr, howBytes);
    }

    @Override
    public long close(int fd) {
        return settle(KERNEL.syscall(CLOSE, fd));
    }

    @Override
    public long statx(int dirFd, long pathAddr, int flags, int mask, long bufAddr) {
        long result;
        do {
            result = settle(KERNEL.statx(dirFd, pathAddr, flags, mask, bufAddr));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long faccessat2(int dirFd, long pathAddr, int mode, int flags) {
        return call(FACCESSAT2, dirFd, pathAddr, mode, flags);
    }

    @Override
    public long mkdirat(int dirFd, long pathAddr, int mode) {
        return call(MKDIRAT, dirFd, pathAddr, mode);
    }

    @Override
    public long mknodat(int dirFd, long pathAddr, int mode, long dev) {
        return call(MKNODAT, dirFd, pathAddr, mode, dev);
    }

    @Override
    public long symlinkat(long targetAddr, int dirFd, long pathAddr) {
        return call(SYMLINKAT, targetAddr, dirFd, pathAddr);
    }

    @Override
    public long linkat(int oldDirFd, long oldPathAddr, int newDirFd, long newPathAddr, int flags) {
        long result;
        do {
            result =
                    settle(
                            WideHolder.LIBC.linkat(
                                    oldDirFd, oldPathAddr, newDirFd, newPathAddr, flags));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long unlinkat(int dirFd, long pathAddr, int flags) {
        return call(UNLINKAT, dirFd, pathAddr, flags);
    }

    @Override
    public long renameat2(
            int oldDirFd, long oldPathAddr, int newDirFd, long newPathAddr, int flags) {
        long result;
        do {
            result =
                    settle(
                            WideHolder.LIBC.renameat2(
                                    oldDirFd, oldPathAddr, newDirFd, newPathAddr, flags));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long readlinkat(int dirFd, long pathAddr, long bufAddr, long bufBytes) {
        return call(READLINKAT, dirFd, pathAddr, bufAddr, bufBytes);
    }

    @Override
    public long fchmodat(int dirFd, long pathAddr, int mode) {
        return call(FCHMODAT, dirFd, pathAddr, mode);
    }

    @Override
    public long fchownat(int dirFd, long pathAddr, int uid, int gid, int flags) {
        long result;
        do {
            result = settle(WideHolder.LIBC.fchownat(dirFd, pathAddr, uid, gid, flags));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long utimensat(int dirFd, long pathAddr, long timesAddr, int flags) {
        return call(UTIMENSAT, dirFd, pathAddr, timesAddr, flags);
    }

    @Override
    public long truncate(long pathAddr, long lengthBytes) {
        return call(TRUNCATE, pathAddr, lengthBytes);
    }

    @Override
    public long nameToHandleAt(
            int dirFd, long pathAddr, long handleAddr, long mountIdAddr, int flags) {
        long result;
        do {
            result =
                    settle(
                            WideHolder.LIBC.name_to_handle_at(
                                    dirFd, pathAddr, handleAddr, mountIdAddr, flags));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long openByHandleAt(int mountFd, long handleAddr, int flags) {
        return call(OPEN_BY_HANDLE_AT, mountFd, handleAddr, flags);
    }

    @Override
    public long getxattr(long pathAddr, long nameAddr, long valueAddr, long valueBytes) {
        return call(GETXATTR, pathAddr, nameAddr, valueAddr, valueBytes);
    }

    @Override
    public long lgetxattr(long pathAddr, long nameAddr, long valueAddr, long valueBytes) {
        return call(LGETXATTR, pathAddr, nameAddr, valueAddr, valueBytes);
    }

    @Override
    public long fgetxattr(int fd, long nameAddr, long valueAddr, long valueBytes) {
        return call(FGETXATTR, fd, nameAddr, valueAddr, valueBytes);
    }

    @Override
    public long setxattr(long pathAddr, long nameAddr, long valueAddr, long valueBytes, int flags) {
        long result;
        do {
            result =
                    settle(
                            WideHolder.LIBC.setxattr(
                                    pathAddr, nameAddr, valueAddr, valueBytes, flags));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long lsetxattr(
            long pathAddr, long nameAddr, long valueAddr, long valueBytes, int flags) {
        long result;
        do {
            result =
                    settle(
                            WideHolder.LIBC.lsetxattr(
                                    pathAddr, nameAddr, valueAddr, valueBytes, flags));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long fsetxattr(int fd, long nameAddr, long valueAddr, long valueBytes, int flags) {
        long result;
        do {
            result = settle(WideHolder.LIBC.fsetxattr(fd, nameAddr, valueAddr, valueBytes, flags));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long listxattr(long pathAddr, long listAddr, long listBytes) {
        return call(LISTXATTR, pathAddr, listAddr, listBytes);
    }

    @Override
    public long llistxattr(long pathAddr, long listAddr, long listBytes) {
        return call(LLISTXATTR, pathAddr, listAddr, listBytes);
    }

    @Override
    public long flistxattr(int fd, long listAddr, long listBytes) {
        return call(FLISTXATTR, fd, listAddr, listBytes);
    }

    @Override
    public long removexattr(long pathAddr, long nameAddr) {
        return call(REMOVEXATTR, pathAddr, nameAddr);
    }

    @Override
    public long lremovexattr(long pathAddr, long nameAddr) {
        return call(LREMOVEXATTR, pathAddr, nameAddr);
    }

    @Override
    public long fremovexattr(int fd, long nameAddr) {
        return call(FREMOVEXATTR, fd, nameAddr);
    }

    @Override
    public long read(int fd, long bufAddr, long bytes) {
        return call(READ, fd, bufAddr, bytes);
    }

    @Override
    public long write(int fd, long bufAddr, long bytes) {
        return call(WRITE, fd, bufAddr, bytes);
    }

    @Override
    public long pread(int fd, long bufAddr, long bytes, long offset) {
        return call(PREAD64, fd, bufAddr, bytes, offset);
    }

    @Override
    public long pwrite(int fd, long bufAddr, long bytes, long offset) {
        return call(PWRITE64, fd, bufAddr, bytes, offset);
    }

    @Override
    public long readv(int fd, long iovAddr, int iovCount) {
        return call(READV, fd, iovAddr, iovCount);
    }

    @Override
    public long writev(int fd, long iovAddr, int iovCount) {
        return call(WRITEV, fd, iovAddr, iovCount);
    }

    @Override
    public long preadv(int fd, long iovAddr, int iovCount, long offset) {
        return call(PREADV, fd, iovAddr, iovCount, offset);
    }

    @Override
    public long pwritev(int fd, long iovAddr, int iovCount, long offset) {
        return call(PWRITEV, fd, iovAddr, iovCount, offset);
    }

    @Override
    public long preadv2(int fd, long iovAddr, int iovCount, long offset, int flags) {
        long result;
        do {
            result = settle(WideHolder.LIBC.preadv2(fd, iovAddr, iovCount, offset, flags));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long pwritev2(int fd, long iovAddr, int iovCount, long offset, int flags) {
        long result;
        do {
            result = settle(WideHolder.LIBC.pwritev2(fd, iovAddr, iovCount, offset, flags));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long getdents64(int fd, long bufAddr, long bytes) {
        return call(GETDENTS64, fd, bufAddr, bytes);
    }

    @Override
    public long lseek(int fd, long offset, int whence) {
        return call(LSEEK, fd, offset, whence);
    }

    @Override
    public long ftruncate(int fd, long lengthBytes) {
        return call(FTRUNCATE, fd, lengthBytes);
    }

    @Override
    public long fallocate(int fd, int mode, long offset, long lengthBytes) {
        return call(FALLOCATE, fd, mode, offset, lengthBytes);
    }

    @Override
    public long copyFileRange(
            int inFd, long inOffsetAddr, int outFd, long outOffsetAddr, long bytes, int flags) {
        if (flags != 0) {
            return -Errno.EINVAL; // as the kernel says; the null below is the only value it takes
        }
        long result;
        do {
            result =
                    settle(
                            WideHolder.LIBC.copy_file_range(
                                    inFd, inOffsetAddr, outFd, outOffsetAddr, bytes, null));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long fsync(int fd) {
        return call(FSYNC, fd);
    }

    @Override
    public long fdatasync(int fd) {
        return call(FDATASYNC, fd);
    }

    @Override
    public long syncfs(int fd) {
        return call(SYNCFS, fd);
    }

    @Override
    public long fchmod(int fd, int mode) {
        return call(FCHMOD, fd, mode);
    }

    @Override
    public long fchown(int fd, int uid, int gid) {
        return call(FCHOWN, fd, uid, gid);
    }

    @Override
    public long fstatfs(int fd, long bufAddr) {
        return call(FSTATFS, fd, bufAddr);
    }

    @Override
    public long flock(int fd, int operation) {
        return call(FLOCK, fd, operation);
    }

    @Override
    public long fcntl(int fd, int command, long argument) {
        return call(FCNTL, fd, command, argument);
    }

    @Override
    public long ioctl(int fd, long request, long argument) {
        return call(IOCTL, fd, request, argument);
    }

    @Override
    public long dup3(int oldFd, int newFd, int flags) {
        return call(DUP3, oldFd, newFd, flags);
    }

    @Override
    public long mmap(long addr, long bytes, int protection, int flags, int fd, long offset) {
        // The kernel's choice (0) allocates nothing; a fixed address costs one small object.
        Pointer where = addr == 0 ? null : Pointer.wrap(RUNTIME, addr);
        return settle(ControlHolder.LIBC.mmap(where, bytes, protection, flags, fd, offset));
    }

    @Override
    public long munmap(long addr, long bytes) {
        return call(MUNMAP, addr, bytes);
    }

    @Override
    public long madvise(long addr, long bytes, int advice) {
        return call(MADVISE, addr, bytes, advice);
    }

    @Override
    public long memfdCreate(long nameAddr, int flags) {
        return call(MEMFD_CREATE, nameAddr, flags);
    }

    @Override
    public long eventfd(int initial, int flags) {
        return call(EVENTFD2, initial, flags);
    }

    @Override
    public long poll(long fdsAddr, int count, int timeoutMillis) {
        return settle(ControlHolder.LIBC.poll(fdsAddr, count, timeoutMillis));
    }

    @Override
    public long epollCreate1(int flags) {
        return call(EPOLL_CREATE1, flags);
    }

    @Override
    public long epollCtl(int epollFd, int operation, int fd, long eventAddr) {
        return call(EPOLL_CTL, epollFd, operation, fd, eventAddr);
    }

    @Override
    public long epollWait(int epollFd, long eventsAddr, int max, int timeoutMillis) {
        return settle(ControlHolder.LIBC.epoll_wait(epollFd, eventsAddr, max, timeoutMillis));
    }

    @Override
    public long socket(int domain, int type, int protocol) {
        return call(SOCKET, domain, type, protocol);
    }

    @Override
    public long socketpair(int domain, int type, int protocol, long fdsAddr) {
        return call(SOCKETPAIR, domain, type, protocol, fdsAddr);
    }

    @Override
    public long bind(int fd, long sockaddrAddr, int sockaddrBytes) {
        return call(BIND, fd, sockaddrAddr, sockaddrBytes);
    }

    @Override
    public long listen(int fd, int backlog) {
        return call(LISTEN, fd, backlog);
    }

    @Override
    public long accept4(int fd, long sockaddrAddr, long sockaddrBytesAddr, int flags) {
        return call(ACCEPT4, fd, sockaddrAddr, sockaddrBytesAddr, flags);
    }

    @Override
    public long connect(int fd, long sockaddrAddr, int sockaddrBytes) {
        return settle(KERNEL.syscall(CONNECT, fd, sockaddrAddr, sockaddrBytes));
    }

    @Override
    public long shutdown(int fd, int how) {
        return call(SHUTDOWN, fd, how);
    }

    @Override
    public long getsockopt(int fd, int level, int option, long valueAddr, long valueBytesAddr) {
        long result;
        do {
            result =
                    settle(
                            ControlHolder.LIBC.getsockopt(
                                    fd, level, option, valueAddr, valueBytesAddr));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long setsockopt(int fd, int level, int option, long valueAddr, int valueBytes) {
        long result;
        do {
            result =
                    settle(ControlHolder.LIBC.setsockopt(fd, level, option, valueAddr, valueBytes));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long sendmsg(int fd, long msgAddr, int flags) {
        return call(SENDMSG, fd, msgAddr, flags);
    }

    @Override
    public long recvmsg(int fd, long msgAddr, int flags) {
        return call(RECVMSG, fd, msgAddr, flags);
    }

    @Override
    public int gettid() {
        return (int) call(GETTID);
    }

    @Override
    public long setfsuid(int uid) {
        return call(SETFSUID, uid);
    }

    @Override
    public long setfsgid(int gid) {
        return call(SETFSGID, gid);
    }

    @Override
    public long setresuid(int real, int effective, int saved) {
        return call(SETRESUID, real, effective, saved);
    }

    @Override
    public long setresgid(int real, int effective, int saved) {
        return call(SETRESGID, real, effective, saved);
    }

    @Override
    public long setgroups(int count, long listAddr) {
        return call(SETGROUPS, count, listAddr);
    }

    @Override
    public long capget(long headerAddr, long dataAddr) {
        return call(CAPGET, headerAddr, dataAddr);
    }

    @Override
    public long capset(long headerAddr, long dataAddr) {
        return call(CAPSET, headerAddr, dataAddr);
    }

    @Override
    public long prctl(int option, long arg2, long arg3, long arg4, long arg5) {
        long result;
        do {
            result = settle(ControlHolder.LIBC.prctl(option, arg2, arg3, arg4, arg5));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long unshare(int flags) {
        return call(UNSHARE, flags);
    }

    @Override
    public int umask(int mask) {
        return (int) call(UMASK, mask);
    }

    @Override
    public long setns(int fd, int nsType) {
        return call(SETNS, fd, nsType);
    }

    @Override
    public long schedSetaffinity(int tid, long maskBytes, long maskAddr) {
        return call(SCHED_SETAFFINITY, tid, maskBytes, maskAddr);
    }

    @Override
    public long getpid() {
        return call(GETPID);
    }

    @Override
    public long geteuid() {
        return call(GETEUID);
    }

    @Override
    public long fchdir(int fd) {
        return call(FCHDIR, fd);
    }

    @Override
    public long pivotRoot(long newRootAddr, long putOldAddr) {
        return call(PIVOT_ROOT, newRootAddr, putOldAddr);
    }

    @Override
    public long chroot(long pathAddr) {
        return call(CHROOT, pathAddr);
    }

    @Override
    public long mount(long sourceAddr, long targetAddr, long typeAddr, long flags, long dataAddr) {
        long result;
        do {
            result =
                    settle(
                            ControlHolder.LIBC.mount(
                                    sourceAddr, targetAddr, typeAddr, flags, dataAddr));
        } while (result == -Errno.EINTR);
        return result;
    }

    @Override
    public long umount2(long targetAddr, int flags) {
        return call(UMOUNT2, targetAddr, flags);
    }

    @Override
    public long seccomp(int operation, int flags, long argsAddr) {
        return call(SECCOMP, operation, flags, argsAddr);
    }

    @Override
    public long prlimit64(int pid, int resource, long newAddr, long oldAddr) {
        return call(PRLIMIT64, pid, resource, newAddr, oldAddr);
    }

    @Override
    public long kill(int pid, int signal) {
        return call(KILL, pid, signal);
    }

    @Override
    public long pidfdOpen(int pid, int flags) {
        return call(PIDFD_OPEN, pid, flags);
    }

    @Override
    public long reboot(int command) {
        return call(REBOOT, command);
    }

    @Override
    public long sethostname(long nameAddr, long bytes) {
        return call(SETHOSTNAME, nameAddr, bytes);
    }

    @Override
    public void exitNow(int status) {
        KERNEL.syscall(EXIT_GROUP, status);
        throw new AssertionError("exit_group returned");
    }
}
