package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of NOTIFY_REPLY; {@code size} bytes of data follow. fuse.h 7.45, struct
 * fuse_notify_retrieve_in.
 */
public final class FuseNotifyRetrieveIn {
    private static final int DUMMY1 = 0;
    public static final int OFFSET = DUMMY1 + 8;
    public static final int SIZE = OFFSET + 8;
    private static final int DUMMY2 = SIZE + 4;
    private static final int DUMMY3 = DUMMY2 + 4;
    private static final int DUMMY4 = DUMMY3 + 8;

    /** Size of the struct. */
    public static final int BYTES = DUMMY4 + 8;

    private FuseNotifyRetrieveIn() {}

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
}
