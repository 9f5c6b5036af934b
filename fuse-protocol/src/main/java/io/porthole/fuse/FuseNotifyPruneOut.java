package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Body of the notification NOTIFY_PRUNE (7.45); {@code count} node ids follow. fuse.h 7.45, struct
 * fuse_notify_prune_out.
 */
public final class FuseNotifyPruneOut {
    public static final int COUNT = 0;
    private static final int PADDING = COUNT + 4;
    private static final int SPARE = PADDING + 4;

    /** Size of the struct. */
    public static final int BYTES = SPARE + 8;

    private FuseNotifyPruneOut() {}

    public static int count(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + COUNT);
    }

    public static void count(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + COUNT, value);
    }
}
