package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Reply of POLL. fuse.h 7.45, struct fuse_poll_out. */
public final class FusePollOut {
    public static final int REVENTS = 0;
    private static final int PADDING = REVENTS + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    private FusePollOut() {}

    public static int revents(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + REVENTS);
    }

    public static void revents(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + REVENTS, value);
    }
}
