package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Reply of COPY_FILE_RANGE_64 (7.45). fuse.h 7.45, struct fuse_copy_file_range_out. */
public final class FuseCopyFileRangeOut {
    public static final int BYTES_COPIED = 0;

    /** Size of the struct. */
    public static final int BYTES = BYTES_COPIED + 8;

    private FuseCopyFileRangeOut() {}

    public static long bytesCopied(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + BYTES_COPIED);
    }

    public static void bytesCopied(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + BYTES_COPIED, value);
    }
}
