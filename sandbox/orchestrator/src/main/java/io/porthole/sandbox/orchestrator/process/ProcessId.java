package io.porthole.sandbox.orchestrator.process;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * One process of this boot: the same number after its end is another process.
 *
 * @param pid the number
 * @param startTicks field 22 of /proc/PID/stat: clock ticks from boot to its start (proc(5))
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ProcessId(long pid, long startTicks) {
    /** The process that has this number now. */
    public static Optional<ProcessId> of(long pid) {
        return stat(pid).map(s -> new ProcessId(pid, s.startTicks));
    }

    public static ProcessId self() {
        return of(ProcessHandle.current().pid()).orElseThrow();
    }

    /** Whether it still runs; a zombie does not. */
    public boolean alive() {
        return stat(pid)
                .filter(s -> s.startTicks == startTicks && s.state != 'Z' && s.state != 'X')
                .isPresent();
    }

    /**
     * Ends it with SIGKILL if it is still the same process. The handle carries the start time that
     * the JVM read, and the JVM compares it again when it kills.
     */
    public void kill() {
        handle().ifPresent(ProcessHandle::destroyForcibly);
    }

    /** Asks it to end with SIGTERM if it is still the same process. */
    public void terminate() {
        handle().ifPresent(ProcessHandle::destroy);
    }

    /** Waits until it has gone; false when it has not within {@code patience}. */
    public boolean awaitEnd(Duration patience) throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (alive()) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            Thread.sleep(5);
        }
        return true;
    }

    private Optional<ProcessHandle> handle() {
        Optional<ProcessHandle> handle = ProcessHandle.of(pid);
        return alive() ? handle : Optional.empty();
    }

    private record Stat(char state, long startTicks) {}

    private static Optional<Stat> stat(long pid) {
        try {
            String line =
                    Files.readString(
                            Path.of("/proc", Long.toString(pid), "stat"),
                            StandardCharsets.ISO_8859_1);
            // The second field is the command in parentheses and may itself contain any of these.
            String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ", -1);
            return Optional.of(new Stat(fields[0].charAt(0), Long.parseLong(fields[19])));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
