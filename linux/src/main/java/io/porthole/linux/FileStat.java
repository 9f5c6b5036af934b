package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/**
 * {@code struct stat} of {@code asm/stat.h} (fstat(2)): 144 bytes on x86-64, 128 on arm64. The
 * kernel fills it for less than a {@link Statx}; what it lacks is the birth time and the mount.
 */
public final class FileStat {
    public static final StructLayout LAYOUT =
            (SyscallNumbers.ARM64 ? arm64() : x86()).withName("stat");

    public static final long BYTES = LAYOUT.byteSize();

    // Offsets of members.
    public static final long INODE = Structs.offset(LAYOUT, "st_ino");
    public static final long MODE = Structs.offset(LAYOUT, "st_mode");
    public static final long LINK_COUNT = Structs.offset(LAYOUT, "st_nlink");
    public static final long UID = Structs.offset(LAYOUT, "st_uid");
    public static final long GID = Structs.offset(LAYOUT, "st_gid");

    /** The device that a special file is, in the 32-bit encoding of linux/kdev_t.h. */
    public static final long RDEV = Structs.offset(LAYOUT, "st_rdev");

    public static final long SIZE = Structs.offset(LAYOUT, "st_size");
    public static final long BLOCK_SIZE = Structs.offset(LAYOUT, "st_blksize");

    /** Units of 512 bytes. */
    public static final long BLOCKS = Structs.offset(LAYOUT, "st_blocks");

    // Seconds since the epoch, and NANOS behind them.
    public static final long ATIME = Structs.offset(LAYOUT, "st_atim");
    public static final long MTIME = Structs.offset(LAYOUT, "st_mtim");
    public static final long CTIME = Structs.offset(LAYOUT, "st_ctim");
    public static final long NANOS = Structs.offset(Timespec.LAYOUT, "tv_nsec");

    private FileStat() {}

    private static StructLayout x86() {
        return MemoryLayout.structLayout(
                ValueLayout.JAVA_LONG.withName("st_dev"),
                ValueLayout.JAVA_LONG.withName("st_ino"),
                ValueLayout.JAVA_LONG.withName("st_nlink"),
                ValueLayout.JAVA_INT.withName("st_mode"),
                ValueLayout.JAVA_INT.withName("st_uid"),
                ValueLayout.JAVA_INT.withName("st_gid"),
                MemoryLayout.paddingLayout(4),
                ValueLayout.JAVA_LONG.withName("st_rdev"),
                ValueLayout.JAVA_LONG.withName("st_size"),
                ValueLayout.JAVA_LONG.withName("st_blksize"),
                ValueLayout.JAVA_LONG.withName("st_blocks"),
                Timespec.LAYOUT.withName("st_atim"),
                Timespec.LAYOUT.withName("st_mtim"),
                Timespec.LAYOUT.withName("st_ctim"),
                MemoryLayout.paddingLayout(24));
    }

    static StructLayout arm64() {
        return MemoryLayout.structLayout(
                ValueLayout.JAVA_LONG.withName("st_dev"),
                ValueLayout.JAVA_LONG.withName("st_ino"),
                ValueLayout.JAVA_INT.withName("st_mode"),
                ValueLayout.JAVA_INT.withName("st_nlink"),
                ValueLayout.JAVA_INT.withName("st_uid"),
                ValueLayout.JAVA_INT.withName("st_gid"),
                ValueLayout.JAVA_LONG.withName("st_rdev"),
                MemoryLayout.paddingLayout(8),
                ValueLayout.JAVA_LONG.withName("st_size"),
                ValueLayout.JAVA_INT.withName("st_blksize"),
                MemoryLayout.paddingLayout(4),
                ValueLayout.JAVA_LONG.withName("st_blocks"),
                Timespec.LAYOUT.withName("st_atim"),
                Timespec.LAYOUT.withName("st_mtim"),
                Timespec.LAYOUT.withName("st_ctim"),
                MemoryLayout.paddingLayout(8));
    }

    /** Type and permission bits ({@link StatMode}). */
    public static int mode(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + MODE);
    }

    public static int uid(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + UID);
    }

    public static int gid(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + GID);
    }

    /** Bytes. */
    public static long size(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG, offset + SIZE);
    }
}
