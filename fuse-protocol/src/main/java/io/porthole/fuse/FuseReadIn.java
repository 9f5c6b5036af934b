package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of READ, READDIR and READDIRPLUS. fuse.h 7.45, struct fuse_read_in. */
public final class FuseReadIn {
    public static final int FH = 0;
    public static final int OFFSET = FH + 8;
    public static final int SIZE = OFFSET + 8;
    public static final int READ_FLAGS = SIZE + 4;
    public static final int LOCK_OWNER = READ_FLAGS + 4;
    public static final int FLAGS = LOCK_OWNER + 8;
    private static final int PADDING = FLAGS + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    /** {@code read_flags}: {@code lock_owner} is valid. */
    public static final int FUSE_READ_LOCKOWNER = 1 << 1;

    private FuseReadIn() {}

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

    public static int readFlags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + READ_FLAGS);
    }

    public static void readFlags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + READ_FLAGS, value);
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
