package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Reply of IOCTL; the result's data follows. fuse.h 7.45, struct fuse_ioctl_out. */
public final class FuseIoctlOut {
    public static final int RESULT = 0;
    public static final int FLAGS = RESULT + 4;
    public static final int IN_IOVS = FLAGS + 4;
    public static final int OUT_IOVS = IN_IOVS + 4;

    /** Size of the struct. */
    public static final int BYTES = OUT_IOVS + 4;

    private FuseIoctlOut() {}

    public static int result(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + RESULT);
    }

    public static void result(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + RESULT, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }

    public static int inIovs(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + IN_IOVS);
    }

    public static void inIovs(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + IN_IOVS, value);
    }

    public static int outIovs(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + OUT_IOVS);
    }

    public static void outIovs(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + OUT_IOVS, value);
    }
}
