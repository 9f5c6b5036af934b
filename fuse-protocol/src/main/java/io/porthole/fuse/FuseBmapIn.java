package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of BMAP. fuse.h 7.45, struct fuse_bmap_in. */
public final class FuseBmapIn {
    public static final int BLOCK = 0;
    public static final int BLOCKSIZE = BLOCK + 8;
    private static final int PADDING = BLOCKSIZE + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    private FuseBmapIn() {}

    public static long block(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + BLOCK);
    }

    public static void block(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + BLOCK, value);
    }

    public static int blocksize(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + BLOCKSIZE);
    }

    public static void blocksize(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + BLOCKSIZE, value);
    }
}
