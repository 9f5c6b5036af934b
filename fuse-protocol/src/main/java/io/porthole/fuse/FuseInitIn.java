package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of INIT. Kernels before 5.17 send only the first {@link #COMPAT_BYTES}. fuse.h 7.45,
 * struct fuse_init_in.
 */
public final class FuseInitIn {
    public static final int MAJOR = 0;
    public static final int MINOR = MAJOR + 4;
    public static final int MAX_READAHEAD = MINOR + 4;
    public static final int FLAGS = MAX_READAHEAD + 4;
    public static final int FLAGS2 = FLAGS + 4;
    private static final int UNUSED = FLAGS2 + 4;

    /** Size of the struct. */
    public static final int BYTES = UNUSED + 11 * 4;

    /** Length without FUSE_INIT_EXT. */
    public static final int COMPAT_BYTES = FLAGS2;

    private FuseInitIn() {}

    public static int major(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MAJOR);
    }

    public static void major(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MAJOR, value);
    }

    public static int minor(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MINOR);
    }

    public static void minor(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MINOR, value);
    }

    public static int maxReadahead(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MAX_READAHEAD);
    }

    public static void maxReadahead(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MAX_READAHEAD, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }

    public static int flags2(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS2);
    }

    public static void flags2(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS2, value);
    }
}
