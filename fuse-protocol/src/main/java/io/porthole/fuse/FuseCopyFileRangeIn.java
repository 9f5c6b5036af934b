package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of COPY_FILE_RANGE and COPY_FILE_RANGE_64. fuse.h 7.45, struct fuse_copy_file_range_in.
 */
public final class FuseCopyFileRangeIn {
    public static final int FH_IN = 0;
    public static final int OFF_IN = FH_IN + 8;
    public static final int NODEID_OUT = OFF_IN + 8;
    public static final int FH_OUT = NODEID_OUT + 8;
    public static final int OFF_OUT = FH_OUT + 8;
    public static final int LEN = OFF_OUT + 8;
    public static final int FLAGS = LEN + 8;

    /** Size of the struct. */
    public static final int BYTES = FLAGS + 8;

    private FuseCopyFileRangeIn() {}

    public static long fhIn(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH_IN);
    }

    public static void fhIn(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH_IN, value);
    }

    public static long offIn(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + OFF_IN);
    }

    public static void offIn(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + OFF_IN, value);
    }

    public static long nodeIdOut(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + NODEID_OUT);
    }

    public static void nodeIdOut(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + NODEID_OUT, value);
    }

    public static long fhOut(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH_OUT);
    }

    public static void fhOut(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH_OUT, value);
    }

    public static long offOut(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + OFF_OUT);
    }

    public static void offOut(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + OFF_OUT, value);
    }

    public static long len(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + LEN);
    }

    public static void len(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + LEN, value);
    }

    public static long flags(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FLAGS, value);
    }
}
