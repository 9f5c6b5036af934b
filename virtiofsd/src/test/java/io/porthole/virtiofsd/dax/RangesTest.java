package io.porthole.virtiofsd.dax;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.porthole.linux.Fcntl;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.SharedMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What happens on the host to a file that the guest writes while it is a range long for the time of
 * one mapping: whoever else touches it then keeps what he wrote.
 */
class RangesTest {
    private static final int NODE = 5;
    private static final long RANGE = DaxOptions.RANGE_BYTES;
    private static final byte[] CONTENT =
            "five thousand".repeat(400).substring(0, 5000).getBytes(StandardCharsets.US_ASCII);

    @TempDir private Path folder;
    private final Syscalls sys = Syscalls.host();
    private Path file;
    private Window window;
    private TailPages tails;
    private Ranges ranges;

    /** A front-end that lets the host do something in the middle of a mapping. */
    private final class Window implements SharedMemory {
        private Meanwhile meanwhile = () -> {};
        private long sizeSeen = -1;
        private int pieces;

        @Override
        public boolean available() {
            return true;
        }

        @Override
        public long map(
                int region,
                int fd,
                long fileOffset,
                long regionOffset,
                long bytes,
                boolean writable) {
            try {
                sizeSeen = Files.size(file);
                meanwhile.run();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            pieces++;
            return 0;
        }

        @Override
        public long unmap(int region, long regionOffset, long bytes) {
            pieces--;
            return 0;
        }

        @Override
        public int mappedPieces() {
            return pieces;
        }
    }

    @FunctionalInterface
    private interface Meanwhile {
        void run() throws IOException;
    }

    @BeforeEach
    void openWindow() throws Exception {
        file = folder.resolve("file");
        Files.write(file, CONTENT);
        window = new Window();
        tails = new TailPages(sys, 4);
        ranges = new Ranges(sys, new OneFile(), tails, 4);
    }

    @AfterEach
    void closeWindow() {
        ranges.removeAll(window);
        assertEquals(0, window.mappedPieces());
        ranges.close();
        tails.close();
    }

    private final class OneFile implements DaxFiles {
        @Override
        public void mapperStarted() {}

        @Override
        public void mapperStopped() {}

        @Override
        public long open(long nodeId) {
            try (Arena arena = Arena.ofConfined()) {
                long path = arena.allocateFrom(file.toString()).address();
                return sys.openat(Fcntl.AT_FDCWD, path, Fcntl.O_RDWR | Fcntl.O_CLOEXEC, 0);
            }
        }
    }

    private long mapForWriting() {
        return ranges.setup(window, 0, NODE, 0, RANGE, true);
    }

    @Test
    void afterTheMappingTheFileIsAsLongAsBefore() throws IOException {
        assertEquals(0, mapForWriting());
        assertEquals(RANGE, window.sizeSeen);
        assertArrayEquals(CONTENT, Files.readAllBytes(file));
    }

    @Test
    void whatIsOnlyReadIsNeverMadeLonger() throws IOException {
        assertEquals(0, ranges.setup(window, 0, NODE, 0, RANGE, false));
        assertEquals(CONTENT.length, window.sizeSeen);
        assertArrayEquals(CONTENT, Files.readAllBytes(file));
    }

    @Test
    void whatTheHostAppendsMeanwhileIsKept() throws IOException {
        byte[] more = "appended".getBytes(StandardCharsets.US_ASCII);
        window.meanwhile = () -> Files.write(file, more, StandardOpenOption.APPEND);
        assertEquals(0, mapForWriting());
        byte[] now = Files.readAllBytes(file);
        assertArrayEquals(CONTENT, Arrays.copyOf(now, CONTENT.length));
        assertArrayEquals(more, Arrays.copyOfRange(now, (int) RANGE, now.length));
    }

    @ParameterizedTest
    @ValueSource(ints = {5000, 8191, 8192, 100_000})
    void whatTheHostWritesBehindTheOldEndMeanwhileIsKept(int at) throws IOException {
        window.meanwhile =
                () -> {
                    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                        channel.write(ByteBuffer.wrap(new byte[] {7}), at);
                    }
                };
        assertEquals(0, mapForWriting());
        byte[] now = Files.readAllBytes(file);
        assertEquals(7, now[at]);
        assertArrayEquals(CONTENT, Arrays.copyOf(now, CONTENT.length));
    }

    @Test
    void aFileThatTheHostCutsShortMeanwhileStaysShort() throws IOException {
        window.meanwhile = () -> Files.write(file, new byte[] {1, 2, 3});
        assertEquals(0, mapForWriting());
        assertArrayEquals(new byte[] {1, 2, 3}, Files.readAllBytes(file));
    }
}
