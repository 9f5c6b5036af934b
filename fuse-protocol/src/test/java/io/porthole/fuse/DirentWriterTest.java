package io.porthole.fuse;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DirentWriterTest {
    private static final byte[] STALE = new byte[512];

    static {
        Arrays.fill(STALE, (byte) 0xEE);
    }

    private final byte[] memory = STALE.clone();
    private final MemorySegment out = MemorySegment.ofArray(memory);

    private static MemorySegment name(String text) {
        return MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void recordIsPaddedWithZeros() {
        int bytes = DirentWriter.append(out, 0, 512, 0x1122, 0x3344, 8, name("abc"), 0, 3);
        assertEquals(32, bytes);
        String expected =
                """
                22 11 00 00 00 00 00 00 # ino
                44 33 00 00 00 00 00 00 # off
                03 00 00 00             # namelen
                08 00 00 00             # type DT_REG
                61 62 63 00 00 00 00 00 # "abc"
                ee                      # not ours
                """;
        byte[] hex = HexFormat.of().parseHex(expected.replaceAll("#.*|\\s", ""));
        assertArrayEquals(hex, Arrays.copyOf(memory, 33));
    }

    @Test
    void plusRecordLeavesTheEntryToTheCaller() {
        int bytes = DirentWriter.appendPlus(out, 8, 512, 5, 6, 4, name("xyzw"), 0, 4);
        assertEquals(152 + 8, bytes);
        assertArrayEquals(Arrays.copyOf(STALE, 8 + 128), Arrays.copyOf(memory, 8 + 128));
        long at = 8L + FuseDirentplus.DIRENT;
        assertEquals(5, FuseDirent.ino(out, at));
        assertEquals(6, FuseDirent.off(out, at));
        assertEquals(4, FuseDirent.namelen(out, at));
        assertEquals(4, FuseDirent.type(out, at));
        assertEquals(0x00000000_777a7978L, out.get(ValueLayout.JAVA_LONG_UNALIGNED, at + 24));
        assertEquals((byte) 0xEE, memory[8 + 160]);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 8, 9, 15, 16, 255})
    void recordThatDoesNotFitLeavesEverythingAsItIs(int nameBytes) {
        MemorySegment name = MemorySegment.ofArray(new byte[nameBytes]);
        int bytes = DirentWriter.direntBytes(nameBytes);
        assertEquals(0, bytes % 8);
        assertEquals(0, DirentWriter.append(out, 0, bytes - 1, 1, 2, 3, name, 0, nameBytes));
        int plus = DirentWriter.direntplusBytes(nameBytes);
        assertEquals(0, DirentWriter.appendPlus(out, 0, plus - 1, 1, 2, 3, name, 0, nameBytes));
        assertArrayEquals(STALE, memory);
        assertEquals(bytes, DirentWriter.append(out, 0, bytes, 1, 2, 3, name, 0, nameBytes));
        assertEquals(plus, DirentWriter.appendPlus(out, 0, plus, 1, 2, 3, name, 0, nameBytes));
    }

    @Test
    void nameIsTakenFromItsOffset() {
        DirentWriter.append(out, 0, 512, 1, 2, 3, name("12345678"), 2, 4);
        assertEquals("3456", new String(memory, 24, 4, StandardCharsets.US_ASCII));
    }
}
