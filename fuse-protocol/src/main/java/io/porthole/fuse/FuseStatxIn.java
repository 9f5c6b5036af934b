package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of STATX (7.39). fuse.h 7.45, struct fuse_statx_in. */
public final class FuseStatxIn {
    public static final int GETATTR_FLAGS = 0;
    private static final int RESERVED = GETATTR_FLAGS + 4;
    public static final int FH = RESERVED + 4;
    public static final int SX_FLAGS = FH + 8;
    public static final int SX_MASK = SX_FLAGS + 4;

    /** Size of the struct. */
    public static final int BYTES = SX_MASK + 4;

    private FuseStatxIn() {}

    public static int getattrFlags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + GETATTR_FLAGS);
    }

    public static void getattrFlags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + GETATTR_FLAGS, value);
    }

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static int sxFlags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + SX_FLAGS);
    }

    public static void sxFlags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + SX_FLAGS, value);
    }

    public static int sxMask(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + SX_MASK);
    }

    public static void sxMask(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + SX_MASK, value);
    }
}
