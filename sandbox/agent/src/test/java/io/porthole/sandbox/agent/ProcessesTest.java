package io.porthole.sandbox.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Spawning and reaping on the host's kernel. */
@Timeout(60)
class ProcessesTest {
    private static final Reaper REAPER = new Reaper();
    private static final Spawner SPAWNER = new Spawner(REAPER);

    @TempDir Path folder;

    @BeforeAll
    static void start() {
        assertEquals(0, Libc.becomeSubreaper());
        REAPER.start();
    }

    private int spawn(String script) throws IOException {
        int nothing = Libc.open("/dev/null", Libc.O_RDWR | Libc.O_CLOEXEC);
        try {
            return SPAWNER.spawn(List.of("/bin/sh", "-c", script), nothing, nothing, nothing);
        } finally {
            var _ = Libc.close(nothing);
        }
    }

    private int status(int pid) throws Exception {
        return REAPER.exitOf(pid).get(30, TimeUnit.SECONDS);
    }

    @Test
    void exitCodesAndSignalsAreTold() throws Exception {
        assertEquals(0, status(spawn("true")));
        assertEquals(42, status(spawn("exit 42")));
        assertEquals(137, status(spawn("kill -9 $$")));
        assertEquals(143, status(spawn("kill -15 $$")));
    }

    @Test
    void aStatusIsKeptForWhoComesLate() throws Exception {
        int pid = spawn("exit 9");
        TimeUnit.MILLISECONDS.sleep(500);
        assertEquals(9, status(pid));
    }

    @Test
    void anOrphanOfAChildIsReapedHere() throws Exception {
        Path file = folder.resolve("pid");
        int parent = spawn("(sleep 1; exit 5) & echo $! > " + file);
        assertEquals(0, status(parent));
        int orphan = Integer.parseInt(Files.readString(file).strip());
        assertEquals(5, status(orphan));
        assertFalse(Files.exists(Path.of("/proc/" + orphan)));
    }

    @Test
    void aProgramGetsItsThreeStreamsAndNoOtherDescriptor() throws Exception {
        Path output = folder.resolve("out");
        int leaked = Libc.open("/dev/zero", Libc.O_RDONLY);
        try {
            Spawner.Outcome outcome =
                    SPAWNER.run(
                            List.of("/bin/sh", "-c", "echo /proc/self/fd/*; echo err >&2; exit 3"),
                            output,
                            30);
            assertEquals(3, outcome.status());
            assertFalse(outcome.ok());
            List<String> lines = outcome.stderr().lines().toList();
            // The shell's own descriptor for reading the directory is the fourth.
            assertEquals(
                    "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3",
                    lines.get(0));
            assertEquals("err", lines.get(1));
        } finally {
            var _ = Libc.close(leaked);
        }
    }

    @Test
    void aProgramThatIsNotThereIsNamed() {
        IOException failure =
                assertThrows(
                        IOException.class,
                        () -> SPAWNER.run(List.of("/bin/none"), folder.resolve("out"), 5));
        assertEquals("cannot run /bin/none: No such file or directory", failure.getMessage());
    }

    @Test
    void aProgramThatDoesNotEndIsKilled() {
        IOException failure =
                assertThrows(
                        IOException.class,
                        () ->
                                SPAWNER.run(
                                        List.of("/bin/sh", "-c", "exec sleep 1000"),
                                        folder.resolve("out"),
                                        1));
        assertTrue(String.valueOf(failure.getMessage()).contains("did not end within 1 s"));
    }

    @Test
    void failedCallsGiveTheirErrno() {
        assertEquals(-Libc.ENOENT, Libc.open("/none", Libc.O_RDONLY));
        assertEquals(-9, Libc.close(-1));
        assertEquals(-Libc.ESRCH, Libc.kill(Integer.MAX_VALUE, 0));
        assertEquals("No such file or directory", Libc.describe(Libc.ENOENT));
    }
}
