package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Deadlocks through two daemon processes, each in its jail with a mount of one directory, that have
 * a lock board in common. The program is {@code src/test/c/locker.c}.
 */
class LocksOfTwoMountsIT extends MountTestBase {
    private final List<Process> programs = new ArrayList<>();
    private Path locker = dir;
    private Path first = dir;
    private Path second = dir;
    private Process firstDaemon;

    @BeforeEach
    void daemons() throws IOException, InterruptedException {
        locker = dir.resolve("locker");
        Processes.compile("locker", locker);
        String board = "--lock-board=" + dir.resolve("board");
        first = mount;
        firstDaemon = start("--posix-lock", "--cache=never", board);
        second = Files.createDirectory(dir.resolve("mount2"));
        mount = second;
        log = dir.resolve("log2");
        start("--posix-lock", "--cache=never", board);
    }

    /** In the reverse order, so that the base class finds nothing mounted. */
    @AfterEach
    void unmount() throws IOException, InterruptedException {
        for (Process program : programs) {
            Processes.kill(program);
        }
        Processes.output("umount", "-l", second.toString());
        Processes.output("umount", "-l", first.toString());
    }

    private Process run(Path at, String... steps) throws IOException {
        List<String> command = new ArrayList<>(List.of(locker.toString(), at + "/d"));
        command.addAll(List.of(steps));
        Process program =
                new ProcessBuilder(command)
                        .directory(dir.toFile())
                        .redirectErrorStream(true)
                        .start();
        programs.add(program);
        return program;
    }

    private static String output(Process program) throws IOException, InterruptedException {
        assertTrue(program.waitFor(30, TimeUnit.SECONDS), "waits for ever");
        return new String(program.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    }

    @Test
    void exactlyOneOfTwoIsTold() throws IOException, InterruptedException {
        for (int i = 0; i < 5; i++) {
            String a = "a" + i;
            String b = "b" + i;
            Process one = run(first, "w:0:1", "p:" + a, "a:" + b, "w:1:1");
            Process two = run(second, "w:1:1", "p:" + b, "a:" + a, "w:0:1");
            List<String> outputs = new ArrayList<>(List.of(output(one), output(two)));
            outputs.sort(String::compareTo);
            assertEquals(List.of("w=OK\nw=EDEADLK", "w=OK\nw=OK"), outputs);
        }
    }

    /** What a killed daemon left on the board is no reason to refuse a wait. */
    @Test
    void aDaemonThatIsKilledIsInNoCycle() throws IOException, InterruptedException {
        Process one = run(first, "w:0:1", "p:a", "a:b", "w:1:1");
        Process two = run(second, "w:1:1", "p:b", "a:go", "w:0:1");
        while (!Files.exists(dir.resolve("b"))) {
            Thread.sleep(20);
        }
        Thread.sleep(500); // the first waits, and is on the board
        assertTrue(one.isAlive());
        ProcessHandle.of(jvm(firstDaemon)).orElseThrow().destroyForcibly();
        assertTrue(firstDaemon.waitFor(20, TimeUnit.SECONDS));
        Process host = new ProcessBuilder(locker.toString(), share + "/d", "w:0:1", "s:10").start();
        programs.add(host);
        Thread.sleep(200);
        Files.createFile(dir.resolve("go"));
        assertEquals("w=OK\nw=OK", output(two));
    }
}
