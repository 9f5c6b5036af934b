package io.porthole.fuse;

import static io.porthole.linux.Errno.EINVAL;
import static io.porthole.linux.Errno.ENAMETOOLONG;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** The search that looks at eight bytes a step, against one that looks at each. */
class ArgumentsProperties {
    private static final byte[] ALPHABET = {0, '/', '.', 'a', (byte) 0x80, (byte) 0xff, 1, '0'};

    @Property(tries = 5000)
    void namesAreFoundAsByteWiseSearchFindsThem(
            @ForAll @Size(max = 40) byte[] bytes,
            @ForAll @IntRange(max = 40) int from,
            @ForAll @IntRange(max = 20) int slack,
            @ForAll boolean dots) {
        byte[] memory = new byte[bytes.length + slack];
        for (int i = 0; i < bytes.length; i++) {
            memory[i] = ALPHABET[bytes[i] & 7];
        }
        int start = Math.min(from, bytes.length);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment in = arena.allocate(memory.length + 1L);
            in.asSlice(0, memory.length).copyFrom(MemorySegment.ofArray(memory));
            Arguments a = new Arguments();
            a.reset(in, start, bytes.length);
            long expected = expected(memory, start, bytes.length, dots);
            long actual = a.fileName(dots);
            assertEquals(expected, Math.min(actual, 0) == 0 ? a.nameBytes() : actual);
        }
    }

    @Property(tries = 200)
    void lengthsAreExact(@ForAll @IntRange(min = 1, max = 600) int length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment in = arena.allocate(length + 1L);
            in.asSlice(0, length).fill((byte) 'x');
            Arguments a = new Arguments();
            a.reset(in, 0, length + 1);
            assertEquals(length > 255 ? -ENAMETOOLONG : 0, a.fileName(false));
            assertEquals(length, a.nameBytes());
            assertEquals(0, a.remainingBytes());
        }
    }

    /** The name's length, or -errno. */
    private static long expected(byte[] memory, int from, int end, boolean dots) {
        int nul = from;
        boolean slash = false;
        while (nul < end && memory[nul] != 0) {
            slash |= memory[nul] == '/';
            nul++;
        }
        int length = nul - from;
        if (nul == end || slash || length == 0) {
            return -EINVAL;
        }
        boolean onlyDots =
                memory[from] == '.' && (length == 1 || (length == 2 && memory[from + 1] == '.'));
        return onlyDots && !dots ? -EINVAL : length;
    }
}
