package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Body of the notification NOTIFY_RETRIEVE. fuse.h 7.45, struct fuse_notify_retrieve_out. */
public final class FuseNotifyRetrieveOut {
    public static final int NOTIFY_UNIQUE = 0;
    public static final int NODEID = NOTIFY_UNIQUE + 8;
    public static final int OFFSET = NODEID + 8;
    public static final int SIZE = OFFSET + 8;
    private static final int PADDING = SIZE + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    private FuseNotifyRetrieveOut() {}

    public static long notifyUnique(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + NOTIFY_UNIQUE);
    }

    public static void notifyUnique(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + NOTIFY_UNIQUE, value);
    }

    public static long nodeId(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + NODEID);
    }

    public static void nodeId(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + NODEID, value);
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
}
