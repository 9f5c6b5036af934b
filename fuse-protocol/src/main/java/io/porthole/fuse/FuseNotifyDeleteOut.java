package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Body of the notification NOTIFY_DELETE; the name with its NUL follows. fuse.h 7.45, struct
 * fuse_notify_delete_out.
 */
public final class FuseNotifyDeleteOut {
    public static final int PARENT = 0;
    public static final int CHILD = PARENT + 8;
    public static final int NAMELEN = CHILD + 8;
    private static final int PADDING = NAMELEN + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    private FuseNotifyDeleteOut() {}

    public static long parent(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + PARENT);
    }

    public static void parent(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + PARENT, value);
    }

    public static long child(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + CHILD);
    }

    public static void child(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + CHILD, value);
    }

    public static int namelen(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + NAMELEN);
    }

    public static void namelen(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + NAMELEN, value);
    }
}
