package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** {@code struct sockaddr_in} of {@code netinet/in.h} (ip(7)). */
public final class SockaddrIn {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_SHORT.withName("sin_family"),
                            ValueLayout.JAVA_SHORT.withName("sin_port"),
                            ValueLayout.JAVA_INT.withName("sin_addr"),
                            MemoryLayout.sequenceLayout(8, ValueLayout.JAVA_BYTE)
                                    .withName("sin_zero"))
                    .withName("sockaddr_in");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long FAMILY = Structs.offset(LAYOUT, "sin_family");
    private static final long PORT = Structs.offset(LAYOUT, "sin_port");
    private static final long ADDRESS = Structs.offset(LAYOUT, "sin_addr");

    private SockaddrIn() {}

    /**
     * An address in memory of {@code allocator}.
     *
     * @param address of the host, most significant byte first, as 0x7f000001 for 127.0.0.1
     */
    public static MemorySegment of(SegmentAllocator allocator, int address, int port) {
        MemorySegment segment = allocator.allocate(LAYOUT);
        segment.fill((byte) 0);
        segment.set(ValueLayout.JAVA_SHORT, FAMILY, (short) Sockets.AF_INET);
        segment.set(ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), PORT, (short) port);
        segment.set(ValueLayout.JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN), ADDRESS, address);
        return segment;
    }
}
