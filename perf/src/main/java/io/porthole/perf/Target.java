package io.porthole.perf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A daemon that runs and is mounted. Closing it ends the daemon. */
final class Target implements AutoCloseable {
    private static final long START_NANOS = 20_000_000_000L;

    private final Daemon daemon;
    private final Process process;
    private final Path socket;
    private final Path log;
    private final Session session;
    private final List<Long> pids;
    private final double socketMillis;
    private final double initMillis;

    private Target(
            Daemon daemon,
            Process process,
            Path socket,
            Path log,
            Session session,
            double socketMillis,
            double initMillis) {
        this.daemon = daemon;
        this.process = process;
        this.socket = socket;
        this.log = log;
        this.session = session;
        this.pids = ProcessStats.family(process.toHandle());
        this.socketMillis = socketMillis;
        this.initMillis = initMillis;
    }

    /**
     * Starts a daemon and waits for its FUSE_INIT reply.
     *
     * @param cpus the processors it may use, as taskset(1) wants them; "" for all
     * @param work where its socket and log go
     */
    static Target start(Daemon daemon, Path share, Path work, String cpus, int requestQueues)
            throws IOException, InterruptedException {
        Path socket = work.resolve(daemon.name() + ".sock");
        Path log = work.resolve(daemon.name() + ".log");
        Files.deleteIfExists(socket);
        List<String> command = new ArrayList<>();
        if (!cpus.isEmpty()) {
            command.addAll(List.of("taskset", "-c", cpus));
        }
        command.addAll(daemon.command(socket, share, requestQueues));
        long begin = System.nanoTime();
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        process.getOutputStream().close();
        Session session = null;
        try {
            while (!Files.exists(socket)) {
                if (!process.isAlive() || System.nanoTime() - begin > START_NANOS) {
                    throw new IOException(daemon.name() + " made no socket: " + tail(log));
                }
                Thread.sleep(0, 200_000);
            }
            double socketMillis = (System.nanoTime() - begin) / 1e6;
            session = connect(process, log, socket, requestQueues, begin);
            session.init();
            double initMillis = (System.nanoTime() - begin) / 1e6;
            return new Target(daemon, process, socket, log, session, socketMillis, initMillis);
        } catch (IOException | InterruptedException | RuntimeException e) {
            if (session != null) {
                session.close();
            }
            end(process);
            throw e;
        }
    }

    /** The socket's file is there a moment before the daemon listens on it. */
    private static Session connect(
            Process process, Path log, Path socket, int requestQueues, long begin)
            throws IOException, InterruptedException {
        while (true) {
            try {
                return Session.connect(socket.toString(), requestQueues);
            } catch (IOException e) {
                if (!process.isAlive() || System.nanoTime() - begin > START_NANOS) {
                    throw new IOException(e.getMessage() + "; the daemon says: " + tail(log), e);
                }
                Thread.sleep(0, 200_000);
            }
        }
    }

    Daemon daemon() {
        return daemon;
    }

    Session session() {
        return session;
    }

    /** From exec to the socket's file. */
    double socketMillis() {
        return socketMillis;
    }

    /** From exec to the reply to FUSE_INIT. */
    double initMillis() {
        return initMillis;
    }

    ProcessStats stats() throws IOException {
        return ProcessStats.of(pids);
    }

    ProcessStats.Memory memory() throws IOException {
        return ProcessStats.memory(pids);
    }

    List<Long> pids() {
        return pids;
    }

    /** Why the daemon failed, as far as it said so. */
    String lastWords() {
        return tail(log);
    }

    private static String tail(Path log) {
        try {
            List<String> lines = Files.readAllLines(log);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 5), lines.size()));
        } catch (IOException e) {
            return "no log: " + e.getMessage();
        }
    }

    private static void end(@Nullable Process process) {
        if (process == null) {
            return;
        }
        process.destroy();
        try {
            if (!process.waitFor(3, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** Disconnects, which ends most daemons by itself, and then sees to it. */
    @Override
    public void close() {
        session.close();
        try {
            if (!process.waitFor(1, TimeUnit.SECONDS)) {
                end(process);
            }
            Files.deleteIfExists(socket);
        } catch (InterruptedException e) {
            end(process);
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
