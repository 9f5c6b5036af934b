package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Reply of STATX (7.39). fuse.h 7.45, struct fuse_statx_out. */
public final class FuseStatxOut {
    public static final int ATTR_VALID = 0;
    public static final int ATTR_VALID_NSEC = ATTR_VALID + 8;
    public static final int FLAGS = ATTR_VALID_NSEC + 4;
    private static final int SPARE = FLAGS + 4;
    public static final int STAT = SPARE + 2 * 8;

    /** Size of the struct. */
    public static final int BYTES = STAT + FuseStatx.BYTES;

    private FuseStatxOut() {}

    public static long attrValid(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + ATTR_VALID);
    }

    public static void attrValid(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + ATTR_VALID, value);
    }

    public static int attrValidNsec(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + ATTR_VALID_NSEC);
    }

    public static void attrValidNsec(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + ATTR_VALID_NSEC, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }
}
