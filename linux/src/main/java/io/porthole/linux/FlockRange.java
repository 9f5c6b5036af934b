package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** {@code struct flock} of {@code fcntl.h} on 64-bit Linux: a byte range lock (fcntl(2)). */
public final class FlockRange {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_SHORT.withName("l_type"),
                            ValueLayout.JAVA_SHORT.withName("l_whence"),
                            MemoryLayout.paddingLayout(4),
                            ValueLayout.JAVA_LONG.withName("l_start"),
                            ValueLayout.JAVA_LONG.withName("l_len"),
                            ValueLayout.JAVA_INT.withName("l_pid"),
                            MemoryLayout.paddingLayout(4))
                    .withName("flock");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long TYPE = Structs.offset(LAYOUT, "l_type");
    private static final long WHENCE = Structs.offset(LAYOUT, "l_whence");
    private static final long START = Structs.offset(LAYOUT, "l_start");
    private static final long LENGTH_BYTES = Structs.offset(LAYOUT, "l_len");
    private static final long PID = Structs.offset(LAYOUT, "l_pid");

    private FlockRange() {}

    /** F_RDLCK, F_WRLCK or F_UNLCK. */
    public static short type(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset + TYPE);
    }

    public static void type(MemorySegment segment, long offset, short value) {
        segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset + TYPE, value);
    }

    public static short whence(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset + WHENCE);
    }

    public static void whence(MemorySegment segment, long offset, short value) {
        segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset + WHENCE, value);
    }

    public static long start(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + START);
    }

    public static void start(MemorySegment segment, long offset, long value) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + START, value);
    }

    /** 0 is up to the end of the file. */
    public static long lengthBytes(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + LENGTH_BYTES);
    }

    public static void lengthBytes(MemorySegment segment, long offset, long value) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + LENGTH_BYTES, value);
    }

    /** 0 for locks of an open file description. */
    public static int pid(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT_UNALIGNED, offset + PID);
    }

    public static void pid(MemorySegment segment, long offset, int value) {
        segment.set(ValueLayout.JAVA_INT_UNALIGNED, offset + PID, value);
    }
}
