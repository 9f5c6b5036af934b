package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of SETUPMAPPING: file range and its place in the DAX window. fuse.h 7.45, struct
 * fuse_setupmapping_in.
 */
public final class FuseSetupmappingIn {
    public static final int FH = 0;
    public static final int FOFFSET = FH + 8;
    public static final int LEN = FOFFSET + 8;
    public static final int FLAGS = LEN + 8;
    public static final int MOFFSET = FLAGS + 8;

    /** Size of the struct. */
    public static final int BYTES = MOFFSET + 8;

    /** {@code flags}: for writing. */
    public static final long FUSE_SETUPMAPPING_FLAG_WRITE = 1L;

    /** {@code flags}: for reading. */
    public static final long FUSE_SETUPMAPPING_FLAG_READ = 1L << 1;

    private FuseSetupmappingIn() {}

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static long foffset(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FOFFSET);
    }

    public static void foffset(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FOFFSET, value);
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

    public static long moffset(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + MOFFSET);
    }

    public static void moffset(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + MOFFSET, value);
    }
}
