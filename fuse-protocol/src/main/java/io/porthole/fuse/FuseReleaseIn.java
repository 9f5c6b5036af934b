package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of RELEASE and RELEASEDIR. fuse.h 7.45, struct fuse_release_in. */
public final class FuseReleaseIn {
    public static final int FH = 0;
    public static final int FLAGS = FH + 8;
    public static final int RELEASE_FLAGS = FLAGS + 4;
    public static final int LOCK_OWNER = RELEASE_FLAGS + 4;

    /** Size of the struct. */
    public static final int BYTES = LOCK_OWNER + 8;

    /** {@code release_flags}: flush, too. */
    public static final int FUSE_RELEASE_FLUSH = 1;

    /** {@code release_flags}: drop the flock(2) of {@code lock_owner}. */
    public static final int FUSE_RELEASE_FLOCK_UNLOCK = 1 << 1;

    private FuseReleaseIn() {}

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }

    public static int releaseFlags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + RELEASE_FLAGS);
    }

    public static void releaseFlags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + RELEASE_FLAGS, value);
    }

    public static long lockOwner(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + LOCK_OWNER);
    }

    public static void lockOwner(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + LOCK_OWNER, value);
    }
}
