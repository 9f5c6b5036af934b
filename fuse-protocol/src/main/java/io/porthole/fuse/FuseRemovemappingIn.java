package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of REMOVEMAPPING; {@code count} {@link FuseRemovemappingOne} follow at once, without
 * padding. fuse.h 7.45, struct fuse_removemapping_in.
 */
public final class FuseRemovemappingIn {
    public static final int COUNT = 0;

    /** Size of the struct. */
    public static final int BYTES = COUNT + 4;

    private FuseRemovemappingIn() {}

    public static int count(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + COUNT);
    }

    public static void count(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + COUNT, value);
    }
}
