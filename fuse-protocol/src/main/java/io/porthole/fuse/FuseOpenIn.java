package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of OPEN and OPENDIR. {@code flags}: the guest's O_*. fuse.h 7.45, struct fuse_open_in.
 */
public final class FuseOpenIn {
    public static final int FLAGS = 0;
    public static final int OPEN_FLAGS = FLAGS + 4;

    /** Size of the struct. */
    public static final int BYTES = OPEN_FLAGS + 4;

    /** {@code open_flags}: clear set-user-ID and set-group-ID on O_TRUNC. */
    public static final int FUSE_OPEN_KILL_SUIDGID = 1;

    private FuseOpenIn() {}

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }

    public static int openFlags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + OPEN_FLAGS);
    }

    public static void openFlags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + OPEN_FLAGS, value);
    }
}
