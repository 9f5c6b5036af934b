package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** {@code struct timespec} of {@code time.h} on 64-bit Linux. */
public final class Timespec {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_LONG.withName("tv_sec"),
                            ValueLayout.JAVA_LONG.withName("tv_nsec"))
                    .withName("timespec");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long SECONDS = Structs.offset(LAYOUT, "tv_sec");
    private static final long NANOS = Structs.offset(LAYOUT, "tv_nsec");

    private Timespec() {}

    public static long seconds(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + SECONDS);
    }

    public static void seconds(MemorySegment segment, long offset, long value) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + SECONDS, value);
    }

    public static long nanos(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + NANOS);
    }

    public static void nanos(MemorySegment segment, long offset, long value) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + NANOS, value);
    }

    public static void set(MemorySegment segment, long offset, long seconds, long nanos) {
        seconds(segment, offset, seconds);
        nanos(segment, offset, nanos);
    }
}
