package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of MKDIR; the name follows. fuse.h 7.45, struct fuse_mkdir_in. */
public final class FuseMkdirIn {
    public static final int MODE = 0;
    public static final int UMASK = MODE + 4;

    /** Size of the struct. */
    public static final int BYTES = UMASK + 4;

    private FuseMkdirIn() {}

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
}
