package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Reply of STATFS (struct fuse_statfs_out holds nothing else). fuse.h 7.45, struct fuse_kstatfs.
 */
public final class FuseKstatfs {
    public static final int BLOCKS = 0;
    public static final int BFREE = BLOCKS + 8;
    public static final int BAVAIL = BFREE + 8;
    public static final int FILES = BAVAIL + 8;
    public static final int FFREE = FILES + 8;
    public static final int BSIZE = FFREE + 8;
    public static final int NAMELEN = BSIZE + 4;
    public static final int FRSIZE = NAMELEN + 4;
    private static final int PADDING = FRSIZE + 4;
    private static final int SPARE = PADDING + 4;

    /** Size of the struct. */
    public static final int BYTES = SPARE + 6 * 4;

    private FuseKstatfs() {}

    public static long blocks(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + BLOCKS);
    }

    public static void blocks(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + BLOCKS, value);
    }

    public static long bfree(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + BFREE);
    }

    public static void bfree(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + BFREE, value);
    }

    public static long bavail(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + BAVAIL);
    }

    public static void bavail(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + BAVAIL, value);
    }

    public static long files(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FILES);
    }

    public static void files(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FILES, value);
    }

    public static long ffree(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FFREE);
    }

    public static void ffree(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FFREE, value);
    }

    public static int bsize(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + BSIZE);
    }

    public static void bsize(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + BSIZE, value);
    }

    public static int namelen(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + NAMELEN);
    }

    public static void namelen(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + NAMELEN, value);
    }

    public static int frsize(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FRSIZE);
    }

    public static void frsize(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FRSIZE, value);
    }
}
