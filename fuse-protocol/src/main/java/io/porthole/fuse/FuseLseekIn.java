package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of LSEEK (SEEK_DATA and SEEK_HOLE come here, the rest the kernel does itself). fuse.h
 * 7.45, struct fuse_lseek_in.
 */
public final class FuseLseekIn {
    public static final int FH = 0;
    public static final int OFFSET = FH + 8;
    public static final int WHENCE = OFFSET + 8;
    private static final int PADDING = WHENCE + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    private FuseLseekIn() {}

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static long offset(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + OFFSET);
    }

    public static void offset(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + OFFSET, value);
    }

    public static int whence(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + WHENCE);
    }

    public static void whence(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + WHENCE, value);
    }
}
