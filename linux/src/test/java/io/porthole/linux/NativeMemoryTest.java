package io.porthole.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class NativeMemoryTest {
    private static final int ROOM = 400;

    @Test
    void everyLengthIsCopiedWholeAndNoByteMore() {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = new byte[ROOM];
            new Random(1).nextBytes(bytes);
            MemorySegment from = arena.allocate(ROOM);
            MemorySegment.copy(bytes, 0, from, ValueLayout.JAVA_BYTE, 0, ROOM);
            for (int length = 0; length <= ROOM - 8; length++) {
                int skip = length % 8;
                MemorySegment to = arena.allocate(ROOM + 8);
                NativeMemory.copy(from.address() + skip, to.address() + 3, length);
                byte[] expected = new byte[ROOM + 8];
                System.arraycopy(bytes, skip, expected, 3, length);
                assertArrayEquals(expected, to.toArray(ValueLayout.JAVA_BYTE), "length " + length);
            }
        }
    }

    @Test
    void zeroesWhatItIsTold() {
        for (int length = 0; length <= ROOM - 16; length += 8) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment memory = arena.allocate(ROOM).fill((byte) 7);
                NativeMemory.zero(memory.address() + 4, length);
                for (int i = 0; i < ROOM; i++) {
                    int expected = i < 4 || i >= 4 + length ? 7 : 0;
                    assertEquals(expected, memory.get(ValueLayout.JAVA_BYTE, i), "byte " + i);
                }
            }
        }
    }

    @Test
    void anAddressIsGivenForWhatIsThereOnly() {
        MemorySegment closed;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(64);
            assertEquals(memory.address() + 8, NativeMemory.address(memory, 8, 56));
            assertEquals(memory.address() + 64, NativeMemory.address(memory, 64, 0));
            Class<IndexOutOfBoundsException> outside = IndexOutOfBoundsException.class;
            assertThrows(outside, () -> NativeMemory.address(memory, 8, 57));
            assertThrows(outside, () -> NativeMemory.address(memory, -1, 8));
            assertThrows(outside, () -> NativeMemory.address(memory, 0, -1));
            assertThrows(outside, () -> NativeMemory.address(memory, Long.MAX_VALUE, 8));
            closed = memory;
        }
        assertThrows(IllegalStateException.class, () -> NativeMemory.address(closed, 0, 8));
        MemorySegment heap = MemorySegment.ofArray(new byte[8]);
        assertThrows(IllegalArgumentException.class, () -> NativeMemory.address(heap, 0, 8));
    }

    @Test
    void noAddressBelowZeroIsTouched() {
        Class<IndexOutOfBoundsException> outside = IndexOutOfBoundsException.class;
        assertThrows(outside, () -> NativeMemory.getLong(Long.MIN_VALUE + 16));
        assertThrows(outside, () -> NativeMemory.setShort(-1, (short) 0));
    }
}
