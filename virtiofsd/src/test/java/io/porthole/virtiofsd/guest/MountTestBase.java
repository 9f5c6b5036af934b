package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A share that is mounted on this host, by the daemon as a user starts it. Needs root. */
@Timeout(600)
abstract class MountTestBase {
    @TempDir Path dir = Path.of("unset");
    Path share = dir;
    Path mount = dir;
    Path log = dir;
    private final List<Process> started = new ArrayList<>();

    @BeforeEach
    void folders() throws IOException {
        share = Files.createDirectory(dir.resolve("share"));
        mount = Files.createDirectory(dir.resolve("mount"));
        log = dir.resolve("log");
    }

    @AfterEach
    void nothingIsMounted() throws InterruptedException {
        boolean left = mounted();
        for (Process process : started) {
            if (process.isAlive()) {
                process.destroy();
                process.waitFor(20, TimeUnit.SECONDS);
            }
        }
        assertFalse(left, "still mounted");
    }

    final boolean mounted() {
        try {
            return Files.readString(Path.of("/proc/self/mountinfo")).contains(" " + mount + " ");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    final Process start(String... options) throws IOException, InterruptedException {
        List<String> words =
                new ArrayList<>(
                        List.of(
                                Rig.virtiofsd().toString(),
                                "--shared-dir=" + share,
                                "--mount=" + mount));
        words.addAll(List.of(options));
        Process process =
                new ProcessBuilder(words)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        started.add(process);
        for (int i = 0; i < 400 && process.isAlive(); i++) {
            if (mounted() && jvm(process) != 0 && serves()) {
                return process;
            }
            Thread.sleep(20);
        }
        throw new AssertionError("not mounted: " + Files.readString(log));
    }

    /** Whether the daemon answers; only then it is in its jail, with its filter. */
    private boolean serves() {
        return mount.toFile().canRead();
    }

    final void end(Process process) throws Exception {
        process.destroy();
        assertTrue(process.waitFor(20, TimeUnit.SECONDS), "does not end");
        assertEquals(0, process.exitValue(), Files.readString(log));
    }

    /** The process that serves, or 0 while there is none. */
    static long jvm(Process launcher) {
        return launcher.descendants()
                .filter(p -> p.info().command().orElse("").endsWith("java"))
                .findFirst()
                .map(ProcessHandle::pid)
                .orElse(0L);
    }
}
