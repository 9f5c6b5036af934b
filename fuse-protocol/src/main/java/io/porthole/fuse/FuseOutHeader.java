package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Begins every reply. {@code len} counts this header too; {@code error} is 0 or -errno, and a reply
 * with an error has no body. fuse.h 7.45, struct fuse_out_header.
 */
public final class FuseOutHeader {
    public static final int LEN = 0;
    public static final int ERROR = LEN + 4;
    public static final int UNIQUE = ERROR + 4;

    /** Size of the struct. */
    public static final int BYTES = UNIQUE + 8;

    private FuseOutHeader() {}

    public static int len(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + LEN);
    }

    public static void len(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + LEN, value);
    }

    public static int error(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + ERROR);
    }

    public static void error(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + ERROR, value);
    }

    public static long unique(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + UNIQUE);
    }

    public static void unique(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + UNIQUE, value);
    }
}
