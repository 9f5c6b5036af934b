package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/**
 * {@code struct statfs} of {@code asm-generic/statfs.h} on 64-bit Linux (fstatfs(2)), 120 bytes.
 */
public final class StatFs {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_LONG.withName("f_type"),
                            ValueLayout.JAVA_LONG.withName("f_bsize"),
                            ValueLayout.JAVA_LONG.withName("f_blocks"),
                            ValueLayout.JAVA_LONG.withName("f_bfree"),
                            ValueLayout.JAVA_LONG.withName("f_bavail"),
                            ValueLayout.JAVA_LONG.withName("f_files"),
                            ValueLayout.JAVA_LONG.withName("f_ffree"),
                            ValueLayout.JAVA_LONG.withName("f_fsid"),
                            ValueLayout.JAVA_LONG.withName("f_namelen"),
                            ValueLayout.JAVA_LONG.withName("f_frsize"),
                            ValueLayout.JAVA_LONG.withName("f_flags"),
                            MemoryLayout.sequenceLayout(4, ValueLayout.JAVA_LONG)
                                    .withName("f_spare"))
                    .withName("statfs");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long TYPE = Structs.offset(LAYOUT, "f_type");
    private static final long BLOCK_SIZE = Structs.offset(LAYOUT, "f_bsize");
    private static final long BLOCKS = Structs.offset(LAYOUT, "f_blocks");
    private static final long BLOCKS_FREE = Structs.offset(LAYOUT, "f_bfree");
    private static final long BLOCKS_AVAILABLE = Structs.offset(LAYOUT, "f_bavail");
    private static final long FILES = Structs.offset(LAYOUT, "f_files");
    private static final long FILES_FREE = Structs.offset(LAYOUT, "f_ffree");
    private static final long FILE_SYSTEM_ID = Structs.offset(LAYOUT, "f_fsid");
    private static final long NAME_MAX = Structs.offset(LAYOUT, "f_namelen");
    private static final long FRAGMENT_SIZE = Structs.offset(LAYOUT, "f_frsize");
    private static final long FLAGS = Structs.offset(LAYOUT, "f_flags");

    private StatFs() {}

    public static long type(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + TYPE);
    }

    public static long blockSize(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + BLOCK_SIZE);
    }

    public static long blocks(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + BLOCKS);
    }

    public static long blocksFree(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + BLOCKS_FREE);
    }

    public static long blocksAvailable(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + BLOCKS_AVAILABLE);
    }

    public static long files(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + FILES);
    }

    public static long filesFree(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + FILES_FREE);
    }

    /** The two ints of {@code f_fsid} as one long. */
    public static long fileSystemId(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + FILE_SYSTEM_ID);
    }

    public static long nameMax(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + NAME_MAX);
    }

    public static long fragmentSize(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + FRAGMENT_SIZE);
    }

    public static long flags(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + FLAGS);
    }
}
