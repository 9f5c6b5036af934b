package io.porthole.vhostuser;

import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Constants and layouts of virtio's split virtqueues (VIRTIO 1.3 2.7), in one place. The rings are
 * little-endian, as is every machine this runs on (checked when the class is loaded).
 */
public final class Virtio {
    /** Feature bit 26 (vhost): log all writes to guest memory, for migration. */
    public static final long F_LOG_ALL = 1L << 26;

    /** Feature bit 28: indirect descriptor tables (2.7.5.3). */
    public static final long F_INDIRECT_DESC = 1L << 28;

    /** Feature bit 29: used_event and avail_event (2.7.7, 2.7.10). */
    public static final long F_EVENT_IDX = 1L << 29;

    /** Feature bit 32: not a legacy device (6.1). */
    public static final long F_VERSION_1 = 1L << 32;

    /** Feature bit 33: device accesses go through an IOMMU (6.1). */
    public static final long F_ACCESS_PLATFORM = 1L << 33;

    /** Feature bit 34: packed virtqueues (2.8). */
    public static final long F_RING_PACKED = 1L << 34;

    /** Largest split virtqueue (2.7). */
    public static final int MAX_QUEUE_SIZE = 32768;

    // struct virtq_desc { le64 addr; le32 len; le16 flags; le16 next; } (2.7.5)
    public static final int DESC_BYTES = 16;
    public static final int DESC_ADDR = 0;
    public static final int DESC_LEN = 8;
    public static final int DESC_FLAGS = 12;
    public static final int DESC_NEXT = 14;

    /** Descriptor flag: {@code next} is valid. */
    public static final int DESC_F_NEXT = 1;

    /** Descriptor flag: the device writes; otherwise it reads. */
    public static final int DESC_F_WRITE = 2;

    /** Descriptor flag: the buffer is a table of descriptors. */
    public static final int DESC_F_INDIRECT = 4;

    // struct virtq_avail { le16 flags; le16 idx; le16 ring[size]; le16 used_event; } (2.7.6)
    public static final int AVAIL_FLAGS = 0;
    public static final int AVAIL_IDX = 2;
    public static final int AVAIL_RING = 4;

    /** Available ring flag: the driver wants no interrupt (without EVENT_IDX). */
    public static final int AVAIL_F_NO_INTERRUPT = 1;

    // struct virtq_used { le16 flags; le16 idx; { le32 id; le32 len; } ring[size];
    // le16 avail_event; } (2.7.8)
    public static final int USED_FLAGS = 0;
    public static final int USED_IDX = 2;
    public static final int USED_RING = 4;
    public static final int USED_ELEM_BYTES = 8;

    /** Used ring flag: the device wants no kick (without EVENT_IDX). */
    public static final int USED_F_NO_NOTIFY = 1;

    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;

    /** For ring indexes; aligned, since unaligned layouts know no acquire and release. */
    static final VarHandle SHORT_HANDLE = SHORT.varHandle();

    static {
        if (java.nio.ByteOrder.nativeOrder() != java.nio.ByteOrder.LITTLE_ENDIAN) {
            throw new ExceptionInInitializerError("virtio rings need a little-endian machine");
        }
    }

    private Virtio() {}

    /** Size of the available ring with its used_event. */
    public static long availBytes(int queueSize) {
        return AVAIL_RING + 2L * queueSize + 2;
    }

    /** Size of the used ring with its avail_event. */
    public static long usedBytes(int queueSize) {
        return USED_RING + (long) USED_ELEM_BYTES * queueSize + 2;
    }

    /**
     * Whether moving an index from {@code before} to {@code now} passed {@code event}, all three
     * modulo 2^16 (2.7.7.1, 2.7.10.1).
     */
    public static boolean needEvent(int event, int now, int before) {
        return ((now - event - 1) & 0xffff) < ((now - before) & 0xffff);
    }
}
