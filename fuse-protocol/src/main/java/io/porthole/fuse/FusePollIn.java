package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of POLL. fuse.h 7.45, struct fuse_poll_in. */
public final class FusePollIn {
    public static final int FH = 0;
    public static final int KH = FH + 8;
    public static final int FLAGS = KH + 8;
    public static final int EVENTS = FLAGS + 4;

    /** Size of the struct. */
    public static final int BYTES = EVENTS + 4;

    /** {@code flags}: tell when the file becomes ready. */
    public static final int FUSE_POLL_SCHEDULE_NOTIFY = 1;

    private FusePollIn() {}

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static long kh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + KH);
    }

    public static void kh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + KH, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }

    public static int events(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + EVENTS);
    }

    public static void events(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + EVENTS, value);
    }
}
