package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Body of the notification NOTIFY_INVAL_ENTRY; the name with its NUL follows. fuse.h 7.45, struct
 * fuse_notify_inval_entry_out.
 */
public final class FuseNotifyInvalEntryOut {
    public static final int PARENT = 0;
    public static final int NAMELEN = PARENT + 8;
    public static final int FLAGS = NAMELEN + 4;

    /** Size of the struct. */
    public static final int BYTES = FLAGS + 4;

    /** {@code flags}: the entry is to be looked up again, not dropped. */
    public static final int FUSE_EXPIRE_ONLY = 1;

    private FuseNotifyInvalEntryOut() {}

    public static long parent(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + PARENT);
    }

    public static void parent(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + PARENT, value);
    }

    public static int namelen(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + NAMELEN);
    }

    public static void namelen(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + NAMELEN, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }
}
