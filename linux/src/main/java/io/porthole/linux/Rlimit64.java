package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** {@code struct rlimit64} of {@code linux/resource.h} (prlimit(2)). */
public final class Rlimit64 {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_LONG.withName("rlim_cur"),
                            ValueLayout.JAVA_LONG.withName("rlim_max"))
                    .withName("rlimit64");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long SOFT = Structs.offset(LAYOUT, "rlim_cur");
    private static final long HARD = Structs.offset(LAYOUT, "rlim_max");

    public static final int RLIMIT_FSIZE = 1;
    public static final int RLIMIT_CORE = 4;
    public static final int RLIMIT_NOFILE = 7;
    public static final int RLIMIT_MEMLOCK = 8;

    private Rlimit64() {}

    public static long soft(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + SOFT);
    }

    public static void soft(MemorySegment segment, long offset, long value) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + SOFT, value);
    }

    public static long hard(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset + HARD);
    }

    public static void hard(MemorySegment segment, long offset, long value) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + HARD, value);
    }
}
