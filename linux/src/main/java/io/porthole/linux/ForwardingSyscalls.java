package io.porthole.linux;

/**
 * Passes every call on to another {@link Syscalls}: the base class of those that observe, confine
 * or falsify some of them.
 */
public class ForwardingSyscalls implements Syscalls {
    private final Syscalls target;

    public ForwardingSyscalls(Syscalls target) {
        this.target = target;
    }

    @Override
    public long openat(int dirFd, long pathAddr, int flags, int mode) {
        return target.openat(dirFd, pathAddr, flags, mode);
    }

    @Override
    public long openat2(int dirFd, long pathAddr, long howAddr, long howBytes) {
        return target.openat2(dirFd, pathAddr, howAddr, howBytes);
    }

    @Override
    public long close(int fd) {
        return target.close(fd);
    }

    @Override
    public long fstat(int fd, long bufAddr) {
        return target.fstat(fd, bufAddr);
    }

    @Override
    public long statx(int dirFd, long pathAddr, int flags, int mask, long bufAddr) {
        return target.statx(dirFd, pathAddr, flags, mask, bufAddr);
    }

    @Override
    public long faccessat2(int dirFd, long pathAddr, int mode, int flags) {
        return target.faccessat2(dirFd, pathAddr, mode, flags);
    }

    @Override
    public long mkdirat(int dirFd, long pathAddr, int mode) {
        return target.mkdirat(dirFd, pathAddr, mode);
    }

    @Override
    public long mknodat(int dirFd, long pathAddr, int mode, long dev) {
        return target.mknodat(dirFd, pathAddr, mode, dev);
    }

    @Override
    public long symlinkat(long targetAddr, int dirFd, long pathAddr) {
        return target.symlinkat(targetAddr, dirFd, pathAddr);
    }

    @Override
    public long linkat(int oldDirFd, long oldPathAddr, int newDirFd, long newPathAddr, int flags) {
        return target.linkat(oldDirFd, oldPathAddr, newDirFd, newPathAddr, flags);
    }

    @Override
    public long unlinkat(int dirFd, long pathAddr, int flags) {
        return target.unlinkat(dirFd, pathAddr, flags);
    }

    @Override
    public long renameat2(
            int oldDirFd, long oldPathAddr, int newDirFd, long newPathAddr, int flags) {
        return target.renameat2(oldDirFd, oldPathAddr, newDirFd, newPathAddr, flags);
    }

    @Override
    public long readlinkat(int dirFd, long pathAddr, long bufAddr, long bufBytes) {
        return target.readlinkat(dirFd, pathAddr, bufAddr, bufBytes);
    }

    @Override
    public long fchmodat(int dirFd, long pathAddr, int mode) {
        return target.fchmodat(dirFd, pathAddr, mode);
    }

    @Override
    public long fchownat(int dirFd, long pathAddr, int uid, int gid, int flags) {
        return target.fchownat(dirFd, pathAddr, uid, gid, flags);
    }

    @Override
    public long utimensat(int dirFd, long pathAddr, long timesAddr, int flags) {
        return target.utimensat(dirFd, pathAddr, timesAddr, flags);
    }

    @Override
    public long truncate(long pathAddr, long lengthBytes) {
        return target.truncate(pathAddr, lengthBytes);
    }

    @Override
    public long nameToHandleAt(
            int dirFd, long pathAddr, long handleAddr, long mountIdAddr, int flags) {
        return target.nameToHandleAt(dirFd, pathAddr, handleAddr, mountIdAddr, flags);
    }

    @Override
    public long openByHandleAt(int mountFd, long handleAddr, int flags) {
        return target.openByHandleAt(mountFd, handleAddr, flags);
    }

    @Override
    public long getxattr(long pathAddr, long nameAddr, long valueAddr, long valueBytes) {
        return target.getxattr(pathAddr, nameAddr, valueAddr, valueBytes);
    }

    @Override
    public long lgetxattr(long pathAddr, long nameAddr, long valueAddr, long valueBytes) {
        return target.lgetxattr(pathAddr, nameAddr, valueAddr, valueBytes);
    }

    @Override
    public long fgetxattr(int fd, long nameAddr, long valueAddr, long valueBytes) {
        return target.fgetxattr(fd, nameAddr, valueAddr, valueBytes);
    }

    @Override
    public long setxattr(long pathAddr, long nameAddr, long valueAddr, long valueBytes, int flags) {
        return target.setxattr(pathAddr, nameAddr, valueAddr, valueBytes, flags);
    }

    @Override
    public long lsetxattr(
            long pathAddr, long nameAddr, long valueAddr, long valueBytes, int flags) {
        return target.lsetxattr(pathAddr, nameAddr, valueAddr, valueBytes, flags);
    }

    @Override
    public long fsetxattr(int fd, long nameAddr, long valueAddr, long valueBytes, int flags) {
        return target.fsetxattr(fd, nameAddr, valueAddr, valueBytes, flags);
    }

    @Override
    public long listxattr(long pathAddr, long listAddr, long listBytes) {
        return target.listxattr(pathAddr, listAddr, listBytes);
    }

    @Override
    public long llistxattr(long pathAddr, long listAddr, long listBytes) {
        return target.llistxattr(pathAddr, listAddr, listBytes);
    }

    @Override
    public long flistxattr(int fd, long listAddr, long listBytes) {
        return target.flistxattr(fd, listAddr, listBytes);
    }

    @Override
    public long removexattr(long pathAddr, long nameAddr) {
        return target.removexattr(pathAddr, nameAddr);
    }

    @Override
    public long lremovexattr(long pathAddr, long nameAddr) {
        return target.lremovexattr(pathAddr, nameAddr);
    }

    @Override
    public long fremovexattr(int fd, long nameAddr) {
        return target.fremovexattr(fd, nameAddr);
    }

    @Override
    public long read(int fd, long bufAddr, long bytes) {
        return target.read(fd, bufAddr, bytes);
    }

    @Override
    public long write(int fd, long bufAddr, long bytes) {
        return target.write(fd, bufAddr, bytes);
    }

    @Override
    public long pread(int fd, long bufAddr, long bytes, long offset) {
        return target.pread(fd, bufAddr, bytes, offset);
    }

    @Override
    public long pwrite(int fd, long bufAddr, long bytes, long offset) {
        return target.pwrite(fd, bufAddr, bytes, offset);
    }

    @Override
    public long readv(int fd, long iovAddr, int iovCount) {
        return target.readv(fd, iovAddr, iovCount);
    }

    @Override
    public long writev(int fd, long iovAddr, int iovCount) {
        return target.writev(fd, iovAddr, iovCount);
    }

    @Override
    public long preadv(int fd, long iovAddr, int iovCount, long offset) {
        return target.preadv(fd, iovAddr, iovCount, offset);
    }

    @Override
    public long pwritev(int fd, long iovAddr, int iovCount, long offset) {
        return target.pwritev(fd, iovAddr, iovCount, offset);
    }

    @Override
    public long preadv2(int fd, long iovAddr, int iovCount, long offset, int flags) {
        return target.preadv2(fd, iovAddr, iovCount, offset, flags);
    }

    @Override
    public long pwritev2(int fd, long iovAddr, int iovCount, long offset, int flags) {
        return target.pwritev2(fd, iovAddr, iovCount, offset, flags);
    }

    @Override
    public long getdents64(int fd, long bufAddr, long bytes) {
        return target.getdents64(fd, bufAddr, bytes);
    }

    @Override
    public long lseek(int fd, long offset, int whence) {
        return target.lseek(fd, offset, whence);
    }

    @Override
    public long ftruncate(int fd, long lengthBytes) {
        return target.ftruncate(fd, lengthBytes);
    }

    @Override
    public long fallocate(int fd, int mode, long offset, long lengthBytes) {
        return target.fallocate(fd, mode, offset, lengthBytes);
    }

    @Override
    public long copyFileRange(
            int inFd, long inOffsetAddr, int outFd, long outOffsetAddr, long bytes, int flags) {
        return target.copyFileRange(inFd, inOffsetAddr, outFd, outOffsetAddr, bytes, flags);
    }

    @Override
    public long fsync(int fd) {
        return target.fsync(fd);
    }

    @Override
    public long fdatasync(int fd) {
        return target.fdatasync(fd);
    }

    @Override
    public long syncfs(int fd) {
        return target.syncfs(fd);
    }

    @Override
    public long fchmod(int fd, int mode) {
        return target.fchmod(fd, mode);
    }

    @Override
    public long fchown(int fd, int uid, int gid) {
        return target.fchown(fd, uid, gid);
    }

    @Override
    public long fstatfs(int fd, long bufAddr) {
        return target.fstatfs(fd, bufAddr);
    }

    @Override
    public long flock(int fd, int operation) {
        return target.flock(fd, operation);
    }

    @Override
    public long fcntl(int fd, int command, long argument) {
        return target.fcntl(fd, command, argument);
    }

    @Override
    public long ioctl(int fd, long request, long argument) {
        return target.ioctl(fd, request, argument);
    }

    @Override
    public long dup3(int oldFd, int newFd, int flags) {
        return target.dup3(oldFd, newFd, flags);
    }

    @Override
    public long mmap(long addr, long bytes, int protection, int flags, int fd, long offset) {
        return target.mmap(addr, bytes, protection, flags, fd, offset);
    }

    @Override
    public long munmap(long addr, long bytes) {
        return target.munmap(addr, bytes);
    }

    @Override
    public long madvise(long addr, long bytes, int advice) {
        return target.madvise(addr, bytes, advice);
    }

    @Override
    public long memfdCreate(long nameAddr, int flags) {
        return target.memfdCreate(nameAddr, flags);
    }

    @Override
    public long eventfd(int initial, int flags) {
        return target.eventfd(initial, flags);
    }

    @Override
    public long poll(long fdsAddr, int count, int timeoutMillis) {
        return target.poll(fdsAddr, count, timeoutMillis);
    }

    @Override
    public long epollCreate1(int flags) {
        return target.epollCreate1(flags);
    }

    @Override
    public long epollCtl(int epollFd, int operation, int fd, long eventAddr) {
        return target.epollCtl(epollFd, operation, fd, eventAddr);
    }

    @Override
    public long epollWait(int epollFd, long eventsAddr, int max, int timeoutMillis) {
        return target.epollWait(epollFd, eventsAddr, max, timeoutMillis);
    }

    @Override
    public long socket(int domain, int type, int protocol) {
        return target.socket(domain, type, protocol);
    }

    @Override
    public long socketpair(int domain, int type, int protocol, long fdsAddr) {
        return target.socketpair(domain, type, protocol, fdsAddr);
    }

    @Override
    public long bind(int fd, long sockaddrAddr, int sockaddrBytes) {
        return target.bind(fd, sockaddrAddr, sockaddrBytes);
    }

    @Override
    public long listen(int fd, int backlog) {
        return target.listen(fd, backlog);
    }

    @Override
    public long accept4(int fd, long sockaddrAddr, long sockaddrBytesAddr, int flags) {
        return target.accept4(fd, sockaddrAddr, sockaddrBytesAddr, flags);
    }

    @Override
    public long connect(int fd, long sockaddrAddr, int sockaddrBytes) {
        return target.connect(fd, sockaddrAddr, sockaddrBytes);
    }

    @Override
    public long shutdown(int fd, int how) {
        return target.shutdown(fd, how);
    }

    @Override
    public long getsockopt(int fd, int level, int option, long valueAddr, long valueBytesAddr) {
        return target.getsockopt(fd, level, option, valueAddr, valueBytesAddr);
    }

    @Override
    public long setsockopt(int fd, int level, int option, long valueAddr, int valueBytes) {
        return target.setsockopt(fd, level, option, valueAddr, valueBytes);
    }

    @Override
    public long sendmsg(int fd, long msgAddr, int flags) {
        return target.sendmsg(fd, msgAddr, flags);
    }

    @Override
    public long recvmsg(int fd, long msgAddr, int flags) {
        return target.recvmsg(fd, msgAddr, flags);
    }

    @Override
    public int gettid() {
        return target.gettid();
    }

    @Override
    public long setfsuid(int uid) {
        return target.setfsuid(uid);
    }

    @Override
    public long setfsgid(int gid) {
        return target.setfsgid(gid);
    }

    @Override
    public long setresuid(int real, int effective, int saved) {
        return target.setresuid(real, effective, saved);
    }

    @Override
    public long setresgid(int real, int effective, int saved) {
        return target.setresgid(real, effective, saved);
    }

    @Override
    public long setgroups(int count, long listAddr) {
        return target.setgroups(count, listAddr);
    }

    @Override
    public long capget(long headerAddr, long dataAddr) {
        return target.capget(headerAddr, dataAddr);
    }

    @Override
    public long capset(long headerAddr, long dataAddr) {
        return target.capset(headerAddr, dataAddr);
    }

    @Override
    public long prctl(int option, long arg2, long arg3, long arg4, long arg5) {
        return target.prctl(option, arg2, arg3, arg4, arg5);
    }

    @Override
    public long unshare(int flags) {
        return target.unshare(flags);
    }

    @Override
    public int umask(int mask) {
        return target.umask(mask);
    }

    @Override
    public long setns(int fd, int nsType) {
        return target.setns(fd, nsType);
    }

    @Override
    public long schedSetaffinity(int tid, long maskBytes, long maskAddr) {
        return target.schedSetaffinity(tid, maskBytes, maskAddr);
    }

    @Override
    public long getpid() {
        return target.getpid();
    }

    @Override
    public long geteuid() {
        return target.geteuid();
    }

    @Override
    public long fchdir(int fd) {
        return target.fchdir(fd);
    }

    @Override
    public long pivotRoot(long newRootAddr, long putOldAddr) {
        return target.pivotRoot(newRootAddr, putOldAddr);
    }

    @Override
    public long chroot(long pathAddr) {
        return target.chroot(pathAddr);
    }

    @Override
    public long mount(long sourceAddr, long targetAddr, long typeAddr, long flags, long dataAddr) {
        return target.mount(sourceAddr, targetAddr, typeAddr, flags, dataAddr);
    }

    @Override
    public long umount2(long targetAddr, int flags) {
        return target.umount2(targetAddr, flags);
    }

    @Override
    public long openTree(int dirFd, long pathAddr, int flags) {
        return target.openTree(dirFd, pathAddr, flags);
    }

    @Override
    public long mountSetattr(int dirFd, long pathAddr, int flags, long attrAddr, long attrBytes) {
        return target.mountSetattr(dirFd, pathAddr, flags, attrAddr, attrBytes);
    }

    @Override
    public long seccomp(int operation, int flags, long argsAddr) {
        return target.seccomp(operation, flags, argsAddr);
    }

    @Override
    public long prlimit64(int pid, int resource, long newAddr, long oldAddr) {
        return target.prlimit64(pid, resource, newAddr, oldAddr);
    }

    @Override
    public long kill(int pid, int signal) {
        return target.kill(pid, signal);
    }

    @Override
    public long pidfdOpen(int pid, int flags) {
        return target.pidfdOpen(pid, flags);
    }

    @Override
    public long reboot(int command) {
        return target.reboot(command);
    }

    @Override
    public long sethostname(long nameAddr, long bytes) {
        return target.sethostname(nameAddr, bytes);
    }

    @Override
    public void exitNow(int status) {
        target.exitNow(status);
    }
}
