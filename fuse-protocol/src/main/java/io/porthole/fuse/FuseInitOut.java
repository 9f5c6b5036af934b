package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Reply of INIT. fuse.h 7.45, struct fuse_init_out. */
public final class FuseInitOut {
    public static final int MAJOR = 0;
    public static final int MINOR = MAJOR + 4;
    public static final int MAX_READAHEAD = MINOR + 4;
    public static final int FLAGS = MAX_READAHEAD + 4;
    public static final int MAX_BACKGROUND = FLAGS + 4;
    public static final int CONGESTION_THRESHOLD = MAX_BACKGROUND + 2;
    public static final int MAX_WRITE = CONGESTION_THRESHOLD + 2;
    public static final int TIME_GRAN = MAX_WRITE + 4;
    public static final int MAX_PAGES = TIME_GRAN + 4;
    public static final int MAP_ALIGNMENT = MAX_PAGES + 2;
    public static final int FLAGS2 = MAP_ALIGNMENT + 2;
    public static final int MAX_STACK_DEPTH = FLAGS2 + 4;
    public static final int REQUEST_TIMEOUT = MAX_STACK_DEPTH + 4;
    private static final int UNUSED = REQUEST_TIMEOUT + 2;

    /** Size of the struct. */
    public static final int BYTES = UNUSED + 11 * 2;

    /** Length that a kernel older than 7.5 takes, or one of another major version. */
    public static final int FUSE_COMPAT_INIT_OUT_SIZE = 8;

    /** Length that kernels from 7.5 to 7.22 take. */
    public static final int FUSE_COMPAT_22_INIT_OUT_SIZE = 24;

    private FuseInitOut() {}

    public static int major(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MAJOR);
    }

    public static void major(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MAJOR, value);
    }

    public static int minor(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MINOR);
    }

    public static void minor(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MINOR, value);
    }

    public static int maxReadahead(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MAX_READAHEAD);
    }

    public static void maxReadahead(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MAX_READAHEAD, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }

    public static int maxBackground(MemorySegment s, long at) {
        return Short.toUnsignedInt(s.get(JAVA_SHORT_UNALIGNED, at + MAX_BACKGROUND));
    }

    public static void maxBackground(MemorySegment s, long at, int value) {
        s.set(JAVA_SHORT_UNALIGNED, at + MAX_BACKGROUND, (short) value);
    }

    public static int congestionThreshold(MemorySegment s, long at) {
        return Short.toUnsignedInt(s.get(JAVA_SHORT_UNALIGNED, at + CONGESTION_THRESHOLD));
    }

    public static void congestionThreshold(MemorySegment s, long at, int value) {
        s.set(JAVA_SHORT_UNALIGNED, at + CONGESTION_THRESHOLD, (short) value);
    }

    public static int maxWrite(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MAX_WRITE);
    }

    public static void maxWrite(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MAX_WRITE, value);
    }

    public static int timeGran(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + TIME_GRAN);
    }

    public static void timeGran(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + TIME_GRAN, value);
    }

    public static int maxPages(MemorySegment s, long at) {
        return Short.toUnsignedInt(s.get(JAVA_SHORT_UNALIGNED, at + MAX_PAGES));
    }

    public static void maxPages(MemorySegment s, long at, int value) {
        s.set(JAVA_SHORT_UNALIGNED, at + MAX_PAGES, (short) value);
    }

    public static int mapAlignment(MemorySegment s, long at) {
        return Short.toUnsignedInt(s.get(JAVA_SHORT_UNALIGNED, at + MAP_ALIGNMENT));
    }

    public static void mapAlignment(MemorySegment s, long at, int value) {
        s.set(JAVA_SHORT_UNALIGNED, at + MAP_ALIGNMENT, (short) value);
    }

    public static int flags2(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS2);
    }

    public static void flags2(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS2, value);
    }

    public static int maxStackDepth(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MAX_STACK_DEPTH);
    }

    public static void maxStackDepth(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MAX_STACK_DEPTH, value);
    }

    public static int requestTimeout(MemorySegment s, long at) {
        return Short.toUnsignedInt(s.get(JAVA_SHORT_UNALIGNED, at + REQUEST_TIMEOUT));
    }

    public static void requestTimeout(MemorySegment s, long at, int value) {
        s.set(JAVA_SHORT_UNALIGNED, at + REQUEST_TIMEOUT, (short) value);
    }
}
