package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of BATCH_FORGET; {@code count} {@link FuseForgetOne} follow. fuse.h 7.45, struct
 * fuse_batch_forget_in.
 */
public final class FuseBatchForgetIn {
    public static final int COUNT = 0;
    private static final int DUMMY = COUNT + 4;

    /** Size of the struct. */
    public static final int BYTES = DUMMY + 4;

    private FuseBatchForgetIn() {}

    public static int count(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + COUNT);
    }

    public static void count(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + COUNT, value);
    }
}
