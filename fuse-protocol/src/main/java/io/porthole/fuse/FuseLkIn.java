package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of GETLK, SETLK and SETLKW. fuse.h 7.45, struct fuse_lk_in. */
public final class FuseLkIn {
    public static final int FH = 0;
    public static final int OWNER = FH + 8;
    public static final int LK = OWNER + 8;
    public static final int LK_FLAGS = LK + FuseFileLock.BYTES;
    private static final int PADDING = LK_FLAGS + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    /** {@code lk_flags}: flock(2), not fcntl(2). */
    public static final int FUSE_LK_FLOCK = 1;

    private FuseLkIn() {}

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static long owner(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + OWNER);
    }

    public static void owner(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + OWNER, value);
    }

    public static int lkFlags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + LK_FLAGS);
    }

    public static void lkFlags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + LK_FLAGS, value);
    }
}
