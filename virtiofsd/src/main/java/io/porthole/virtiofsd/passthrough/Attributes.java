package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FuseAttrOut;
import io.porthole.fuse.FuseKstatfs;
import io.porthole.fuse.FuseSetattrIn;
import io.porthole.fuse.Request;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.NativeMemory;
import io.porthole.linux.StatFs;
import io.porthole.linux.StatMode;
import io.porthole.linux.Timespec;
import java.lang.foreign.MemorySegment;

/**
 * GETATTR, SETATTR, ACCESS, STATFS, READLINK: what is known and set of an inode without opening.
 */
final class Attributes {
    private static final int UNCHANGED = -1;
    private static final int STATX_SYNC_FLAGS =
            Fcntl.AT_STATX_FORCE_SYNC | Fcntl.AT_STATX_DONT_SYNC;
    private static final int MODE_BITS = 07777;

    private final Share share;
    private final Entries entries;

    Attributes(Share share, Entries entries) {
        this.share = share;
        this.entries = entries;
    }

    /**
     * @param out where there is room for a fuse_attr_out. SAFETY: the caller's promise
     */
    long getattr(Worker w, long nodeId, long out) {
        int inode = share.inode(nodeId);
        if (inode < 0) {
            return inode;
        }
        int fd = share.fd(w, inode);
        long result = fd < 0 ? fd : w.attributes.fill(share.sys, fd);
        if (result < 0) {
            return result;
        }
        entries.writeAttr(w, inode, out);
        return 0;
    }

    /**
     * STATX. A struct fuse_statx is a struct statx, of which the guest gets what means something
     * there.
     */
    long statx(Worker w, long nodeId, int statxFlags, MemorySegment out, long at) {
        int inode = share.inode(nodeId);
        if (inode < 0) {
            return inode;
        }
        int fd = share.fd(w, inode);
        if (fd < 0) {
            return fd;
        }
        int flags = Fcntl.AT_EMPTY_PATH | (statxFlags & STATX_SYNC_FLAGS);
        long result = share.sys.statx(fd, w.emptyPath, flags, Stat.MASK, w.stat.address());
        if (result < 0) {
            return result;
        }
        entries.writeStatx(w, out, at);
        return 0;
    }

    long setattr(
            Worker w, long nodeId, MemorySegment args, long argsAt, MemorySegment out, long at) {
        int inode = share.inode(nodeId);
        if (inode < 0) {
            return inode;
        }
        int fd = share.fd(w, inode);
        if (fd < 0) {
            return fd;
        }
        int valid = FuseSetattrIn.valid(args, argsAt);
        boolean owner = (valid & (FuseSetattrIn.FATTR_UID | FuseSetattrIn.FATTR_GID)) != 0;
        // Before anything changes: a forbidden id must not leave half of the request done.
        long result = owner ? checkOwner(valid, args, argsAt) : 0;
        if (result >= 0
                && (owner || (valid & FuseSetattrIn.FATTR_SIZE) != 0)
                && share.inodes.type(inode) == StatMode.S_IFREG) {
            result = share.dropMappedCapability(w, fd);
        }
        if (result >= 0 && (valid & FuseSetattrIn.FATTR_MODE) != 0) {
            int mode = FuseSetattrIn.mode(args, argsAt) & MODE_BITS;
            result = share.sys.fchmodat(share.procFd, w.pathOf(fd), mode);
        }
        if (result >= 0 && owner) {
            result = chown(w, fd, valid, args, argsAt);
        }
        if (result >= 0 && (valid & FuseSetattrIn.FATTR_SIZE) != 0) {
            result = truncate(w, nodeId, inode, fd, valid, args, argsAt);
        }
        if (result >= 0 && (valid & (FuseSetattrIn.FATTR_ATIME | FuseSetattrIn.FATTR_MTIME)) != 0) {
            result = setTimes(w, fd, valid, args, argsAt);
        }
        if (result >= 0) {
            result = w.attributes.fill(share.sys, fd);
        }
        if (result < 0) {
            return result;
        }
        // SAFETY: all is written inside of the struct that is found to be in `out`.
        entries.writeAttr(w, inode, NativeMemory.address(out, at, FuseAttrOut.BYTES));
        return 0;
    }

    /** 0, -EPERM where the guest may not use an id. */
    private long checkOwner(int valid, MemorySegment args, long at) {
        long result = 0;
        if ((valid & FuseSetattrIn.FATTR_UID) != 0) {
            result = Math.min(share.hostUid(FuseSetattrIn.uid(args, at)), 0);
        }
        if (result >= 0 && (valid & FuseSetattrIn.FATTR_GID) != 0) {
            result = Math.min(share.hostGid(FuseSetattrIn.gid(args, at)), 0);
        }
        return result;
    }

    /** After {@link #checkOwner}. */
    private long chown(Worker w, int fd, int valid, MemorySegment args, long at) {
        int uid = UNCHANGED;
        if ((valid & FuseSetattrIn.FATTR_UID) != 0) {
            uid = (int) share.hostUid(FuseSetattrIn.uid(args, at));
        }
        int gid = UNCHANGED;
        if ((valid & FuseSetattrIn.FATTR_GID) != 0) {
            gid = (int) share.hostGid(FuseSetattrIn.gid(args, at));
        }
        return share.sys.fchownat(fd, w.emptyPath, uid, gid, Fcntl.AT_EMPTY_PATH);
    }

    private long truncate(
            Worker w, long nodeId, int inode, int fd, int valid, MemorySegment args, long at) {
        if (share.inodes.type(inode) != StatMode.S_IFREG) {
            return share.inodes.type(inode) == StatMode.S_IFDIR ? -Errno.EISDIR : -Errno.EINVAL;
        }
        int handle = -1;
        if ((valid & FuseSetattrIn.FATTR_FH) != 0) {
            handle = share.handles.slot(FuseSetattrIn.fh(args, at), nodeId);
            if (handle < 0) {
                return -Errno.EBADF;
            }
        }
        long size = FuseSetattrIn.size(args, at);
        boolean kill = (valid & FuseSetattrIn.FATTR_KILL_SUIDGID) != 0;
        long result = w.credentials.withoutFsetid(kill);
        if (result < 0) {
            return result;
        }
        result =
                handle >= 0
                        ? share.sys.ftruncate(share.handles.fd(handle), size)
                        : share.sys.truncate(w.pathOf(fd), size);
        w.credentials.withFsetid();
        return result;
    }

    private long setTimes(Worker w, int fd, int valid, MemorySegment args, long at) {
        putTime(
                w.scratch,
                0,
                valid,
                FuseSetattrIn.FATTR_ATIME,
                FuseSetattrIn.FATTR_ATIME_NOW,
                FuseSetattrIn.atime(args, at),
                FuseSetattrIn.atimensec(args, at));
        putTime(
                w.scratch,
                Timespec.BYTES,
                valid,
                FuseSetattrIn.FATTR_MTIME,
                FuseSetattrIn.FATTR_MTIME_NOW,
                FuseSetattrIn.mtime(args, at),
                FuseSetattrIn.mtimensec(args, at));
        return share.sys.utimensat(share.procFd, w.pathOf(fd), w.scratch.address(), 0);
    }

    private static void putTime(
            MemorySegment s, long at, int valid, int set, int now, long seconds, int nanos) {
        long nsec = Integer.toUnsignedLong(nanos);
        if ((valid & set) == 0) {
            nsec = Fcntl.UTIME_OMIT;
        } else if ((valid & now) != 0) {
            nsec = Fcntl.UTIME_NOW;
        }
        Timespec.set(s, at, seconds, nsec);
    }

    /** The guest checks permissions itself, so this is asked for rarely; mode bits decide. */
    long access(Worker w, Request r, int mask) {
        int inode = share.inode(r.nodeId());
        if (inode < 0) {
            return inode;
        }
        int fd = share.fd(w, inode);
        long result = fd < 0 ? fd : w.attributes.fill(share.sys, fd);
        if (result < 0) {
            return result;
        }
        if ((mask & Fcntl.W_OK) != 0 && share.options.readonly()) {
            return -Errno.EROFS;
        }
        int wanted = mask & (Fcntl.R_OK | Fcntl.W_OK | Fcntl.X_OK);
        int mode = w.attributes.mode();
        int granted;
        if (r.uid() == 0) {
            boolean executable = w.attributes.type() == StatMode.S_IFDIR || (mode & 0111) != 0;
            granted = Fcntl.R_OK | Fcntl.W_OK | (executable ? Fcntl.X_OK : 0);
        } else if (r.uid() == share.guestUid(w.attributes.uid())) {
            granted = mode >> 6;
        } else if (r.gid() == share.guestGid(w.attributes.gid())) {
            granted = mode >> 3;
        } else {
            granted = mode;
        }
        return (wanted & ~granted) == 0 ? 0 : -Errno.EACCES;
    }

    long statfs(Worker w, long nodeId, MemorySegment out, long at) {
        int inode = share.inode(nodeId);
        if (inode < 0) {
            return inode;
        }
        MemorySegment s = w.scratch;
        int fd = share.fd(w, inode);
        long result = fd < 0 ? fd : share.sys.fstatfs(fd, s.address());
        if (result < 0) {
            return result;
        }
        FuseKstatfs.blocks(out, at, StatFs.blocks(s, 0));
        FuseKstatfs.bfree(out, at, StatFs.blocksFree(s, 0));
        FuseKstatfs.bavail(out, at, StatFs.blocksAvailable(s, 0));
        FuseKstatfs.files(out, at, StatFs.files(s, 0));
        FuseKstatfs.ffree(out, at, StatFs.filesFree(s, 0));
        FuseKstatfs.bsize(out, at, (int) StatFs.blockSize(s, 0));
        FuseKstatfs.namelen(out, at, (int) StatFs.nameMax(s, 0));
        FuseKstatfs.frsize(out, at, (int) StatFs.fragmentSize(s, 0));
        return 0;
    }

    long readlink(Worker w, long nodeId, MemorySegment out, long at, int maxBytes) {
        int inode = share.inode(nodeId);
        if (inode < 0) {
            return inode;
        }
        if (share.inodes.type(inode) != StatMode.S_IFLNK) {
            return -Errno.EINVAL;
        }
        int fd = share.fd(w, inode);
        return fd < 0 ? fd : share.sys.readlinkat(fd, w.emptyPath, out.address() + at, maxBytes);
    }
}
