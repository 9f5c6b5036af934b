package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of FLUSH. fuse.h 7.45, struct fuse_flush_in. */
public final class FuseFlushIn {
    public static final int FH = 0;
    private static final int UNUSED = FH + 8;
    private static final int PADDING = UNUSED + 4;
    public static final int LOCK_OWNER = PADDING + 4;

    /** Size of the struct. */
    public static final int BYTES = LOCK_OWNER + 8;

    private FuseFlushIn() {}

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static long lockOwner(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + LOCK_OWNER);
    }

    public static void lockOwner(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + LOCK_OWNER, value);
    }
}
