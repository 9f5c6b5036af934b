package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.Request;
import io.porthole.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * IOCTL: an inode's flags and project (ioctl_iflags(2), linux/fs.h), which is what chattr(1),
 * lsattr(1) and the quota tools use. Linux sends them on a handle that it opens for the purpose, of
 * a file or a directory, and has checked before that the caller owns the inode. Every other command
 * is ENOTTY: none reaches the host.
 *
 * <p>What needs a capability needs the daemon's: immutable and append-only are EPERM unless {@code
 * --modcaps=+linux_immutable}.
 */
final class FileFlags {
    private static final int FS_IOC_GETFLAGS = 0x80086601;
    private static final int FS_IOC_SETFLAGS = 0x40086602;
    private static final int FS_IOC_FSGETXATTR = 0x801c581f;
    private static final int FS_IOC_FSSETXATTR = 0x401c5820;

    /** Though the command's number says long, the kernel reads and writes an int. */
    private static final int FLAGS_BYTES = 4;

    private static final int FS_PROJINHERIT_FL = 0x20000000;

    // struct fsxattr
    private static final int FSXATTR_BYTES = 28;
    private static final int FSX_XFLAGS = 0;
    private static final int FSX_PROJID = 12;
    private static final int FS_XFLAG_PROJINHERIT = 0x200;

    /**
     * The FUSE minor version of Linux 5.14. Kernels before 5.13 pass these commands on without a
     * look at who calls, so that anybody in the guest could change anybody's flags.
     */
    private static final int CHECKING_MINOR = 34;

    private final Share share;

    FileFlags(Share share) {
        this.share = share;
    }

    /**
     * Serves one command.
     *
     * @param inAddr the caller's data, {@code inBytes} of it, which nobody changes meanwhile
     * @param maxBytes room for the answer at {@code (out, at)}
     * @return bytes of the answer or -errno
     */
    long serve(
            Worker w,
            Request r,
            long fh,
            int command,
            long inAddr,
            int inBytes,
            MemorySegment out,
            long at,
            int maxBytes) {
        long nodeId = r.nodeId();
        return switch (command) {
            case FS_IOC_GETFLAGS -> get(nodeId, fh, command, out, at, maxBytes, FLAGS_BYTES);
            case FS_IOC_FSGETXATTR -> get(nodeId, fh, command, out, at, maxBytes, FSXATTR_BYTES);
            case FS_IOC_SETFLAGS ->
                    set(w, r, fh, command, FS_IOC_GETFLAGS, inAddr, inBytes, FLAGS_BYTES);
            case FS_IOC_FSSETXATTR ->
                    set(w, r, fh, command, FS_IOC_FSGETXATTR, inAddr, inBytes, FSXATTR_BYTES);
            default -> -Errno.ENOTTY;
        };
    }

    private long get(
            long nodeId,
            long fh,
            int command,
            MemorySegment out,
            long at,
            int maxBytes,
            int bytes) {
        int fd = share.handleFd(fh, nodeId);
        if (fd < 0) {
            return fd;
        }
        if (maxBytes < bytes) {
            return -Errno.EINVAL;
        }
        long result = share.sys.ioctl(fd, command(command), out.address() + at);
        return result < 0 ? result : bytes;
    }

    private long set(
            Worker w,
            Request r,
            long fh,
            int command,
            int getCommand,
            long inAddr,
            int inBytes,
            int bytes) {
        if (share.options.readonly()) {
            return -Errno.EROFS;
        }
        if (!share.isAtLeast(CHECKING_MINOR)) {
            return -Errno.ENOTTY;
        }
        int fd = share.handleFd(fh, r.nodeId());
        if (fd < 0) {
            return fd;
        }
        if (inBytes < bytes) {
            return -Errno.EINVAL;
        }
        MemorySegment now = w.scratch;
        long result = share.sys.ioctl(fd, command(getCommand), now.address());
        if (result < 0) {
            return result;
        }
        MemorySegment wanted = now.asSlice(64, bytes);
        MemorySegment in = r.in();
        MemorySegment.copy(in, inAddr - in.address(), wanted, 0, bytes);
        if (!share.options.allowProjectIds() && changesProject(now, wanted)) {
            return -Errno.EPERM;
        }
        result = share.sys.ioctl(fd, command(command), wanted.address());
        return Math.min(result, 0);
    }

    private static boolean changesProject(MemorySegment now, MemorySegment wanted) {
        return wanted.byteSize() == FLAGS_BYTES
                ? differ(now, wanted, FSX_XFLAGS, FS_PROJINHERIT_FL)
                : differ(now, wanted, FSX_XFLAGS, FS_XFLAG_PROJINHERIT)
                        || differ(now, wanted, FSX_PROJID, -1);
    }

    private static boolean differ(MemorySegment a, MemorySegment b, int at, int mask) {
        int difference = a.get(ValueLayout.JAVA_INT, at) ^ b.get(ValueLayout.JAVA_INT, at);
        return (difference & mask) != 0;
    }

    private static long command(int number) {
        return Integer.toUnsignedLong(number);
    }
}
