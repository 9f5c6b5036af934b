package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** {@code struct cmsghdr} of {@code sys/socket.h} on 64-bit Linux (cmsg(3)). */
public final class Cmsghdr {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_LONG.withName("cmsg_len"),
                            ValueLayout.JAVA_INT.withName("cmsg_level"),
                            ValueLayout.JAVA_INT.withName("cmsg_type"))
                    .withName("cmsghdr");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long LENGTH_BYTES = Structs.offset(LAYOUT, "cmsg_len");
    private static final long LEVEL = Structs.offset(LAYOUT, "cmsg_level");
    private static final long TYPE = Structs.offset(LAYOUT, "cmsg_type");

    private Cmsghdr() {}

    /** Header and data, without the padding behind them. */
    public static long lengthBytes(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + LENGTH_BYTES);
    }

    public static int level(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT_UNALIGNED, offset + LEVEL);
    }

    public static int type(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT_UNALIGNED, offset + TYPE);
    }

    public static void set(
            MemorySegment segment, long offset, long lengthBytes, int level, int type) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + LENGTH_BYTES, lengthBytes);
        segment.set(ValueLayout.JAVA_INT_UNALIGNED, offset + LEVEL, level);
        segment.set(ValueLayout.JAVA_INT_UNALIGNED, offset + TYPE, type);
    }

    /** CMSG_LEN: what {@code cmsg_len} is for so much data. */
    public static long length(long dataBytes) {
        return BYTES + dataBytes;
    }

    /** CMSG_SPACE: what a message with so much data takes of the control buffer. */
    public static long space(long dataBytes) {
        return BYTES + ((dataBytes + 7) & ~7L);
    }
}
