package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FuseOpenOut;
import io.porthole.fuse.FuseReleaseIn;
import io.porthole.fuse.FuseWriteIn;
import io.porthole.fuse.InitFlags;
import io.porthole.fuse.Request;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.StatMode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Open files: OPEN, READ, WRITE, FLUSH, RELEASE, FSYNC, FALLOCATE, LSEEK, COPY_FILE_RANGE, SYNCFS.
 *
 * <p>Only regular files are ever opened. Files are not opened with O_APPEND: each write says
 * whether it appends (RWF_APPEND), so that a guest that changes its mind with fcntl(2), and one
 * that writes back its own cache, get what they mean.
 */
final class FileIo {
    private static final int MAX_RW_BYTES = 0x7ffff000;

    private final Share share;

    /** The guest's O_* that go to the host. */
    private final int passedFlags;

    FileIo(Share share) {
        this.share = share;
        passedFlags =
                Fcntl.O_ACCMODE
                        | Fcntl.O_TRUNC
                        | Fcntl.O_SYNC
                        | Fcntl.O_DSYNC
                        | Fcntl.O_LARGEFILE
                        | (share.options.allowDirectIo() ? Fcntl.O_DIRECT : 0)
                        | (share.options.preserveNoatime() ? Fcntl.O_NOATIME : 0);
    }

    /** The flags to open on the host with. */
    int hostFlags(int guestFlags) {
        int flags = guestFlags & passedFlags;
        if (share.agreed(InitFlags.FUSE_WRITEBACK_CACHE)
                && (flags & Fcntl.O_ACCMODE) == Fcntl.O_WRONLY) {
            // The guest's cache reads a page before it changes a part of it.
            flags = (flags & ~Fcntl.O_ACCMODE) | Fcntl.O_RDWR;
        }
        return flags;
    }

    /**
     * OPEN. Writes fuse_open_out; returns 0 or -errno.
     *
     * @param uid of the caller, as the guest sent it; {@link SetIdBits} tells what for
     */
    long open(
            Worker w, long nodeId, int flags, int openFlags, int uid, MemorySegment out, long at) {
        int inode = share.inode(nodeId);
        if (inode < 0) {
            return inode;
        }
        int type = share.inodes.type(inode);
        if (type != StatMode.S_IFREG) {
            return switch (type) {
                case StatMode.S_IFDIR -> -Errno.EISDIR;
                case StatMode.S_IFLNK -> -Errno.ELOOP;
                default -> -Errno.EBADF;
            };
        }
        int hostFlags = hostFlags(flags);
        if (share.options.readonly()
                && ((hostFlags & Fcntl.O_ACCMODE) != Fcntl.O_RDONLY
                        || (hostFlags & Fcntl.O_TRUNC) != 0)) {
            return -Errno.EROFS;
        }
        int inodeFd = share.fd(w, inode);
        if (inodeFd < 0) {
            return inodeFd;
        }
        boolean unchanged = unchangedSinceLastOpen(w, inode, inodeFd);
        if ((hostFlags & Fcntl.O_TRUNC) != 0) {
            boolean kill = SetIdBits.goWithOpen(share, openFlags, uid);
            long ready = readyToChange(w, inodeFd, kill);
            if (ready < 0) {
                return ready;
            }
        }
        long fd = reopen(w, nodeId, inode, inodeFd, hostFlags);
        if (fd == -Errno.EPERM && (flags & Fcntl.O_APPEND) != 0) {
            // An append-only inode (chattr +a) is opened for writing with O_APPEND or not at all.
            fd = reopen(w, nodeId, inode, inodeFd, hostFlags | Fcntl.O_APPEND);
        }
        w.credentials.withFsetid();
        if (fd < 0) {
            return fd;
        }
        int cacheFlags = unchanged ? FuseOpenOut.FOPEN_KEEP_CACHE : 0;
        return register(nodeId, (int) fd, flags, cacheFlags, out, at);
    }

    /**
     * Prepares a change of a file's contents; {@link ThreadCredentials#withFsetid} follows it.
     *
     * @param kill whether its set-user-ID and set-group-ID are to go with it
     * @return 0 or -errno
     */
    private long readyToChange(Worker w, int fd, boolean kill) {
        long dropped = share.dropMappedCapability(w, fd);
        return dropped < 0 ? dropped : w.credentials.withoutFsetid(kill);
    }

    /**
     * Opens a file for a mapping: for writing, too, whatever the guest wants with it.
     *
     * @return the descriptor or -errno
     */
    long openForMapping(Worker w, long nodeId) {
        int inode = share.inode(nodeId);
        if (inode < 0) {
            return inode;
        }
        if (share.inodes.type(inode) != StatMode.S_IFREG) {
            return -Errno.ENODEV;
        }
        int inodeFd = share.fd(w, inode);
        return inodeFd < 0 ? inodeFd : reopen(w, nodeId, inode, inodeFd, Fcntl.O_RDWR);
    }

    /**
     * Whether what the guest has cached of a file since it last opened it is still right. Asked
     * before the file is opened: a change after this look is found by the next one. A host process
     * that changes the file through a mapping is found once its pages have been written back.
     */
    private boolean unchangedSinceLastOpen(Worker w, int inode, int fd) {
        return share.options.cache() == CachePolicy.AUTO
                && share.mounts.isLocal(share.inodes.mount(inode))
                && w.statFd(share.sys, fd) >= 0
                && share.inodes.opensSameContents(inode, w.stat.contentVersion(nowNanos()));
    }

    private static long nowNanos() {
        return System.currentTimeMillis() * 1_000_000L;
    }

    /**
     * Opens what {@code fd} refers to: by its file handle, and where that fails for whatever reason
     * through /proc.
     */
    private long reopen(Worker w, long nodeId, int inode, int fd, int flags) {
        int all = flags | Fcntl.O_CLOEXEC;
        if (share.inodes.fd(inode) == fd) {
            int mount = share.inodes.mount(inode);
            long opened = share.inodeHandles.openPinned(w, mount, nodeId, fd, all);
            if (opened >= 0) {
                return opened;
            }
        }
        return share.sys.openat(share.procFd, w.pathOf(fd), all, 0);
    }

    /**
     * Makes a handle of an open file and writes fuse_open_out.
     *
     * @param fd taken over, also on failure
     * @param cacheFlags FOPEN_* on top of the cache policy's
     * @return 0 or -errno
     */
    long register(long nodeId, int fd, int flags, int cacheFlags, MemorySegment out, long at) {
        int inode = share.inode(nodeId);
        boolean local = inode >= 0 && share.mounts.isLocal(share.inodes.mount(inode));
        long fh = share.handles.add(nodeId, fd, local ? HandleTable.LOCAL : 0, null);
        if (fh == 0) {
            share.sys.close(fd);
            return -Errno.ENFILE;
        }
        boolean direct = share.options.allowDirectIo() && (flags & Fcntl.O_DIRECT) != 0;
        int openFlags = share.options.cache().fileOpenFlags(direct) | cacheFlags;
        if (local && !share.agreed(InitFlags.FUSE_POSIX_LOCKS)) {
            // With it, FLUSH is what ends the locks of whoever closes the file.
            openFlags |= FuseOpenOut.FOPEN_NOFLUSH;
        }
        if ((openFlags & FuseOpenOut.FOPEN_DIRECT_IO) != 0) {
            openFlags |= FuseOpenOut.FOPEN_PARALLEL_DIRECT_WRITES;
        }
        FuseOpenOut.fh(out, at, fh);
        FuseOpenOut.openFlags(out, at, openFlags);
        return 0;
    }

    long read(Request r, long fh, long offset, int bytes) {
        int fd = share.handleFd(fh, r.nodeId());
        if (fd < 0) {
            return fd;
        }
        long entries = r.readPayload(0, bytes);
        return entries < 0 ? entries : share.sys.preadv(fd, r.iovAddr(), (int) entries, offset);
    }

    long write(Worker w, Request r, long fh, long offset, int bytes, int writeFlags, int flags) {
        int fd = share.handleFd(fh, r.nodeId());
        if (fd < 0) {
            return fd;
        }
        long entries = r.writePayload(bytes);
        if (entries < 0) {
            return entries;
        }
        long dropped = share.dropMappedCapability(w, fd);
        if (dropped < 0) {
            return dropped;
        }
        boolean append =
                (flags & Fcntl.O_APPEND) != 0 && (writeFlags & FuseWriteIn.FUSE_WRITE_CACHE) == 0;
        if (!append && (writeFlags & FuseWriteIn.FUSE_WRITE_KILL_SUIDGID) == 0) {
            return share.sys.pwritev(fd, r.iovAddr(), (int) entries, offset);
        }
        return writeSpecially(w, r, fd, (int) entries, offset, append, writeFlags);
    }

    private long writeSpecially(
            Worker w, Request r, int fd, int entries, long offset, boolean append, int writeFlags) {
        boolean kill = (writeFlags & FuseWriteIn.FUSE_WRITE_KILL_SUIDGID) != 0;
        long ready = w.credentials.withoutFsetid(kill);
        if (ready < 0) {
            return ready;
        }
        long written =
                append
                        ? share.sys.pwritev2(fd, r.iovAddr(), entries, offset, Fcntl.RWF_APPEND)
                        : share.sys.pwritev(fd, r.iovAddr(), entries, offset);
        w.credentials.withFsetid();
        return written;
    }

    /**
     * FLUSH, one for each close(2) in the guest. For a file system of this machine there is nothing
     * to flush; for others closing a duplicate does what closing the file would, and tells its
     * error.
     */
    long flush(long nodeId, long fh, long lockOwner) {
        int handle = share.handles.slot(fh, nodeId);
        if (handle < 0) {
            return -Errno.EBADF;
        }
        Locks locks = share.locks;
        if (locks != null && locks.inUse()) {
            locks.flush(nodeId, lockOwner);
        }
        if ((share.handles.flags(handle) & HandleTable.LOCAL) != 0) {
            return 0;
        }
        long copy = share.sys.fcntl(share.handles.fd(handle), Fcntl.F_DUPFD_CLOEXEC, 0);
        return copy < 0 ? copy : share.sys.close((int) copy);
    }

    long release(Worker w, long nodeId, long fh, int releaseFlags) {
        Locks locks = share.locks;
        if (locks != null) {
            int handle = share.handles.slot(fh, nodeId);
            if (handle >= 0 && (releaseFlags & FuseReleaseIn.FUSE_RELEASE_FLOCK_UNLOCK) != 0) {
                // Closing does it as well, but only when no other request uses the handle.
                share.sys.flock(share.handles.fd(handle), Fcntl.LOCK_UN);
            }
            if (handle >= 0 && locks.inUse()) {
                locks.release(nodeId, fh);
            }
        }
        return release(w, nodeId, fh);
    }

    /** Ends a handle that carries no locks: a directory's, say. */
    long release(Worker w, long nodeId, long fh) {
        return share.handles.remove(fh, nodeId, w.presence) ? 0 : -Errno.EBADF;
    }

    long fsync(long nodeId, long fh, boolean dataOnly) {
        int fd = share.handleFd(fh, nodeId);
        if (fd < 0) {
            return fd;
        }
        return dataOnly ? share.sys.fdatasync(fd) : share.sys.fsync(fd);
    }

    /**
     * FALLOCATE.
     *
     * @param uid as for {@link #open}
     */
    long fallocate(
            Worker w, long nodeId, long fh, long offset, long lengthBytes, int mode, int uid) {
        int fd = share.handleFd(fh, nodeId);
        if (fd < 0) {
            return fd;
        }
        long ready = readyToChange(w, fd, SetIdBits.goWithChange(share, uid));
        if (ready < 0) {
            return ready;
        }
        long result = share.sys.fallocate(fd, mode, offset, lengthBytes);
        w.credentials.withFsetid();
        return result;
    }

    long lseek(long nodeId, long fh, long offset, int whence) {
        int handle = share.handles.slot(fh, nodeId);
        if (handle < 0 || share.handles.stream(handle) != null) {
            return -Errno.EBADF;
        }
        if (whence != Fcntl.SEEK_DATA && whence != Fcntl.SEEK_HOLE) {
            return -Errno.EINVAL;
        }
        return share.sys.lseek(share.handles.fd(handle), offset, whence);
    }

    /**
     * COPY_FILE_RANGE.
     *
     * @param uid as for {@link #open}
     * @return bytes copied or -errno; -EOPNOTSUPP has the guest's kernel read and write instead
     */
    long copyFileRange(
            Worker w,
            int uid,
            long inNodeId,
            long inFh,
            long inOffset,
            long outNodeId,
            long outFh,
            long outOffset,
            long bytes,
            long flags) {
        int inFd = share.handleFd(inFh, inNodeId);
        int outFd = share.handleFd(outFh, outNodeId);
        if (inFd < 0 || outFd < 0) {
            return -Errno.EBADF;
        }
        if (flags != 0) {
            return -Errno.EINVAL;
        }
        boolean kill = SetIdBits.goWithChange(share, uid);
        if (kill && uid == SetIdBits.UNKNOWN) {
            // Its writes will say whether the bits are to go.
            long known = w.statFd(share.sys, outFd);
            if (known < 0 || SetIdBits.areIn(w.stat.mode())) {
                return known < 0 ? known : -Errno.EOPNOTSUPP;
            }
        }
        long ready = readyToChange(w, outFd, kill);
        if (ready < 0) {
            return ready;
        }
        MemorySegment offsets = w.scratch;
        offsets.set(ValueLayout.JAVA_LONG, 0, inOffset);
        offsets.set(ValueLayout.JAVA_LONG, 8, outOffset);
        long most = Long.compareUnsigned(bytes, MAX_RW_BYTES) > 0 ? MAX_RW_BYTES : bytes;
        long copied =
                share.sys.copyFileRange(
                        inFd, offsets.address(), outFd, offsets.address() + 8, most, 0);
        w.credentials.withFsetid();
        return copied;
    }

    /** Needs a descriptor that is open for more than its path. */
    long syncfs(Worker w, long nodeId) {
        int inode = share.inode(nodeId);
        if (inode < 0) {
            return inode;
        }
        int type = share.inodes.type(inode);
        if (type != StatMode.S_IFDIR && type != StatMode.S_IFREG) {
            return -Errno.EINVAL;
        }
        int inodeFd = share.fd(w, inode);
        long fd = inodeFd < 0 ? inodeFd : reopen(w, nodeId, inode, inodeFd, Fcntl.O_RDONLY);
        if (fd < 0) {
            return fd;
        }
        long result = share.sys.syncfs((int) fd);
        share.sys.close((int) fd);
        return result;
    }
}
