package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Reply of LSEEK. fuse.h 7.45, struct fuse_lseek_out. */
public final class FuseLseekOut {
    public static final int OFFSET = 0;

    /** Size of the struct. */
    public static final int BYTES = OFFSET + 8;

    private FuseLseekOut() {}

    public static long offset(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + OFFSET);
    }

    public static void offset(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + OFFSET, value);
    }
}
