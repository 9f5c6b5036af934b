package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of RENAME2; old and new name follow. {@code flags}: RENAME_* of renameat2(2). fuse.h
 * 7.45, struct fuse_rename2_in.
 */
public final class FuseRename2In {
    public static final int NEWDIR = 0;
    public static final int FLAGS = NEWDIR + 8;
    private static final int PADDING = FLAGS + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    private FuseRename2In() {}

    public static long newParent(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + NEWDIR);
    }

    public static void newParent(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + NEWDIR, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }
}
