package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of FALLOCATE. {@code mode}: FALLOC_FL_* of fallocate(2). fuse.h 7.45, struct
 * fuse_fallocate_in.
 */
public final class FuseFallocateIn {
    public static final int FH = 0;
    public static final int OFFSET = FH + 8;
    public static final int LENGTH = OFFSET + 8;
    public static final int MODE = LENGTH + 8;
    private static final int PADDING = MODE + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    private FuseFallocateIn() {}

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static long offset(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + OFFSET);
    }

    public static void offset(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + OFFSET, value);
    }

    public static long length(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + LENGTH);
    }

    public static void length(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + LENGTH, value);
    }

    public static int mode(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MODE);
    }

    public static void mode(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MODE, value);
    }
}
