package io.porthole.sandbox.orchestrator.share;

import io.porthole.sandbox.orchestrator.config.PortholeConfig;
import io.porthole.sandbox.orchestrator.process.ProcessId;
import io.porthole.sandbox.orchestrator.process.TailBuffer;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A sandbox's virtiofsd, whichever it is: ours and the Rust one take the same words. Only ours can
 * have a window for DAX.
 */
public final class FileSystemDaemon implements AutoCloseable {
    private final Process process;
    private final ProcessId id;
    private final TailBuffer errors;

    /**
     * What one serves.
     *
     * @param socket where it listens
     * @param directory what the guest sees
     * @param tag the guest's name for it where it has a window for DAX, else null: the hypervisor's
     *     device then tells the tag
     */
    public record Service(Path socket, Path directory, Path log, @Nullable String tag) {
        /** Container roots, volumes and generated files. */
        public static Service plain(SandboxDirectory d) {
            return new Service(
                    d.fileSystemSocket(), d.shared(), d.path().resolve("virtiofsd.log"), null);
        }

        /** Volumes with DAX. */
        public static Service window(SandboxDirectory d, String tag) {
            return new Service(
                    d.daxSocket(), d.daxShared(), d.path().resolve("virtiofsd-dax.log"), tag);
        }
    }

    private FileSystemDaemon(Process process, ProcessId id, TailBuffer errors) {
        this.process = process;
        this.id = id;
        this.errors = errors;
    }

    static List<String> command(PortholeConfig.Shares shares, Service service) {
        List<String> words = new ArrayList<>();
        words.add(shares.daemon());
        words.addAll(List.of("--socket-path", service.socket().toString()));
        words.addAll(List.of("--shared-dir", service.directory().toString()));
        words.add("--cache=" + shares.cache());
        words.add("--sandbox=" + shares.sandbox());
        words.add("--announce-submounts");
        // Container images carry file capabilities.
        words.add("--xattr");
        String tag = service.tag();
        if (tag != null) {
            words.addAll(List.of("--tag", tag, "--dax=inode", "--request-queues=1"));
            words.add("--dax-window=" + shares.windowMib() + "M");
        }
        words.addAll(shares.extraArgs());
        return words;
    }

    public static FileSystemDaemon start(PortholeConfig.Shares shares, Service service)
            throws IOException {
        Files.deleteIfExists(service.socket());
        Process process;
        try {
            process =
                    new ProcessBuilder(command(shares, service)).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new IOException("cannot start virtiofsd: " + e.getMessage(), e);
        }
        process.getOutputStream().close();
        TailBuffer errors =
                new TailBuffer("virtiofsd-log", process.getInputStream(), service.log());
        ProcessId id =
                ProcessId.of(process.pid())
                        .orElseThrow(() -> new IOException("virtiofsd ended at once"));
        return new FileSystemDaemon(process, id, errors);
    }

    /** Waits until the daemon listens: QEMU connects once and does not try again. */
    public void awaitListening(Path socket, Duration patience)
            throws IOException, InterruptedException {
        long start = System.nanoTime();
        while (!listens(socket)) {
            if (!process.isAlive()) {
                errors.awaitEnd(500);
                throw new IOException(
                        "virtiofsd did not start: " + String.join(" / ", errors.lastLines(3)));
            }
            if (System.nanoTime() - start > patience.toNanos()) {
                throw new IOException(
                        "virtiofsd did not listen within " + patience.toMillis() + " ms");
            }
            Thread.sleep(2);
        }
    }

    /**
     * Flag 0x10000 (__SO_ACCEPTCON) in /proc/PID/net/unix marks a listening socket. The daemon may
     * have made it in a network namespace of its own.
     */
    private boolean listens(Path socket) throws IOException {
        if (!Files.exists(socket)) {
            return false;
        }
        String name = " " + socket;
        for (String table : new String[] {"/proc/" + id.pid() + "/net/unix", "/proc/net/unix"}) {
            try {
                String lines = Files.readString(Path.of(table), StandardCharsets.ISO_8859_1);
                for (String line : lines.split("\n", -1)) {
                    if (line.endsWith(name) && line.split("\\s+", -1)[3].equals("00010000")) {
                        return true;
                    }
                }
            } catch (NoSuchFileException | AccessDeniedException e) {
                // It has just ended, which the caller sees.
            }
        }
        return false;
    }

    public ProcessId process() {
        return id;
    }

    /** Completes when the daemon has ended. */
    public CompletableFuture<Integer> end() {
        return process.onExit().thenApply(Process::exitValue);
    }

    /** One line that says how it ended. */
    public String lastWords(int status) {
        String how =
                status > 128
                        ? "was killed by signal " + (status - 128)
                        : "exited with status " + status;
        List<String> last = errors.lastLines(1);
        return "virtiofsd (pid "
                + id.pid()
                + ") "
                + how
                + (last.isEmpty() ? "" : ": " + last.getFirst());
    }

    /** Ends it; it has nothing to save. */
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
