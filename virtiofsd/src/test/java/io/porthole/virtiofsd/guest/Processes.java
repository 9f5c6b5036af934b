package io.porthole.virtiofsd.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * What the rig's two processes have in common: an end that is waited for, a log whose tail explains
 * a failure.
 */
final class Processes {
    private static final int TAIL_LINES = 15;

    private Processes() {}

    /**
     * Waits for the end; past the time limit the process and its children are killed, and false is
     * returned.
     */
    static boolean awaitEnd(Process process, Duration limit) throws InterruptedException {
        if (process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            return true;
        }
        kill(process);
        return false;
    }

    /** Kills the process and those it started, and waits until it is gone. */
    static void kill(Process process) throws InterruptedException {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        process.waitFor(10, TimeUnit.SECONDS);
    }

    /** Runs a program of the host to its end. Returns what it said, without blanks around it. */
    static String output(String... command) throws IOException, InterruptedException {
        return run(false, command);
    }

    /** As {@link #output}; a status other than 0 fails the test. */
    static String must(String... command) throws IOException, InterruptedException {
        return run(true, command);
    }

    private static String run(boolean demand, String... command)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        if (demand && status != 0) {
            throw new AssertionError(
                    "Exit code " + status + " from " + String.join(" ", command) + ": " + said);
        }
        return said.strip();
    }

    /** Compiles one of the tests' C programs, so that a guest without libraries can run it. */
    static void compile(String name, Path program) throws IOException, InterruptedException {
        Path source = Rig.repository().resolve("virtiofsd/src/test/c").resolve(name + ".c");
        must("gcc", "-static", "-O1", "-o", program.toString(), source.toString());
    }

    /** The last lines of a log for an error message; says so when there is none. */
    static String tail(String title, Path log) {
        return tail(title, log, TAIL_LINES);
    }

    /** The same with at most this many lines. */
    static String tail(String title, Path log, int most) {
        try {
            if (!Files.exists(log) || Files.size(log) == 0) {
                return "\n--- " + title + ": empty";
            }
            List<String> lines =
                    new String(Files.readAllBytes(log), StandardCharsets.UTF_8).lines().toList();
            return "\n--- "
                    + title
                    + ", last lines:\n    "
                    + String.join(
                            "\n    ",
                            lines.subList(Math.max(0, lines.size() - most), lines.size()));
        } catch (IOException e) {
            return "\n--- " + title + ": cannot be read: " + e.getMessage();
        }
    }

    /** Removes a folder with all that is in it. */
    static void deleteTree(Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> walk = Files.walk(folder)) {
            for (Path path : walk.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
