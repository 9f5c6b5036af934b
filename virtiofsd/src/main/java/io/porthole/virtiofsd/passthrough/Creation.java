package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FuseEntryOut;
import io.porthole.fuse.InitFlags;
import io.porthole.fuse.Request;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.StatMode;
import java.lang.foreign.MemorySegment;

/**
 * What makes and removes names: MKNOD, MKDIR, SYMLINK, LINK, CREATE, UNLINK, RMDIR, RENAME. New
 * inodes belong to the guest's caller and get its umask.
 */
final class Creation {
    private static final int MODE_BITS = 07777;
    private static final int REOPEN_PINNED = Fcntl.O_PATH | Fcntl.O_CLOEXEC;

    private static final int RENAME_FLAGS =
            Fcntl.RENAME_NOREPLACE | Fcntl.RENAME_EXCHANGE | Fcntl.RENAME_WHITEOUT;

    private final Share share;
    private final Entries entries;
    private final FileIo files;

    /** The path of a directory itself, relative to its descriptor. */
    private final long dot;

    Creation(Share share, Entries entries, FileIo files, long dot) {
        this.dot = dot;
        this.share = share;
        this.entries = entries;
        this.files = files;
    }

    long mkdir(
            Worker w,
            Request r,
            long nameAddr,
            int nameBytes,
            int mode,
            int umask,
            MemorySegment out,
            long at) {
        int parent = share.directory(r.nodeId());
        if (parent < 0) {
            return parent;
        }
        int dirFd = share.fd(w, parent);
        if (dirFd < 0) {
            return dirFd;
        }
        long result = begin(w, r, umask, false);
        if (result >= 0) {
            result = share.sys.mkdirat(dirFd, nameAddr, mode & MODE_BITS);
            end(w, r, false);
        }
        return result < 0
                ? result
                : entry(w, r, parent, nameAddr, nameBytes, Fcntl.AT_REMOVEDIR, out, at);
    }

    long mknod(
            Worker w,
            Request r,
            long nameAddr,
            int nameBytes,
            int mode,
            int rdev,
            int umask,
            MemorySegment out,
            long at) {
        int parent = share.directory(r.nodeId());
        if (parent < 0) {
            return parent;
        }
        int dirFd = share.fd(w, parent);
        if (dirFd < 0) {
            return dirFd;
        }
        boolean groupBit = (mode & StatMode.S_ISGID) != 0;
        long result = begin(w, r, umask, groupBit);
        if (result >= 0) {
            // The system call takes the same 32-bit device number as FUSE.
            long device = Integer.toUnsignedLong(rdev);
            result = share.sys.mknodat(dirFd, nameAddr, mode, device);
            end(w, r, groupBit);
        }
        return result < 0 ? result : entry(w, r, parent, nameAddr, nameBytes, 0, out, at);
    }

    long symlink(
            Worker w,
            Request r,
            long nameAddr,
            int nameBytes,
            long targetAddr,
            MemorySegment out,
            long at) {
        int parent = share.directory(r.nodeId());
        if (parent < 0) {
            return parent;
        }
        int dirFd = share.fd(w, parent);
        if (dirFd < 0) {
            return dirFd;
        }
        long result = begin(w, r, 0, false);
        if (result >= 0) {
            result = share.sys.symlinkat(targetAddr, dirFd, nameAddr);
            end(w, r, false);
        }
        return result < 0 ? result : entry(w, r, parent, nameAddr, nameBytes, 0, out, at);
    }

    long link(Worker w, long oldNodeId, long parentId, long nameAddr, MemorySegment out, long at) {
        int parent = share.directory(parentId);
        if (parent < 0) {
            return parent;
        }
        int old = share.inode(oldNodeId);
        if (old < 0) {
            return old;
        }
        int dirFd = share.fd(w, parent);
        if (dirFd < 0) {
            return dirFd;
        }
        int oldFd = share.fd(w, old);
        if (oldFd < 0) {
            return oldFd;
        }
        long result =
                share.sys.linkat(
                        share.procFd, w.pathOf(oldFd), dirFd, nameAddr, Fcntl.AT_SYMLINK_FOLLOW);
        if (result >= 0) {
            result = w.statFd(share.sys, oldFd);
        }
        if (result < 0) {
            return result;
        }
        // The inode is known, so its name needs no look.
        int mount = share.inodes.mount(old);
        Stat stat = w.stat;
        long nodeId = share.inodes.findAndCount(stat.ino(), mount, stat.birth(), w.presence);
        if (nodeId == 0) {
            nodeId = entries.find(w, parent, nameAddr, true, out, at);
            return Math.min(nodeId, 0);
        }
        entries.writeEntry(w, nodeId, mount, parent, out, at);
        return 0;
    }

    /** CREATE: fuse_entry_out and fuse_open_out. */
    long create(
            Worker w,
            Request r,
            long nameAddr,
            int nameBytes,
            int flags,
            int mode,
            int umask,
            int openFlags,
            MemorySegment out,
            long entryAt,
            long openAt) {
        int parent = share.directory(r.nodeId());
        if (parent < 0) {
            return parent;
        }
        int dirFd = share.fd(w, parent);
        if (dirFd < 0) {
            return dirFd;
        }
        boolean groupBit = (mode & StatMode.S_ISGID) != 0;
        long fd = begin(w, r, umask, groupBit);
        if (fd >= 0) {
            // Exclusive, so that nothing that is there already (a FIFO, a link) gets opened.
            int exclusive = Fcntl.O_CREAT | Fcntl.O_EXCL | Fcntl.O_NOFOLLOW | Fcntl.O_CLOEXEC;
            fd =
                    share.sys.openat(
                            dirFd,
                            nameAddr,
                            (files.hostFlags(flags) & ~Fcntl.O_TRUNC) | exclusive,
                            mode & MODE_BITS);
            end(w, r, groupBit);
        }
        share.identityToRead(w);
        if (fd == -Errno.EEXIST && (flags & Fcntl.O_EXCL) == 0) {
            w.credentials.self();
            return openExisting(w, r, parent, nameAddr, flags, openFlags, out, entryAt, openAt);
        }
        if (fd < 0) {
            return fd;
        }
        long labelled = label(w, r, (int) fd);
        if (labelled < 0) {
            share.sys.unlinkat(dirFd, nameAddr, 0);
            share.sys.close((int) fd);
            return labelled;
        }
        long opened = openNew(w, parent, (int) fd, flags, out, entryAt, openAt);
        if (opened >= 0) {
            met(r, parent, FuseEntryOut.nodeId(out, entryAt), nameAddr, nameBytes);
        }
        return opened;
    }

    /** TMPFILE: as CREATE, without a name. LINK may give it one. */
    long tmpfile(
            Worker w,
            Request r,
            int flags,
            int mode,
            int umask,
            MemorySegment out,
            long entryAt,
            long openAt) {
        int parent = share.directory(r.nodeId());
        if (parent < 0) {
            return parent;
        }
        int dirFd = share.fd(w, parent);
        if (dirFd < 0) {
            return dirFd;
        }
        boolean groupBit = (mode & StatMode.S_ISGID) != 0;
        long fd = begin(w, r, umask, groupBit);
        if (fd >= 0) {
            int kind = Fcntl.O_TMPFILE | Fcntl.O_CLOEXEC | (flags & Fcntl.O_EXCL);
            fd =
                    share.sys.openat(
                            dirFd,
                            dot,
                            (files.hostFlags(flags) & ~Fcntl.O_TRUNC) | kind,
                            mode & MODE_BITS);
            end(w, r, groupBit);
        }
        share.identityToRead(w);
        if (fd < 0) {
            return fd;
        }
        long labelled = label(w, r, (int) fd);
        if (labelled < 0) {
            share.sys.close((int) fd);
            return labelled;
        }
        return openNew(w, parent, (int) fd, flags, out, entryAt, openAt);
    }

    /** Entry and handle of a file that was just made and is open as {@code fd}. */
    private long openNew(
            Worker w, int parent, int fd, int flags, MemorySegment out, long entryAt, long openAt) {
        long pin = share.sys.openat(share.procFd, w.pathOf(fd), REOPEN_PINNED, 0);
        long nodeId = pin < 0 ? pin : entries.adopt(w, parent, (int) pin, out, entryAt);
        if (nodeId < 0) {
            share.sys.close(fd);
            return nodeId;
        }
        return opened(w, nodeId, files.register(nodeId, fd, flags, 0, out, openAt));
    }

    /** The guest will ask for the name again. */
    private void met(Request r, int parent, long nodeId, long nameAddr, int nameBytes) {
        MemorySegment in = r.in();
        int hint = NameHints.of(parent, in, nameAddr - in.address(), nameBytes);
        share.inodes.met(nodeId, hint);
    }

    /** Gives a new inode the security context that the guest has sent along, if it has. */
    private long label(Worker w, Request r, int fd) {
        if (r.securityNameBytes() == 0) {
            return 0;
        }
        long name = r.securityNameAddr();
        if (share.xattrMap != null) {
            MemorySegment in = r.in();
            name = w.hostName(share.xattrMap, in, name - in.address(), r.securityNameBytes());
            if (name < 0) {
                return name;
            }
        }
        w.credentials.self();
        return share.sys.setxattr(
                w.pathOf(fd), name, r.securityValueAddr(), r.securityValueBytes(), 0);
    }

    /** Another made the file since the guest looked. */
    private long openExisting(
            Worker w,
            Request r,
            int parent,
            long nameAddr,
            int flags,
            int openFlags,
            MemorySegment out,
            long entryAt,
            long openAt) {
        long nodeId = entries.find(w, parent, nameAddr, false, out, entryAt);
        if (nodeId < 0) {
            return nodeId;
        }
        return opened(w, nodeId, files.open(w, nodeId, flags, openFlags, r.uid(), out, openAt));
    }

    /** An entry that the reply will not carry after all must not stay counted. */
    private long opened(Worker w, long nodeId, long result) {
        if (result < 0) {
            share.inodes.forget(nodeId, 1, w.presence);
        }
        return result;
    }

    long unlink(Worker w, long parentId, long nameAddr, int flags) {
        int parent = share.directory(parentId);
        int dirFd = parent < 0 ? parent : share.fd(w, parent);
        return dirFd < 0 ? dirFd : share.sys.unlinkat(dirFd, nameAddr, flags);
    }

    long rename(
            Worker w, long parentId, long nameAddr, long newParentId, long newNameAddr, int flags) {
        int parent = share.directory(parentId);
        if (parent < 0) {
            return parent;
        }
        int newParent = share.directory(newParentId);
        if (newParent < 0) {
            return newParent;
        }
        if ((flags & ~RENAME_FLAGS) != 0) {
            return -Errno.EINVAL;
        }
        int dirFd = share.fd(w, parent);
        if (dirFd < 0) {
            return dirFd;
        }
        int newDirFd = share.fd(w, newParent);
        return newDirFd < 0
                ? newDirFd
                : share.sys.renameat2(dirFd, nameAddr, newDirFd, newNameAddr, flags);
    }

    /** The entry of a name that was just made, with its security context. */
    private long entry(
            Worker w,
            Request r,
            int parent,
            long nameAddr,
            int nameBytes,
            int removeFlags,
            MemorySegment out,
            long at) {
        share.identityToRead(w);
        long nodeId = entries.find(w, parent, nameAddr, true, out, at);
        if (nodeId < 0) {
            return nodeId;
        }
        met(r, parent, nodeId, nameAddr, nameBytes);
        if (r.securityNameBytes() == 0) {
            return 0;
        }
        int fd = share.fd(w, InodeTable.slotOf(nodeId));
        long labelled = fd < 0 ? fd : label(w, r, fd);
        if (labelled < 0) {
            int dirFd = share.fd(w, parent);
            if (dirFd >= 0) {
                share.sys.unlinkat(dirFd, nameAddr, removeFlags);
            }
        }
        return opened(w, nodeId, labelled);
    }

    /**
     * Makes the thread the caller.
     *
     * @param groupBit the new file asks for set-group-ID: whether it may keep it is decided by the
     *     caller's groups alone
     */
    private long begin(Worker w, Request r, int umask, boolean groupBit) {
        // Without DONT_MASK the guest's kernel has applied it.
        w.credentials.umask(share.agreed(InitFlags.FUSE_DONT_MASK) ? umask & 0777 : 0);
        long uid = share.hostUid(r.uid());
        long gid = share.hostGid(r.gid());
        if (uid < 0 || gid < 0) {
            return Math.min(uid, gid);
        }
        long result = w.credentials.become((int) uid, (int) gid);
        if (result >= 0 && groupBit) {
            if (r.supplementaryGroup() != -1) {
                long group = share.hostGid(r.supplementaryGroup());
                result = group < 0 ? group : w.credentials.withGroup((int) group);
            }
            if (result >= 0) {
                result = w.credentials.withoutFsetid(true);
            }
            if (result < 0) {
                end(w, r, true);
            }
        }
        return result;
    }

    private static void end(Worker w, Request r, boolean groupBit) {
        if (groupBit) {
            w.credentials.withFsetid();
            if (r.supplementaryGroup() != -1) {
                w.credentials.withoutGroups();
            }
        }
    }
}
