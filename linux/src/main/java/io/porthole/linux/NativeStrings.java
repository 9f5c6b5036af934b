package io.porthole.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** NUL-terminated byte strings in native memory. Allocates: not for request paths. */
public final class NativeStrings {
    private NativeStrings() {}

    /** UTF-8 with a NUL behind it, in memory that lives as long as {@code allocator}'s. */
    public static MemorySegment of(SegmentAllocator allocator, String text) {
        return of(allocator, text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * {@code bytes} with a NUL behind them. A NUL within is refused: the kernel would stop there.
     */
    public static MemorySegment of(SegmentAllocator allocator, byte[] bytes) {
        for (byte b : bytes) {
            if (b == 0) {
                throw new IllegalArgumentException("a name or path cannot contain a NUL byte");
            }
        }
        MemorySegment segment = allocator.allocate(bytes.length + 1L);
        // Not by MemorySegment.copy, whose first use with an array costs some ms at start.
        segment.asByteBuffer().put(bytes);
        segment.set(ValueLayout.JAVA_BYTE, bytes.length, (byte) 0);
        return segment;
    }

    /** The UTF-8 text from {@code offset} up to a NUL or to the end of the segment. */
    public static String read(MemorySegment segment, long offset) {
        long end = offset;
        while (end < segment.byteSize() && segment.get(ValueLayout.JAVA_BYTE, end) != 0) {
            end++;
        }
        byte[] bytes = segment.asSlice(offset, end - offset).toArray(ValueLayout.JAVA_BYTE);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
