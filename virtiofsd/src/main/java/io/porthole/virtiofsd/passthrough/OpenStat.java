package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FuseAttr;
import io.porthole.linux.FileStat;
import io.porthole.linux.StatMode;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The attributes of what a descriptor refers to, where its identity is known: a struct stat in
 * native memory, and its translation to a struct fuse_attr. One thread's own.
 */
final class OpenStat {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    /** Two fields of 32 bits that lie side by side, the first one low. */
    private static final ValueLayout.OfLong WORD = LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

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
     * @param flags FUSE_ATTR_*
     */
    void toAttr(MemorySegment out, long at, int flags) {
        MemorySegment in = s;
        long rdev = in.get(INT, FileStat.RDEV);
        out.set(WORD, at + FuseAttr.INO, in.get(LONG, FileStat.INODE));
        out.set(WORD, at + FuseAttr.SIZE, in.get(LONG, FileStat.SIZE));
        out.set(WORD, at + FuseAttr.BLOCKS, in.get(LONG, FileStat.BLOCKS));
        out.set(WORD, at + FuseAttr.ATIME, in.get(LONG, FileStat.ATIME));
        out.set(WORD, at + FuseAttr.MTIME, in.get(LONG, FileStat.MTIME));
        out.set(WORD, at + FuseAttr.CTIME, in.get(LONG, FileStat.CTIME));
        long atimeNanos = in.get(INT, FileStat.ATIME + FileStat.NANOS) & LOW;
        long mtimeNanos = in.get(INT, FileStat.MTIME + FileStat.NANOS);
        out.set(WORD, at + FuseAttr.ATIMENSEC, atimeNanos | mtimeNanos << 32);
        long ctimeNanos = in.get(INT, FileStat.CTIME + FileStat.NANOS) & LOW;
        long mode = in.get(INT, FileStat.MODE);
        out.set(WORD, at + FuseAttr.CTIMENSEC, ctimeNanos | mode << 32);
        long linkCount = in.get(INT, FileStat.LINK_COUNT) & LOW;
        long uid = in.get(INT, FileStat.UID);
        out.set(WORD, at + FuseAttr.NLINK, linkCount | uid << 32);
        long gid = in.get(INT, FileStat.GID) & LOW;
        out.set(WORD, at + FuseAttr.GID, gid | rdev << 32);
        long blockSize = in.get(INT, FileStat.BLOCK_SIZE) & LOW;
        out.set(WORD, at + FuseAttr.BLKSIZE, blockSize | (long) flags << 32);
    }
}
