package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of WRITE; {@code size} bytes of payload follow. fuse.h 7.45, struct fuse_write_in. */
public final class FuseWriteIn {
    public static final int FH = 0;
    public static final int OFFSET = FH + 8;
    public static final int SIZE = OFFSET + 8;
    public static final int WRITE_FLAGS = SIZE + 4;
    public static final int LOCK_OWNER = WRITE_FLAGS + 4;
    public static final int FLAGS = LOCK_OWNER + 8;
    private static final int PADDING = FLAGS + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    /** {@code write_flags}: written back from the page cache, {@code fh} is a guess. */
    public static final int FUSE_WRITE_CACHE = 1;

    /** {@code write_flags}: {@code lock_owner} is valid. */
    public static final int FUSE_WRITE_LOCKOWNER = 1 << 1;

    /** {@code write_flags}: clear set-user-ID and set-group-ID. */
    public static final int FUSE_WRITE_KILL_SUIDGID = 1 << 2;

    private FuseWriteIn() {}

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static long offset(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + OFFSET);
    }

    public static void offset(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + OFFSET, value);
    }

    public static int size(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + SIZE);
    }

    public static void size(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + SIZE, value);
    }

    public static int writeFlags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + WRITE_FLAGS);
    }

    public static void writeFlags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + WRITE_FLAGS, value);
    }

    public static long lockOwner(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + LOCK_OWNER);
    }

    public static void lockOwner(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + LOCK_OWNER, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }
}
