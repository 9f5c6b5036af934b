package io.porthole.virtiofsd.passthrough;

import static io.porthole.linux.NativeMemory.getInt;
import static io.porthole.linux.NativeMemory.getLong;
import static io.porthole.linux.NativeMemory.getShort;
import static io.porthole.linux.NativeMemory.setLong;

import io.porthole.fuse.FuseAttr;
import io.porthole.fuse.FuseStatx;
import io.porthole.linux.StatMode;
import io.porthole.linux.Statx;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A struct statx in native memory, and its translation to a struct fuse_attr. One thread's own. */
final class Stat {
    static final int MASK = Statx.STATX_BASIC_STATS | Statx.STATX_BTIME | Statx.STATX_MNT_ID;

    /** Up to and with the device number; the mount id and what follows is the host's business. */
    private static final long STATX_COMMON_BYTES = FuseStatx.DEV_MINOR + Integer.BYTES;

    /**
     * Time stamps are as coarse as the kernel's tick, 10 ms at most; some file systems' more so.
     */
    private static final long YOUNG_NANOS = 2_100_000_000L;

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    /** Of two fields of 32 bits that lie side by side, the first one is the low half. */
    private static final long LOW = 0xffff_ffffL;

    private final MemorySegment s;
    private final long address;

    Stat(Arena arena) {
        s = arena.allocate(Statx.BYTES, Long.BYTES);
        address = s.address();
    }

    long address() {
        return address;
    }

    int mode() {
        return Statx.mode(s, 0);
    }

    /** S_IFMT bits. */
    int type() {
        return mode() & StatMode.S_IFMT;
    }

    long ino() {
        return Statx.inode(s, 0);
    }

    long size() {
        return Statx.size(s, 0);
    }

    /** STATX_ATTR_*. */
    long attributes() {
        return Statx.attributes(s, 0);
    }

    int uid() {
        return Statx.uid(s, 0);
    }

    int gid() {
        return Statx.gid(s, 0);
    }

    long device() {
        return Statx.device(s, 0);
    }

    long mountId() {
        return Statx.mountId(s, 0);
    }

    /** Whether the file system tells {@link #birth}. */
    boolean hasBirth() {
        return (Statx.mask(s, 0) & Statx.STATX_BTIME) != 0;
    }

    /** Birth time in nanoseconds, modulo 2^64: tells a reused inode number from its first owner. */
    long birth() {
        return Statx.btimeSeconds(s, 0) * NANOS_PER_SECOND + Statx.btimeNanos(s, 0);
    }

    /** Modification time in nanoseconds, modulo 2^64. */
    long modified() {
        return Statx.mtimeSeconds(s, 0) * NANOS_PER_SECOND + Statx.mtimeNanos(s, 0);
    }

    /** Change time in nanoseconds, modulo 2^64. */
    long changed() {
        return Statx.ctimeSeconds(s, 0) * NANOS_PER_SECOND + Statx.ctimeNanos(s, 0);
    }

    /**
     * What changes when the contents change: a digest of size, modification and change time, never
     * 0. It is 0 where the last change is so young that another one could have the same time.
     *
     * @param nowNanos time of day in nanoseconds, modulo 2^64
     */
    long contentVersion(long nowNanos) {
        if (nowNanos - changed() < YOUNG_NANOS) {
            return 0;
        }
        long digest = size();
        digest = (digest ^ modified()) * 0x9e3779b97f4a7c15L;
        digest = (digest ^ (digest >>> 29) ^ changed()) * 0xbf58476d1ce4e5b9L;
        return (digest ^ (digest >>> 32)) | 1;
    }

    /**
     * Writes a struct fuse_attr. In words, not fields, and as one long method, on purpose
     * (docs/performance.md, "Where the time goes"): the compiler then makes it a unit of its own.
     * As a part of a request's unit it would use up what nodes that may have, and whatever came
     * later would be called and not inlined.
     *
     * @param to where there is room for one. SAFETY: the caller's promise
     * @param flags FUSE_ATTR_*
     */
    void toAttr(long to, int flags) {
        long from = address;
        int major = getInt(from + Statx.RDEV_MAJOR);
        int minor = getInt(from + Statx.RDEV_MINOR);
        // The 32-bit form of linux/kdev_t.h is the low half of the 64-bit one.
        long rdev = StatMode.device(major, minor);
        setLong(to + FuseAttr.INO, getLong(from + Statx.INODE));
        setLong(to + FuseAttr.SIZE, getLong(from + Statx.SIZE));
        setLong(to + FuseAttr.BLOCKS, getLong(from + Statx.BLOCKS));
        setLong(to + FuseAttr.ATIME, getLong(from + Statx.ATIME));
        setLong(to + FuseAttr.MTIME, getLong(from + Statx.MTIME));
        setLong(to + FuseAttr.CTIME, getLong(from + Statx.CTIME));
        long atimeNanos = getInt(from + Statx.ATIME + Statx.NANOS) & LOW;
        long mtimeNanos = getInt(from + Statx.MTIME + Statx.NANOS);
        setLong(to + FuseAttr.ATIMENSEC, atimeNanos | mtimeNanos << 32);
        long ctimeNanos = getInt(from + Statx.CTIME + Statx.NANOS) & LOW;
        long mode = Short.toUnsignedLong(getShort(from + Statx.RAW_MODE));
        setLong(to + FuseAttr.CTIMENSEC, ctimeNanos | mode << 32);
        long linkCount = getInt(from + Statx.LINK_COUNT) & LOW;
        long uid = getInt(from + Statx.UID);
        setLong(to + FuseAttr.NLINK, linkCount | uid << 32);
        long gid = getInt(from + Statx.GID) & LOW;
        setLong(to + FuseAttr.GID, gid | rdev << 32);
        long blockSize = getInt(from + Statx.BLOCK_SIZE) & LOW;
        setLong(to + FuseAttr.BLKSIZE, blockSize | (long) flags << 32);
    }

    /**
     * Writes a struct fuse_statx, which is a struct statx without what means nothing in a guest.
     */
    void toStatx(MemorySegment out, long at) {
        MemorySegment.copy(s, 0, out, at, STATX_COMMON_BYTES);
        FuseStatx.mask(out, at, Statx.mask(s, 0) & (Statx.STATX_BASIC_STATS | Statx.STATX_BTIME));
    }
}
