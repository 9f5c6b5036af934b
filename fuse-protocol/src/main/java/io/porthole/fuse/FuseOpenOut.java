package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Reply of OPEN and OPENDIR, and second half of the reply of CREATE and TMPFILE. fuse.h 7.45,
 * struct fuse_open_out.
 */
public final class FuseOpenOut {
    public static final int FH = 0;
    public static final int OPEN_FLAGS = FH + 8;
    public static final int BACKING_ID = OPEN_FLAGS + 4;

    /** Size of the struct. */
    public static final int BYTES = BACKING_ID + 4;

    /** {@code open_flags}: go past the guest's page cache. */
    public static final int FOPEN_DIRECT_IO = 1;

    /** {@code open_flags}: cached pages stay valid across this open. */
    public static final int FOPEN_KEEP_CACHE = 1 << 1;

    /** {@code open_flags}: the file has no seek. */
    public static final int FOPEN_NONSEEKABLE = 1 << 2;

    /** {@code open_flags}: the directory's entries may be cached. */
    public static final int FOPEN_CACHE_DIR = 1 << 3;

    /** {@code open_flags}: the file has no position at all. */
    public static final int FOPEN_STREAM = 1 << 4;

    /** {@code open_flags}: no FLUSH on close, unless written back. */
    public static final int FOPEN_NOFLUSH = 1 << 5;

    /** {@code open_flags}: direct writes to the inode may run at once. */
    public static final int FOPEN_PARALLEL_DIRECT_WRITES = 1 << 6;

    /** {@code open_flags}: {@code backing_id} takes the I/O (7.40, /dev/fuse only). */
    public static final int FOPEN_PASSTHROUGH = 1 << 7;

    private FuseOpenOut() {}

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static int openFlags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + OPEN_FLAGS);
    }

    public static void openFlags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + OPEN_FLAGS, value);
    }

    public static int backingId(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + BACKING_ID);
    }

    public static void backingId(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + BACKING_ID, value);
    }
}
