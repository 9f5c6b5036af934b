package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/**
 * {@code struct statx} of {@code linux/stat.h} (statx(2)), 256 bytes. The kernel fills it; all
 * fields are read-only here.
 */
public final class Statx {
    /** {@code struct statx_timestamp}. */
    static final StructLayout TIMESTAMP =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_LONG.withName("tv_sec"),
                            ValueLayout.JAVA_INT.withName("tv_nsec"),
                            MemoryLayout.paddingLayout(4))
                    .withName("statx_timestamp");

    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_INT.withName("stx_mask"),
                            ValueLayout.JAVA_INT.withName("stx_blksize"),
                            ValueLayout.JAVA_LONG.withName("stx_attributes"),
                            ValueLayout.JAVA_INT.withName("stx_nlink"),
                            ValueLayout.JAVA_INT.withName("stx_uid"),
                            ValueLayout.JAVA_INT.withName("stx_gid"),
                            ValueLayout.JAVA_SHORT.withName("stx_mode"),
                            MemoryLayout.paddingLayout(2),
                            ValueLayout.JAVA_LONG.withName("stx_ino"),
                            ValueLayout.JAVA_LONG.withName("stx_size"),
                            ValueLayout.JAVA_LONG.withName("stx_blocks"),
                            ValueLayout.JAVA_LONG.withName("stx_attributes_mask"),
                            TIMESTAMP.withName("stx_atime"),
                            TIMESTAMP.withName("stx_btime"),
                            TIMESTAMP.withName("stx_ctime"),
                            TIMESTAMP.withName("stx_mtime"),
                            ValueLayout.JAVA_INT.withName("stx_rdev_major"),
                            ValueLayout.JAVA_INT.withName("stx_rdev_minor"),
                            ValueLayout.JAVA_INT.withName("stx_dev_major"),
                            ValueLayout.JAVA_INT.withName("stx_dev_minor"),
                            ValueLayout.JAVA_LONG.withName("stx_mnt_id"),
                            ValueLayout.JAVA_INT.withName("stx_dio_mem_align"),
                            ValueLayout.JAVA_INT.withName("stx_dio_offset_align"),
                            MemoryLayout.paddingLayout(96))
                    .withName("statx");

    public static final long BYTES = LAYOUT.byteSize();

    // Offsets of members; those of times are of the seconds, with NANOS behind them.
    private static final long MASK = Structs.offset(LAYOUT, "stx_mask");
    public static final long BLOCK_SIZE = Structs.offset(LAYOUT, "stx_blksize");
    private static final long ATTRIBUTES = Structs.offset(LAYOUT, "stx_attributes");
    public static final long LINK_COUNT = Structs.offset(LAYOUT, "stx_nlink");
    public static final long UID = Structs.offset(LAYOUT, "stx_uid");
    public static final long GID = Structs.offset(LAYOUT, "stx_gid");
    public static final long RAW_MODE = Structs.offset(LAYOUT, "stx_mode");
    public static final long INODE = Structs.offset(LAYOUT, "stx_ino");
    public static final long SIZE = Structs.offset(LAYOUT, "stx_size");
    public static final long BLOCKS = Structs.offset(LAYOUT, "stx_blocks");
    private static final long ATTRIBUTES_MASK = Structs.offset(LAYOUT, "stx_attributes_mask");
    public static final long ATIME = Structs.offset(LAYOUT, "stx_atime");
    private static final long BTIME = Structs.offset(LAYOUT, "stx_btime");
    public static final long CTIME = Structs.offset(LAYOUT, "stx_ctime");
    public static final long MTIME = Structs.offset(LAYOUT, "stx_mtime");
    public static final long RDEV_MAJOR = Structs.offset(LAYOUT, "stx_rdev_major");
    public static final long RDEV_MINOR = Structs.offset(LAYOUT, "stx_rdev_minor");
    private static final long DEVICE_MAJOR = Structs.offset(LAYOUT, "stx_dev_major");
    private static final long DEVICE_MINOR = Structs.offset(LAYOUT, "stx_dev_minor");
    private static final long MOUNT_ID = Structs.offset(LAYOUT, "stx_mnt_id");
    private static final long DIRECT_IO_MEMORY_ALIGN = Structs.offset(LAYOUT, "stx_dio_mem_align");
    private static final long DIRECT_IO_OFFSET_ALIGN =
            Structs.offset(LAYOUT, "stx_dio_offset_align");

    public static final long NANOS = Structs.offset(TIMESTAMP, "tv_nsec");

    public static final int STATX_TYPE = 0x1;
    public static final int STATX_MODE = 0x2;
    public static final int STATX_NLINK = 0x4;
    public static final int STATX_UID = 0x8;
    public static final int STATX_GID = 0x10;
    public static final int STATX_ATIME = 0x20;
    public static final int STATX_MTIME = 0x40;
    public static final int STATX_CTIME = 0x80;
    public static final int STATX_INO = 0x100;
    public static final int STATX_SIZE = 0x200;
    public static final int STATX_BLOCKS = 0x400;
    public static final int STATX_BASIC_STATS = 0x7ff;
    public static final int STATX_BTIME = 0x800;
    public static final int STATX_MNT_ID = 0x1000;
    public static final int STATX_DIOALIGN = 0x2000;
    public static final long STATX_ATTR_IMMUTABLE = 0x10;
    public static final long STATX_ATTR_APPEND = 0x20;
    public static final long STATX_ATTR_MOUNT_ROOT = 0x2000;
    public static final long STATX_ATTR_DAX = 0x200000;

    private Statx() {}

    /** Which fields are valid: STATX_*. */
    public static int mask(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + MASK);
    }

    /** STATX_ATTR_*. */
    public static long attributes(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG, offset + ATTRIBUTES);
    }

    public static int uid(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + UID);
    }

    public static int gid(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + GID);
    }

    private static short rawMode(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_SHORT, offset + RAW_MODE);
    }

    public static long inode(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG, offset + INODE);
    }

    public static long size(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG, offset + SIZE);
    }

    public static int deviceMajor(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + DEVICE_MAJOR);
    }

    public static int deviceMinor(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + DEVICE_MINOR);
    }

    /** Of the mount the file is in, when STATX_MNT_ID was asked for. */
    public static long mountId(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG, offset + MOUNT_ID);
    }

    /** Which STATX_ATTR_* the file system reports. */
    public static long attributesMask(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG, offset + ATTRIBUTES_MASK);
    }

    public static int directIoMemoryAlign(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + DIRECT_IO_MEMORY_ALIGN);
    }

    public static int directIoOffsetAlign(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + DIRECT_IO_OFFSET_ALIGN);
    }

    /** Type and permission bits ({@link StatMode}), widened without sign. */
    public static int mode(MemorySegment segment, long offset) {
        return Short.toUnsignedInt(rawMode(segment, offset));
    }

    /** The device that holds the file, in the kernel's 64-bit encoding of (major, minor). */
    public static long device(MemorySegment segment, long offset) {
        return StatMode.device(deviceMajor(segment, offset), deviceMinor(segment, offset));
    }

    /** Seconds since the epoch. */
    public static long btimeSeconds(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG, offset + BTIME);
    }

    public static int btimeNanos(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + BTIME + NANOS);
    }

    /** Seconds since the epoch. */
    public static long ctimeSeconds(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG, offset + CTIME);
    }

    public static int ctimeNanos(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + CTIME + NANOS);
    }

    /** Seconds since the epoch. */
    public static long mtimeSeconds(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG, offset + MTIME);
    }

    public static int mtimeNanos(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT, offset + MTIME + NANOS);
    }
}
