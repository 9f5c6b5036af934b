package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of CREATE and TMPFILE; the name follows. {@code open_flags}: {@link
 * FuseOpenIn#FUSE_OPEN_KILL_SUIDGID}. fuse.h 7.45, struct fuse_create_in.
 */
public final class FuseCreateIn {
    public static final int FLAGS = 0;
    public static final int MODE = FLAGS + 4;
    public static final int UMASK = MODE + 4;
    public static final int OPEN_FLAGS = UMASK + 4;

    /** Size of the struct. */
    public static final int BYTES = OPEN_FLAGS + 4;

    private FuseCreateIn() {}

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }

    public static int mode(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MODE);
    }

    public static void mode(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MODE, value);
    }

    public static int umask(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + UMASK);
    }

    public static void umask(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + UMASK, value);
    }

    public static int openFlags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + OPEN_FLAGS);
    }

    public static void openFlags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + OPEN_FLAGS, value);
    }
}
