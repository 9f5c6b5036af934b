package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of FSYNC and FSYNCDIR. fuse.h 7.45, struct fuse_fsync_in. */
public final class FuseFsyncIn {
    public static final int FH = 0;
    public static final int FSYNC_FLAGS = FH + 8;
    private static final int PADDING = FSYNC_FLAGS + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    /** {@code fsync_flags}: the data only. */
    public static final int FUSE_FSYNC_FDATASYNC = 1;

    private FuseFsyncIn() {}

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static int fsyncFlags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FSYNC_FLAGS);
    }

    public static void fsyncFlags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FSYNC_FLAGS, value);
    }
}
