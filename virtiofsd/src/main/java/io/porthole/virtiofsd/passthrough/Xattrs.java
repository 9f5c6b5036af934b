package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FuseSetxattrIn;
import io.porthole.fuse.InitFlags;
import io.porthole.fuse.Request;
import io.porthole.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Extended attributes, through the path of the inode's descriptor below /proc/self/fd: the
 * f...xattr calls do not take O_PATH descriptors. The path leads to the very inode, a symbolic link
 * included.
 */
final class Xattrs {
    /** "system.posix_acl_", the prefix of access and default. */
    private static final byte[] ACL_PREFIX =
            "system.posix_acl_".getBytes(StandardCharsets.US_ASCII);

    private final Share share;

    Xattrs(Share share) {
        this.share = share;
    }

    /** Whether the name may pass: ACLs only where the guest checks them (FUSE_POSIX_ACL). */
    private long check(Request r, long nameAddr, int nameBytes) {
        if (!share.options.xattr()) {
            return -Errno.ENOSYS;
        }
        return !share.agreed(InitFlags.FUSE_POSIX_ACL) && isAcl(r.in(), nameAddr, nameBytes)
                ? -Errno.EOPNOTSUPP
                : 0;
    }

    private static boolean isAcl(MemorySegment in, long nameAddr, int nameBytes) {
        if (nameBytes < ACL_PREFIX.length) {
            return false;
        }
        long at = nameAddr - in.address();
        for (int i = 0; i < ACL_PREFIX.length; i++) {
            if (in.get(ValueLayout.JAVA_BYTE, at + i) != ACL_PREFIX[i]) {
                return false;
            }
        }
        return true;
    }

    long set(
            Worker w,
            Request r,
            long nameAddr,
            int nameBytes,
            long valueAddr,
            int valueBytes,
            int flags,
            int setxattrFlags) {
        long result = check(r, nameAddr, nameBytes);
        if (result < 0) {
            return result;
        }
        int inode = share.inode(r.nodeId());
        if (inode < 0) {
            return inode;
        }
        int fd = share.fd(w, inode);
        if (fd < 0) {
            return fd;
        }
        boolean kill = (setxattrFlags & FuseSetxattrIn.FUSE_SETXATTR_ACL_KILL_SGID) != 0;
        if (kill) {
            result = w.credentials.withoutFsetid();
            if (result < 0) {
                return result;
            }
        }
        result = share.sys.setxattr(w.pathOf(fd), nameAddr, valueAddr, valueBytes, flags);
        if (kill) {
            w.credentials.withFsetid();
        }
        return result;
    }

    /** With {@code maxBytes} 0 returns the size. */
    long get(
            Worker w,
            Request r,
            long nameAddr,
            int nameBytes,
            MemorySegment out,
            long at,
            int maxBytes) {
        long result = check(r, nameAddr, nameBytes);
        if (result < 0) {
            return result;
        }
        int inode = share.inode(r.nodeId());
        if (inode < 0) {
            return inode;
        }
        int fd = share.fd(w, inode);
        return fd < 0
                ? fd
                : share.sys.getxattr(w.pathOf(fd), nameAddr, out.address() + at, maxBytes);
    }

    /** With {@code maxBytes} 0 returns the size. */
    long list(Worker w, long nodeId, MemorySegment out, long at, int maxBytes) {
        if (!share.options.xattr()) {
            return -Errno.ENOSYS;
        }
        int inode = share.inode(nodeId);
        if (inode < 0) {
            return inode;
        }
        int fd = share.fd(w, inode);
        return fd < 0 ? fd : share.sys.listxattr(w.pathOf(fd), out.address() + at, maxBytes);
    }

    long remove(Worker w, Request r, long nameAddr, int nameBytes) {
        long result = check(r, nameAddr, nameBytes);
        if (result < 0) {
            return result;
        }
        int inode = share.inode(r.nodeId());
        int fd = inode < 0 ? inode : share.fd(w, inode);
        return fd < 0 ? fd : share.sys.removexattr(w.pathOf(fd), nameAddr);
    }
}
