package io.porthole.virtiofsd.passthrough;

import static io.porthole.linux.NativeMemory.setInt;
import static io.porthole.linux.NativeMemory.setLong;

import io.porthole.fuse.FuseAttr;
import io.porthole.fuse.FuseAttrOut;
import io.porthole.fuse.FuseEntryOut;
import io.porthole.fuse.FuseStatx;
import io.porthole.fuse.FuseStatxOut;
import io.porthole.fuse.InitFlags;
import io.porthole.fuse.Request;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.NativeMemory;
import io.porthole.linux.StatMode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * From a name to an inode and its fuse_entry_out.
 *
 * <p>A known name costs one statx. A new one costs an open with O_PATH and a statx of what was
 * opened ({@link NameHints} tells which it will be): identity and attributes are always those of
 * the descriptor that is kept, so a swap of names on the host meanwhile cannot file one inode under
 * another's key.
 */
final class Entries {
    private static final int NANOS_PER_SECOND = 1_000_000_000;
    private static final int BY_NAME = Fcntl.AT_SYMLINK_NOFOLLOW | Fcntl.AT_NO_AUTOMOUNT;
    private static final int PIN = Fcntl.O_PATH | Fcntl.O_NOFOLLOW | Fcntl.O_CLOEXEC;

    /** Of the budget of pinned inodes, this part is for directories alone. */
    private static final int DIRECTORIES_PART = 8;

    private final Share share;
    private final int budget;
    private final long entrySeconds;
    private final int entryNanos;
    private final long attrSeconds;
    private final int attrNanos;
    private final long negativeTimeoutNanos;
    private final boolean mapsIds;

    Entries(Share share) {
        this.share = share;
        PassthroughOptions options = share.options;
        budget = options.maxPinnedInodes();
        entrySeconds = options.entryTimeoutNanos() / NANOS_PER_SECOND;
        entryNanos = (int) (options.entryTimeoutNanos() % NANOS_PER_SECOND);
        attrSeconds = options.attrTimeoutNanos() / NANOS_PER_SECOND;
        attrNanos = (int) (options.attrTimeoutNanos() % NANOS_PER_SECOND);
        negativeTimeoutNanos = options.negativeTimeoutNanos();
        mapsIds = share.uids != null || share.gids != null;
    }

    /** LOOKUP. Returns 0 or -errno. */
    long lookup(Worker w, Request r, long nameAddr, int nameBytes, MemorySegment out, long at) {
        int parent = share.directory(r.nodeId());
        if (parent < 0) {
            return parent;
        }
        if (isDots(r, nameAddr, nameBytes)) {
            // Asked for only where inodes are exported, which is not negotiated; and ".." of a
            // directory that the host has moved away would lead out of the share.
            return -Errno.ESTALE;
        }
        MemorySegment in = r.in();
        int hint = NameHints.of(parent, in, nameAddr - in.address(), nameBytes);
        boolean likelyNew = !share.inodes.names.isKnown(hint);
        long result = find(w, parent, nameAddr, likelyNew, out, at);
        if (result > 0) {
            share.inodes.met(result, hint);
            return 0;
        }
        if (result == -Errno.ENOENT && negativeTimeoutNanos > 0) {
            FuseEntryOut.entryValid(out, at, negativeTimeoutNanos / NANOS_PER_SECOND);
            FuseEntryOut.entryValidNsec(out, at, (int) (negativeTimeoutNanos % NANOS_PER_SECOND));
            return 0;
        }
        return result < 0 ? result : 0;
    }

    /**
     * Finds {@code name} below a directory, counts a lookup and writes the fuse_entry_out.
     *
     * @param likelyNew skips the look at the name, where it would only find an unknown inode
     * @return the node id or -errno
     */
    long find(
            Worker w,
            int parentSlot,
            long nameAddr,
            boolean likelyNew,
            MemorySegment out,
            long at) {
        int dirFd = share.fd(w, parentSlot);
        if (dirFd < 0) {
            return dirFd;
        }
        Stat stat = w.stat;
        if (!likelyNew) {
            long result = share.sys.statx(dirFd, nameAddr, BY_NAME, Stat.MASK, stat.address());
            if (result < 0) {
                return result;
            }
            int mount = share.mounts.find(stat.device(), stat.mountId());
            if (mount >= 0) {
                long nodeId =
                        share.inodes.findAndCount(stat.ino(), mount, stat.birth(), w.presence);
                if (nodeId != 0) {
                    writeEntry(w, nodeId, mount, parentSlot, out, at);
                    return nodeId;
                }
            }
        }
        long fd = share.sys.openat(dirFd, nameAddr, PIN, 0);
        return fd < 0 ? fd : adopt(w, parentSlot, (int) fd, out, at);
    }

    /**
     * Puts what {@code fd} refers to into the table, counts a lookup and writes the fuse_entry_out.
     *
     * @param fd O_PATH descriptor; taken over, also on failure
     * @return the node id or -errno
     */
    long adopt(Worker w, int parentSlot, int fd, MemorySegment out, long at) {
        Stat stat = w.stat;
        long result = w.statFd(share.sys, fd);
        if (result < 0) {
            share.sys.close(fd);
            return result;
        }
        int mount = share.mountOf(stat, fd, w.scratch);
        if (stat.type() == StatMode.S_IFDIR && share.mounts.isLocal(mount)) {
            share.inodeHandles.met(mount, fd);
        }
        long handle = 0;
        int pinned = share.inodes.pinnedCount();
        // A single mount is tried when the budget is spent; several share it, and are all tried.
        boolean byHandle =
                (share.mounts.areSeveral() || pinned >= budget(stat.type(), false))
                        && share.inodeHandles.usable(w, mount, fd);
        if (pinned >= budget(stat.type(), byHandle)) {
            handle = byHandle ? share.inodeHandles.keep(w, mount, fd) : 0;
            if (handle == 0 && pinned >= budget) {
                share.sys.close(fd);
                return -Errno.ENFILE;
            }
        }
        int pin = handle == 0 ? fd : InodeTable.UNPINNED;
        long inserted =
                share.inodes.insert(
                        stat.ino(),
                        mount,
                        stat.birth(),
                        stat.type(),
                        share.isToBeMapped(stat, mount),
                        pin,
                        handle);
        boolean isNew = inserted != 0 && (inserted & InodeTable.KNOWN) == 0;
        if (!isNew || handle != 0) {
            share.sys.close(fd);
        }
        if (!isNew && handle != 0) {
            share.inodeHandles.free(handle);
        }
        if (inserted == 0) {
            return -Errno.ENFILE;
        }
        long nodeId = inserted & ~InodeTable.KNOWN;
        writeEntry(w, nodeId, mount, parentSlot, out, at);
        return nodeId;
    }

    /**
     * How many inodes may be pinned before one of {@code type} is kept as a handle. The last part
     * is for directories, below which most of the work is. Where some inodes cannot be kept as
     * handles, as those of an overlay, half is for them alone.
     */
    private int budget(int type, boolean byHandle) {
        int all = byHandle && share.inodeHandles.areMissingSomewhere() ? budget / 2 : budget;
        return type == StatMode.S_IFDIR ? all : all - all / DIRECTORIES_PART;
    }

    /** Writes the fuse_entry_out of the inode whose attributes {@code w.stat} holds. */
    void writeEntry(Worker w, long nodeId, int mount, int parentSlot, MemorySegment out, long at) {
        // SAFETY: all is written inside of the struct that is found to be in `out`.
        long to = NativeMemory.address(out, at, FuseEntryOut.BYTES);
        setLong(to + FuseEntryOut.NODEID, nodeId);
        setLong(to + FuseEntryOut.GENERATION, 0);
        setLong(to + FuseEntryOut.ENTRY_VALID, entrySeconds);
        setLong(to + FuseEntryOut.ATTR_VALID, attrSeconds);
        setInt(to + FuseEntryOut.ENTRY_VALID_NSEC, entryNanos);
        setInt(to + FuseEntryOut.ATTR_VALID_NSEC, attrNanos);
        int flags = submountFlag(w.stat, mount, parentSlot) | daxFlag(share.inodes.slot(nodeId));
        w.stat.toAttr(to + FuseEntryOut.ATTR, flags);
        if (mapsIds) {
            mapOwner(to + FuseEntryOut.ATTR, w.stat.uid(), w.stat.gid());
        }
    }

    private int daxFlag(int slot) {
        return share.dax != null && slot >= 0 && share.inodes.isDax(slot)
                ? FuseAttr.FUSE_ATTR_DAX
                : 0;
    }

    private int submountFlag(Stat stat, int mount, int parentSlot) {
        return mount != share.inodes.mount(parentSlot)
                        && stat.type() == StatMode.S_IFDIR
                        && share.agreed(InitFlags.FUSE_SUBMOUNTS)
                ? FuseAttr.FUSE_ATTR_SUBMOUNT
                : 0;
    }

    /**
     * Writes the fuse_attr_out of the inode whose attributes {@code w.attributes} holds.
     *
     * @param to where there is room for it. SAFETY: the caller's promise
     */
    void writeAttr(Worker w, int inode, long to) {
        setLong(to + FuseAttrOut.ATTR_VALID, attrSeconds);
        // With it the four bytes of padding behind it.
        setLong(to + FuseAttrOut.ATTR_VALID_NSEC, attrNanos);
        w.attributes.toAttr(to + FuseAttrOut.ATTR, daxFlag(inode));
        if (mapsIds) {
            mapOwner(to + FuseAttrOut.ATTR, w.attributes.uid(), w.attributes.gid());
        }
    }

    /** Makes the owner in a fuse_attr what the guest is to see. */
    private void mapOwner(long attr, int hostUid, int hostGid) {
        setInt(attr + FuseAttr.UID, share.guestUid(hostUid));
        setInt(attr + FuseAttr.GID, share.guestGid(hostGid));
    }

    /** Writes the fuse_statx_out of the inode whose attributes {@code w.stat} holds. */
    void writeStatx(Worker w, MemorySegment out, long at) {
        FuseStatxOut.attrValid(out, at, attrSeconds);
        FuseStatxOut.attrValidNsec(out, at, attrNanos);
        w.stat.toStatx(out, at + FuseStatxOut.STAT);
        if (mapsIds) {
            FuseStatx.uid(out, at + FuseStatxOut.STAT, share.guestUid(w.stat.uid()));
            FuseStatx.gid(out, at + FuseStatxOut.STAT, share.guestGid(w.stat.gid()));
        }
    }

    private static boolean isDots(Request r, long nameAddr, int nameBytes) {
        if (nameBytes > 2) {
            return false;
        }
        MemorySegment in = r.in();
        long at = nameAddr - in.address();
        return in.get(ValueLayout.JAVA_BYTE, at) == '.'
                && in.get(ValueLayout.JAVA_BYTE, at + nameBytes - 1) == '.';
    }
}
