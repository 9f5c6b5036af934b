package io.porthole.virtiofsd.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A daemon process on a socket in a folder of its own. It is started ready: the constructor returns
 * once the socket listens. {@link #close} kills what is left; a test that cares for the clean end
 * asks {@link #awaitExit} first.
 */
public final class VirtiofsdProcess implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(20);

    private final Path folder;
    private final Path socket;
    private final Path log;
    private final List<String> command;
    private Process process;

    private VirtiofsdProcess(Path folder, Path socket, List<String> command) throws IOException {
        this.folder = folder;
        this.socket = socket;
        this.log = folder.resolve("virtiofsd.log");
        this.command = command;
        this.process = launch();
    }

    /**
     * Starts the daemon under test on a shared directory, with {@code --socket-path} and {@code
     * --shared-dir} before the given options.
     */
    public static VirtiofsdProcess share(Path directory, String... options)
            throws IOException, InterruptedException {
        return share(Rig.virtiofsd(), directory, options);
    }

    /** The same with a given program, for comparisons. */
    public static VirtiofsdProcess share(Path program, Path directory, String... options)
            throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("porthole-d");
        Path socket = folder.resolve("fs.sock");
        List<String> command = new ArrayList<>();
        command.add(program.toString());
        command.add("--socket-path=" + socket);
        command.add("--shared-dir=" + directory);
        command.addAll(List.of(options));
        return start(folder, socket, command);
    }

    /**
     * Starts a daemon with exactly this command line; {@code SOCKET} in it stands for the socket's
     * path. For other dialects of the options.
     */
    public static VirtiofsdProcess command(List<String> template)
            throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("porthole-d");
        Path socket = folder.resolve("fs.sock");
        return start(
                folder,
                socket,
                template.stream().map(word -> word.replace("SOCKET", socket.toString())).toList());
    }

    private static VirtiofsdProcess start(Path folder, Path socket, List<String> command)
            throws IOException, InterruptedException {
        VirtiofsdProcess daemon = new VirtiofsdProcess(folder, socket, command);
        try {
            daemon.awaitListening();
        } catch (Throwable failed) {
            daemon.close();
            throw failed;
        }
        return daemon;
    }

    private Process launch() throws IOException {
        Process started =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                        .start();
        started.getOutputStream().close();
        return started;
    }

    /** Starts another one in the place of a daemon that has ended; its log is continued. */
    public void startAgain() throws IOException, InterruptedException {
        if (process.isAlive()) {
            throw new IllegalStateException("it still runs");
        }
        process = launch();
        awaitListening();
    }

    private void awaitListening() throws IOException, InterruptedException {
        long end = System.nanoTime() + START_LIMIT.toNanos();
        while (!listens()) {
            if (!process.isAlive()) {
                throw new AssertionError(
                        "virtiofsd ended with exit code "
                                + process.exitValue()
                                + " before it listened"
                                + logTail());
            }
            if (System.nanoTime() > end) {
                throw new AssertionError(
                        "virtiofsd does not listen on "
                                + socket
                                + " after "
                                + START_LIMIT
                                + logTail());
            }
            Thread.sleep(2);
        }
    }

    /**
     * Whether the socket accepts connections, seen in /proc/net/unix (a connection made to find out
     * would be the only one the daemon serves). A confined daemon may have made the socket in a
     * network namespace of its own.
     */
    private boolean listens() {
        if (!Files.exists(socket)) {
            return false;
        }
        Stream<Path> tables =
                Stream.concat(
                        Stream.of(Path.of("/proc/net/unix")),
                        Stream.concat(Stream.of(process.toHandle()), process.descendants())
                                .map(p -> Path.of("/proc/" + p.pid() + "/net/unix")));
        return tables.anyMatch(table -> {
            try (Stream<String> lines = Files.lines(table)) {
                // Num RefCount Protocol Flags Type St Inode Path; flag 0x10000: accepts.
                return lines.anyMatch(
                        line -> line.endsWith(" " + socket) && line.contains(" 00010000 "));
            } catch (IOException e) {
                return false; // the process has just ended
            }
        });
    }

    /** The socket for QEMU. */
    public Path socket() {
        return socket;
    }

    /** Whether the daemon still runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** Ends the daemon as a service manager does. */
    public void terminate() {
        process.destroy();
    }

    /** Waits for the daemon to end by itself and returns its exit code; fails when it does not. */
    public int awaitExit(Duration limit) throws InterruptedException {
        if (!Processes.awaitEnd(process, limit)) {
            throw new AssertionError("virtiofsd still runs after " + limit + logTail());
        }
        return process.exitValue();
    }

    /** Whether the socket or the pid file is still there. */
    public boolean leftFiles() {
        return Files.exists(socket) || Files.exists(Path.of(socket + ".pid"));
    }

    /** Number of open descriptors of the process that serves. */
    public int openDescriptors() throws IOException {
        try (Stream<Path> fds = Files.list(Path.of("/proc/" + servingPid() + "/fd"))) {
            return (int) fds.count();
        }
    }

    /** Number of mappings of guest memory in the process that serves. */
    public int guestMemoryMappings() throws IOException {
        try (Stream<String> maps = Files.lines(Path.of("/proc/" + servingPid() + "/maps"))) {
            return (int) maps.filter(line -> line.contains("/memfd:")).count();
        }
    }

    /** The daemon may sit below a launcher: the process without children serves. */
    public long servingPid() {
        ProcessHandle at = process.toHandle();
        while (true) {
            ProcessHandle child = at.children().findFirst().orElse(null);
            if (child == null) {
                return at.pid();
            }
            at = child;
        }
    }

    /** What the daemon has printed so far. */
    public String log() throws IOException {
        return new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
    }

    /** Waits until the daemon has printed a text; fails when it does not. */
    public void awaitLog(String text, Duration limit) throws IOException, InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        while (!log().contains(text)) {
            if (System.nanoTime() > end) {
                throw new AssertionError("virtiofsd has not printed '" + text + "'" + logTail());
            }
            Thread.sleep(5);
        }
    }

    /** For error messages. */
    public String logTail() {
        return Processes.tail("virtiofsd's log", log);
    }

    @Override
    public void close() {
        try {
            if (process.isAlive()) {
                Processes.kill(process);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Processes.deleteTree(folder);
    }
}
