package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Body of the notification NOTIFY_POLL. fuse.h 7.45, struct fuse_notify_poll_wakeup_out. */
public final class FuseNotifyPollWakeupOut {
    public static final int KH = 0;

    /** Size of the struct. */
    public static final int BYTES = KH + 8;

    private FuseNotifyPollWakeupOut() {}

    public static long kh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + KH);
    }

    public static void kh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + KH, value);
    }
}
