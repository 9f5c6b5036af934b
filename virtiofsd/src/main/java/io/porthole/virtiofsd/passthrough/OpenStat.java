package io.porthole.virtiofsd.passthrough;

import static io.porthole.linux.NativeMemory.getInt;
import static io.porthole.linux.NativeMemory.getLong;
import static io.porthole.linux.NativeMemory.setLong;

import io.porthole.fuse.FuseAttr;
import io.porthole.linux.FileStat;
import io.porthole.linux.StatMode;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The attributes of what a descriptor refers to, where its identity is known: a struct stat in
 * native memory, and its translation to a struct fuse_attr. One thread's own.
 */
final class OpenStat {
    /** Of two fields of 32 bits that lie side by side, the first one is the low half. */
    private static final long LOW = 0xffff_ffffL;

    private final MemorySegment s;
    private final long address;

    OpenStat(Arena arena) {
        s = arena.allocate(FileStat.BYTES, Long.BYTES);
        address = s.address();
    }

    /**
     * Asks the kernel.
     *
     * @return 0 or -errno
     */
    long fill(Syscalls sys, int fd) {
        return sys.fstat(fd, address);
    }

    int mode() {
        return FileStat.mode(s, 0);
    }

    /** S_IFMT bits. */
    int type() {
        return mode() & StatMode.S_IFMT;
    }

    int uid() {
        return FileStat.uid(s, 0);
    }

    int gid() {
        return FileStat.gid(s, 0);
    }

    /** Bytes. */
    long size() {
        return FileStat.size(s, 0);
    }

    /**
     * Writes a struct fuse_attr, as {@link Stat#toAttr} does.
     *
     * @param to where there is room for one. SAFETY: the caller's promise
     * @param flags FUSE_ATTR_*
     */
    void toAttr(long to, int flags) {
        long from = address;
        long rdev = getInt(from + FileStat.RDEV);
        setLong(to + FuseAttr.INO, getLong(from + FileStat.INODE));
        setLong(to + FuseAttr.SIZE, getLong(from + FileStat.SIZE));
        setLong(to + FuseAttr.BLOCKS, getLong(from + FileStat.BLOCKS));
        setLong(to + FuseAttr.ATIME, getLong(from + FileStat.ATIME));
        setLong(to + FuseAttr.MTIME, getLong(from + FileStat.MTIME));
        setLong(to + FuseAttr.CTIME, getLong(from + FileStat.CTIME));
        long atimeNanos = getInt(from + FileStat.ATIME + FileStat.NANOS) & LOW;
        long mtimeNanos = getInt(from + FileStat.MTIME + FileStat.NANOS);
        setLong(to + FuseAttr.ATIMENSEC, atimeNanos | mtimeNanos << 32);
        long ctimeNanos = getInt(from + FileStat.CTIME + FileStat.NANOS) & LOW;
        long mode = getInt(from + FileStat.MODE);
        setLong(to + FuseAttr.CTIMENSEC, ctimeNanos | mode << 32);
        long linkCount = getInt(from + FileStat.LINK_COUNT) & LOW;
        long uid = getInt(from + FileStat.UID);
        setLong(to + FuseAttr.NLINK, linkCount | uid << 32);
        long gid = getInt(from + FileStat.GID) & LOW;
        setLong(to + FuseAttr.GID, gid | rdev << 32);
        long blockSize = getInt(from + FileStat.BLOCK_SIZE) & LOW;
        setLong(to + FuseAttr.BLKSIZE, blockSize | (long) flags << 32);
    }
}
