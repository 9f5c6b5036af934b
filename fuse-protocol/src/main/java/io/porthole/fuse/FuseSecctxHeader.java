package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Begins the security contexts of a request that creates something; {@code nr_secctx} {@link
 * FuseSecctx} follow. fuse.h 7.45, struct fuse_secctx_header.
 */
public final class FuseSecctxHeader {
    public static final int SIZE = 0;
    public static final int NR_SECCTX = SIZE + 4;

    /** Size of the struct. */
    public static final int BYTES = NR_SECCTX + 4;

    private FuseSecctxHeader() {}

    public static int size(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + SIZE);
    }

    public static void size(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + SIZE, value);
    }

    public static int nrSecctx(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + NR_SECCTX);
    }

    public static void nrSecctx(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + NR_SECCTX, value);
    }
}
