package io.porthole.sandbox.orchestrator.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TailBufferTest {
    @TempDir Path dir;

    private TailBuffer of(byte[] bytes) throws Exception {
        TailBuffer tail =
                new TailBuffer("test", new ByteArrayInputStream(bytes), dir.resolve("log"));
        tail.awaitEnd(5000);
        return tail;
    }

    @Test
    void theLastLinesComeWithoutWhatWouldRepaintATerminal() throws Exception {
        TailBuffer tail =
                of(
                        "one\r\n\u001b[31mtwo\u001b[0m\r\n\n\u0007three\n"
                                .getBytes(StandardCharsets.UTF_8));
        assertEquals(List.of("two", "?three"), tail.lastLines(2));
        assertTrue(tail.firstByteNanos() > 0);
    }

    @Test
    void aFloodFillsNeitherMemoryNorDisk() throws Exception {
        byte[] flood = "0123456789abcde\n".repeat(512 << 10).getBytes(StandardCharsets.US_ASCII);
        TailBuffer tail = of(flood);
        assertEquals(List.of("0123456789abcde"), tail.lastLines(1));
        assertTrue(Files.size(dir.resolve("log")) <= 1 << 20);
        assertTrue(Files.size(dir.resolve("log.1")) <= 1 << 20);
    }
}
