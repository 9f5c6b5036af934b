package io.porthole.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Capabilities of {@code linux/capability.h} and the two structures of capget(2) and capset(2) in
 * version 3: a header of {@link #HEADER_BYTES}, and data of {@link #DATA_BYTES} in which each of
 * the three sets is split over two words.
 */
public final class Capabilities {
    public static final int CAP_CHOWN = 0;
    public static final int CAP_DAC_OVERRIDE = 1;
    public static final int CAP_DAC_READ_SEARCH = 2;
    public static final int CAP_FOWNER = 3;
    public static final int CAP_FSETID = 4;
    public static final int CAP_KILL = 5;
    public static final int CAP_SETGID = 6;
    public static final int CAP_SETUID = 7;
    public static final int CAP_SETPCAP = 8;
    public static final int CAP_NET_ADMIN = 12;
    public static final int CAP_SYS_CHROOT = 18;
    public static final int CAP_SYS_ADMIN = 21;
    public static final int CAP_SYS_RESOURCE = 24;
    public static final int CAP_MKNOD = 27;
    public static final int CAP_LEASE = 28;
    public static final int CAP_SETFCAP = 31;

    public static final int _LINUX_CAPABILITY_VERSION_3 = 0x20080522;

    public static final long HEADER_BYTES = 8;
    public static final long DATA_BYTES = 24;

    private static final long WORD_BYTES = 12;
    private static final long EFFECTIVE = 0;
    private static final long PERMITTED = 4;
    private static final long INHERITABLE = 8;

    private Capabilities() {}

    /** Fills the header; {@code tid} 0 is the calling thread. */
    public static void setHeader(MemorySegment segment, long offset, int tid) {
        segment.set(ValueLayout.JAVA_INT_UNALIGNED, offset, _LINUX_CAPABILITY_VERSION_3);
        segment.set(ValueLayout.JAVA_INT_UNALIGNED, offset + 4, tid);
    }

    /** A set as bits, bit n being capability n. */
    public static long effective(MemorySegment data, long offset) {
        return get(data, offset + EFFECTIVE);
    }

    public static void effective(MemorySegment data, long offset, long bits) {
        set(data, offset + EFFECTIVE, bits);
    }

    public static long permitted(MemorySegment data, long offset) {
        return get(data, offset + PERMITTED);
    }

    public static void permitted(MemorySegment data, long offset, long bits) {
        set(data, offset + PERMITTED, bits);
    }

    public static long inheritable(MemorySegment data, long offset) {
        return get(data, offset + INHERITABLE);
    }

    public static void inheritable(MemorySegment data, long offset, long bits) {
        set(data, offset + INHERITABLE, bits);
    }

    private static long get(MemorySegment data, long offset) {
        long low = Integer.toUnsignedLong(data.get(ValueLayout.JAVA_INT_UNALIGNED, offset));
        long high = data.get(ValueLayout.JAVA_INT_UNALIGNED, offset + WORD_BYTES);
        return high << 32 | low;
    }

    private static void set(MemorySegment data, long offset, long bits) {
        data.set(ValueLayout.JAVA_INT_UNALIGNED, offset, (int) bits);
        data.set(ValueLayout.JAVA_INT_UNALIGNED, offset + WORD_BYTES, (int) (bits >>> 32));
    }
}
