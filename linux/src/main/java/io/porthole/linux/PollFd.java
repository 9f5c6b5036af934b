package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** {@code struct pollfd} of {@code poll.h}. */
public final class PollFd {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_INT.withName("fd"),
                            ValueLayout.JAVA_SHORT.withName("events"),
                            ValueLayout.JAVA_SHORT.withName("revents"))
                    .withName("pollfd");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long RETURNED_EVENTS = Structs.offset(LAYOUT, "revents");

    private static final long FD = Structs.offset(LAYOUT, "fd");
    private static final long EVENTS = Structs.offset(LAYOUT, "events");

    public static final short POLLIN = 1;
    public static final short POLLPRI = 2;
    public static final short POLLOUT = 4;
    public static final short POLLERR = 8;
    public static final short POLLHUP = 0x10;
    public static final short POLLNVAL = 0x20;
    public static final short POLLRDHUP = 0x2000;

    private PollFd() {}

    /** What poll(2) found: POLL*. */
    public static short returnedEvents(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset + RETURNED_EVENTS);
    }

    /** Fills the entry and clears what poll(2) returns in it. */
    public static void set(MemorySegment segment, long offset, int fd, short events) {
        segment.set(ValueLayout.JAVA_INT_UNALIGNED, offset + FD, fd);
        segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset + EVENTS, events);
        segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset + RETURNED_EVENTS, (short) 0);
    }
}
