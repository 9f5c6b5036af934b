package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** {@code struct msghdr} of {@code sys/socket.h} on 64-bit Linux. */
public final class Msghdr {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_LONG.withName("msg_name"),
                            ValueLayout.JAVA_INT.withName("msg_namelen"),
                            MemoryLayout.paddingLayout(4),
                            ValueLayout.JAVA_LONG.withName("msg_iov"),
                            ValueLayout.JAVA_LONG.withName("msg_iovlen"),
                            ValueLayout.JAVA_LONG.withName("msg_control"),
                            ValueLayout.JAVA_LONG.withName("msg_controllen"),
                            ValueLayout.JAVA_INT.withName("msg_flags"),
                            MemoryLayout.paddingLayout(4))
                    .withName("msghdr");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long CONTROL_BYTES = Structs.offset(LAYOUT, "msg_controllen");
    private static final long FLAGS = Structs.offset(LAYOUT, "msg_flags");

    private static final long IOV = Structs.offset(LAYOUT, "msg_iov");
    private static final long IOV_COUNT = Structs.offset(LAYOUT, "msg_iovlen");
    private static final long CONTROL = Structs.offset(LAYOUT, "msg_control");

    private Msghdr() {}

    /** How much of the control buffer is in use. */
    public static long controlBytes(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + CONTROL_BYTES);
    }

    /** What recvmsg(2) says of the message: MSG_*. */
    public static int flags(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT_UNALIGNED, offset + FLAGS);
    }

    /** A message without an address; {@code controlAddr} may be 0 when {@code controlBytes} is. */
    public static void set(
            MemorySegment segment,
            long offset,
            long iovAddr,
            long iovCount,
            long controlAddr,
            long controlBytes) {
        segment.asSlice(offset, BYTES).fill((byte) 0);
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + IOV, iovAddr);
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + IOV_COUNT, iovCount);
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + CONTROL, controlAddr);
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + CONTROL_BYTES, controlBytes);
    }
}
