package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Reply of BMAP. fuse.h 7.45, struct fuse_bmap_out. */
public final class FuseBmapOut {
    public static final int BLOCK = 0;

    /** Size of the struct. */
    public static final int BYTES = BLOCK + 8;

    private FuseBmapOut() {}

    public static long block(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + BLOCK);
    }

    public static void block(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + BLOCK, value);
    }
}
