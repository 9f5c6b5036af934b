package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** A time stamp of {@link FuseStatx}. fuse.h 7.45, struct fuse_sx_time. */
public final class FuseSxTime {
    public static final int TV_SEC = 0;
    public static final int TV_NSEC = TV_SEC + 8;
    private static final int RESERVED = TV_NSEC + 4;

    /** Size of the struct. */
    public static final int BYTES = RESERVED + 4;

    private FuseSxTime() {}

    public static long tvSec(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + TV_SEC);
    }

    public static void tvSec(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + TV_SEC, value);
    }

    public static int tvNsec(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + TV_NSEC);
    }

    public static void tvNsec(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + TV_NSEC, value);
    }
}
