package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** {@code struct iovec} of {@code sys/uio.h}. */
public final class Iovec {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_LONG.withName("iov_base"),
                            ValueLayout.JAVA_LONG.withName("iov_len"))
                    .withName("iovec");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long BASE = Structs.offset(LAYOUT, "iov_base");
    private static final long LENGTH_BYTES = Structs.offset(LAYOUT, "iov_len");

    private Iovec() {}

    /** A native address. */
    public static long base(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + BASE);
    }

    public static long lengthBytes(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + LENGTH_BYTES);
    }

    public static void set(MemorySegment segment, long offset, long base, long lengthBytes) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + BASE, base);
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + LENGTH_BYTES, lengthBytes);
    }
}
