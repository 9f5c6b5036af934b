package io.porthole.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * {@code struct linux_dirent64}, as getdents64(2) packs it: fixed part, NUL-terminated name,
 * padding up to {@link #recordBytes}. There is no header that declares it for user space.
 */
public final class Dirent64 {
    private static final long INODE = 0;
    private static final long NEXT = 8;
    private static final long RECORD = 16;
    private static final long TYPE = 18;

    /** Where the name begins. */
    public static final long NAME = 19;

    public static final int DT_UNKNOWN = 0;
    public static final int DT_FIFO = 1;
    public static final int DT_CHR = 2;
    public static final int DT_DIR = 4;
    public static final int DT_BLK = 6;
    public static final int DT_REG = 8;
    public static final int DT_LNK = 10;
    public static final int DT_SOCK = 12;

    private Dirent64() {}

    public static long inode(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + INODE);
    }

    /** Position of the entry behind this one, for lseek(2). */
    public static long next(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + NEXT);
    }

    /** Bytes from this entry to the following one in the buffer. */
    public static int recordBytes(MemorySegment segment, long offset) {
        return Short.toUnsignedInt(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset + RECORD));
    }

    /** DT_*. */
    public static int type(MemorySegment segment, long offset) {
        return Byte.toUnsignedInt(segment.get(ValueLayout.JAVA_BYTE, offset + TYPE));
    }

    /** Length of the name at {@code offset + NAME} without its NUL. */
    public static int nameBytes(MemorySegment segment, long offset) {
        long start = offset + NAME;
        long limit = offset + recordBytes(segment, offset);
        long end = start;
        while (end < limit && segment.get(ValueLayout.JAVA_BYTE, end) != 0) {
            end++;
        }
        return (int) (end - start);
    }
}
