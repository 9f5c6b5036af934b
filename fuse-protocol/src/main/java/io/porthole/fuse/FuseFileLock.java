package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** A byte range lock; {@code end} is inclusive. fuse.h 7.45, struct fuse_file_lock. */
public final class FuseFileLock {
    public static final int START = 0;
    public static final int END = START + 8;
    public static final int TYPE = END + 8;
    public static final int PID = TYPE + 4;

    /** Size of the struct. */
    public static final int BYTES = PID + 4;

    private FuseFileLock() {}

    public static long start(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + START);
    }

    public static void start(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + START, value);
    }

    public static long end(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + END);
    }

    public static void end(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + END, value);
    }

    public static int type(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + TYPE);
    }

    public static void type(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + TYPE, value);
    }

    public static int pid(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + PID);
    }

    public static void pid(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + PID, value);
    }
}
