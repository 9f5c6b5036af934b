package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of GETATTR. fuse.h 7.45, struct fuse_getattr_in. */
public final class FuseGetattrIn {
    public static final int GETATTR_FLAGS = 0;
    private static final int DUMMY = GETATTR_FLAGS + 4;
    public static final int FH = DUMMY + 4;

    /** Size of the struct. */
    public static final int BYTES = FH + 8;

    /** {@code getattr_flags}: {@code fh} is valid. */
    public static final int FUSE_GETATTR_FH = 1;

    private FuseGetattrIn() {}

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
}
