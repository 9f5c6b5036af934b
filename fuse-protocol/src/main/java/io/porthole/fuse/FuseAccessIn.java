package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of ACCESS. fuse.h 7.45, struct fuse_access_in. */
public final class FuseAccessIn {
    public static final int MASK = 0;
    private static final int PADDING = MASK + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    private FuseAccessIn() {}

    public static int mask(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MASK);
    }

    public static void mask(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MASK, value);
    }
}
