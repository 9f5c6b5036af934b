package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of MKNOD; the name follows. {@code rdev} is in the 32-bit form of makedev(3). fuse.h
 * 7.45, struct fuse_mknod_in.
 */
public final class FuseMknodIn {
    public static final int MODE = 0;
    public static final int RDEV = MODE + 4;
    public static final int UMASK = RDEV + 4;
    private static final int PADDING = UMASK + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    private FuseMknodIn() {}

    public static int mode(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MODE);
    }

    public static void mode(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MODE, value);
    }

    public static int rdev(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + RDEV);
    }

    public static void rdev(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + RDEV, value);
    }

    public static int umask(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + UMASK);
    }

    public static void umask(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + UMASK, value);
    }
}
