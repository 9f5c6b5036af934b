package io.porthole.virtiofsd.passthrough;

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

    /** Writes a struct fuse_attr. {@code flags}: FUSE_ATTR_*. */
    void toAttr(MemorySegment out, long at, int flags) {
        FuseAttr.ino(out, at, Statx.inode(s, 0));
        FuseAttr.size(out, at, Statx.size(s, 0));
        FuseAttr.blocks(out, at, Statx.blocks(s, 0));
        FuseAttr.atime(out, at, Statx.atimeSeconds(s, 0));
        FuseAttr.mtime(out, at, Statx.mtimeSeconds(s, 0));
        FuseAttr.ctime(out, at, Statx.ctimeSeconds(s, 0));
        FuseAttr.atimensec(out, at, Statx.atimeNanos(s, 0));
        FuseAttr.mtimensec(out, at, Statx.mtimeNanos(s, 0));
        FuseAttr.ctimensec(out, at, Statx.ctimeNanos(s, 0));
        FuseAttr.mode(out, at, Statx.mode(s, 0));
        FuseAttr.nlink(out, at, Statx.linkCount(s, 0));
        FuseAttr.uid(out, at, Statx.uid(s, 0));
        FuseAttr.gid(out, at, Statx.gid(s, 0));
        // The 32-bit form of linux/kdev_t.h is the low half of the 64-bit one.
        FuseAttr.rdev(out, at, (int) StatMode.device(Statx.rdevMajor(s, 0), Statx.rdevMinor(s, 0)));
        FuseAttr.blksize(out, at, Statx.blockSize(s, 0));
        FuseAttr.flags(out, at, flags);
    }

    /**
     * Writes a struct fuse_statx, which is a struct statx without what means nothing in a guest.
     */
    void toStatx(MemorySegment out, long at) {
        MemorySegment.copy(s, 0, out, at, STATX_COMMON_BYTES);
        FuseStatx.mask(out, at, Statx.mask(s, 0) & (Statx.STATX_BASIC_STATS | Statx.STATX_BTIME));
    }
}
