package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FuseSetxattrIn;
import io.porthole.fuse.InitFlags;
import io.porthole.fuse.Request;
import io.porthole.linux.Errno;
import io.porthole.virtiofsd.mapping.NameFilter;
import io.porthole.virtiofsd.mapping.XattrMap;
import java.lang.foreign.MemorySegment;
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

    /** Takes out what the guest may not ask for. */
    private static final NameFilter WITHOUT_ACLS = new WithoutAcls();

    /** No lambda: one would generate code in the jail. */
    private static final class WithoutAcls implements NameFilter {
        @Override
        public int cut(MemorySegment list, long at, int nameBytes) {
            return isAcl(list, at, nameBytes) ? -1 : 0;
        }
    }

    private final Share share;

    Xattrs(Share share) {
        this.share = share;
    }

    /**
     * The host's name of an attribute. ACLs only where the guest checks them (FUSE_POSIX_ACL).
     *
     * @return address of a NUL-terminated string, or -errno
     */
    private long hostName(Worker w, Request r, long nameAddr, int nameBytes) {
        if (!share.options.xattr()) {
            return -Errno.ENOSYS;
        }
        MemorySegment in = r.in();
        long at = nameAddr - in.address();
        if (!share.agreed(InitFlags.FUSE_POSIX_ACL) && isAcl(in, at, nameBytes)) {
            return -Errno.EOPNOTSUPP;
        }
        return share.xattrMap == null ? nameAddr : w.hostName(share.xattrMap, in, at, nameBytes);
    }

    private static boolean isAcl(MemorySegment in, long at, int nameBytes) {
        return XattrMap.begins(in, at, nameBytes, ACL_PREFIX);
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
        long name = hostName(w, r, nameAddr, nameBytes);
        if (name < 0) {
            return name;
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
        long result = w.credentials.withoutFsetid(kill);
        if (result < 0) {
            return result;
        }
        result = share.sys.setxattr(w.pathOf(fd), name, valueAddr, valueBytes, flags);
        w.credentials.withFsetid();
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
        long name = hostName(w, r, nameAddr, nameBytes);
        if (name < 0) {
            return name;
        }
        int inode = share.inode(r.nodeId());
        if (inode < 0) {
            return inode;
        }
        int fd = share.fd(w, inode);
        return fd < 0 ? fd : share.sys.getxattr(w.pathOf(fd), name, out.address() + at, maxBytes);
    }

    /** With {@code maxBytes} 0 returns the size. */
    long list(Worker w, Request r, MemorySegment out, long at, int maxBytes) {
        if (!share.options.xattr()) {
            return -Errno.ENOSYS;
        }
        int inode = share.inode(r.nodeId());
        if (inode < 0) {
            return inode;
        }
        int fd = share.fd(w, inode);
        if (fd < 0) {
            return fd;
        }
        boolean acls = share.agreed(InitFlags.FUSE_POSIX_ACL);
        if (acls && share.xattrMap == null) {
            return share.sys.listxattr(w.pathOf(fd), out.address() + at, maxBytes);
        }
        MemorySegment list = w.xattrList();
        long read = share.sys.listxattr(w.pathOf(fd), list.address(), list.byteSize());
        if (read < 0) {
            return read;
        }
        int bytes = (int) read;
        if (share.xattrMap != null) {
            bytes = share.xattrMap.toGuest(list, bytes);
        }
        if (!acls) {
            bytes = WITHOUT_ACLS.toGuest(list, bytes);
        }
        if (maxBytes == 0) {
            return bytes;
        }
        if (bytes > maxBytes) {
            return -Errno.ERANGE;
        }
        MemorySegment.copy(list, 0, out, at, bytes);
        return bytes;
    }

    long remove(Worker w, Request r, long nameAddr, int nameBytes) {
        long name = hostName(w, r, nameAddr, nameBytes);
        if (name < 0) {
            return name;
        }
        int inode = share.inode(r.nodeId());
        int fd = inode < 0 ? inode : share.fd(w, inode);
        return fd < 0 ? fd : share.sys.removexattr(w.pathOf(fd), name);
    }
}
