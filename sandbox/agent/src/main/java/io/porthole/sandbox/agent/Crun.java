package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The crun program. Safe for use by many threads. */
final class Crun {
    private static final String PROGRAM = "/usr/bin/crun";
    private static final int LIMIT_SECONDS = 120;

    private final Spawner spawner;
    private final Poller poller;
    private final Path folder;
    private final AtomicInteger serial = new AtomicInteger();

    /**
     * @param folder for crun's state and short-lived files
     */
    Crun(Spawner spawner, Poller poller, Path folder) {
        this.spawner = spawner;
        this.poller = poller;
        this.folder = folder;
    }

    /** A process that crun has made and left to the agent. */
    record Started(int pid, ProcessStreams streams) {}

    Started create(String id, Path bundle, boolean terminal) throws IOException {
        List<String> command = new ArrayList<>(List.of("create", "--bundle", bundle.toString()));
        return start(command, List.of(id), terminal);
    }

    void start(String id) throws IOException {
        run(List.of("start", id));
    }

    Started exec(String id, Path process, boolean terminal) throws IOException {
        List<String> command =
                new ArrayList<>(List.of("exec", "--detach", "--process", process.toString()));
        return start(command, List.of(id), terminal);
    }

    void delete(String id) throws IOException {
        run(List.of("delete", "--force", id));
    }

    void update(String id, Path resources) throws IOException {
        run(List.of("update", "--resources", resources.toString(), id));
    }

    private void run(List<String> arguments) throws IOException {
        Path log = folder.resolve("crun-" + serial.incrementAndGet() + ".log");
        try {
            Spawner.Outcome outcome = spawner.run(commandLine(log, arguments), log, LIMIT_SECONDS);
            if (!outcome.ok()) {
                throw failure(arguments.get(0), outcome.status(), outcome.stderr());
            }
        } finally {
            Files.deleteIfExists(log);
        }
    }

    /** A crun command that ends and leaves a process behind, whose streams are ours. */
    private Started start(List<String> command, List<String> tail, boolean terminal)
            throws IOException {
        int number = serial.incrementAndGet();
        Path log = folder.resolve("crun-" + number + ".log");
        Path pidFile = folder.resolve("crun-" + number + ".pid");
        command.add("--pid-file");
        command.add(pidFile.toString());
        try {
            return terminal
                    ? startOnTerminal(command, tail, log, pidFile, number)
                    : startOnPipes(command, tail, log, pidFile);
        } finally {
            Files.deleteIfExists(log);
            Files.deleteIfExists(pidFile);
        }
    }

    private Started startOnPipes(List<String> command, List<String> tail, Path log, Path pidFile)
            throws IOException {
        ProcessStreams streams;
        int crun;
        try (ProcessStreams.ChildEnds ends = new ProcessStreams.ChildEnds()) {
            streams = ProcessStreams.pipes(poller, ends);
            try {
                crun =
                        spawner.spawn(
                                commandLine(log, join(command, tail)),
                                ends.stdin(),
                                ends.stdout(),
                                ends.stderr());
            } catch (IOException e) {
                streams.close();
                throw e;
            }
        }
        try {
            return new Started(awaitPid(crun, command.get(0), log, pidFile), streams);
        } catch (IOException | RuntimeException e) {
            streams.close();
            throw e;
        }
    }

    private Started startOnTerminal(
            List<String> command, List<String> tail, Path log, Path pidFile, int number)
            throws IOException {
        try (ConsoleSocket console = new ConsoleSocket(folder.resolve("tty-" + number))) {
            command.add("--console-socket");
            command.add(console.path().toString());
            int nothing = Libc.open("/dev/null", Libc.O_RDWR | Libc.O_CLOEXEC);
            int crun;
            try {
                crun =
                        spawner.spawn(
                                commandLine(log, join(command, tail)), nothing, nothing, nothing);
            } finally {
                var _ = Libc.close(nothing);
            }
            // The socket's backlog holds the terminal until crun has ended, well or not.
            int pid = awaitPid(crun, command.get(0), log, pidFile);
            return new Started(pid, ProcessStreams.terminal(poller, console.receive()));
        }
    }

    private int awaitPid(int crun, String name, Path log, Path pidFile) throws IOException {
        int status = spawner.await(crun, "crun " + name, LIMIT_SECONDS);
        if (status != 0) {
            throw failure(name, status, Files.exists(log) ? Files.readString(log).strip() : "");
        }
        return Integer.parseInt(Files.readString(pidFile).strip());
    }

    private List<String> commandLine(Path log, List<String> arguments) {
        List<String> line = new ArrayList<>();
        line.add(PROGRAM);
        line.add("--root=" + folder.resolve("crun"));
        line.add("--cgroup-manager=cgroupfs");
        line.add("--log=" + log);
        line.addAll(arguments);
        return line;
    }

    private static List<String> join(List<String> head, List<String> tail) {
        List<String> all = new ArrayList<>(head);
        all.addAll(tail);
        return all;
    }

    private static TtrpcException failure(String command, int status, @Nullable String log) {
        String reason = log == null || log.isEmpty() ? "exit status " + status : lastLine(log);
        StatusCode code = StatusCode.INTERNAL;
        if (reason.contains("No such file or directory") || reason.contains("not found in $PATH")) {
            code = StatusCode.NOT_FOUND;
        } else if (reason.contains("Permission denied")) {
            code = StatusCode.PERMISSION_DENIED;
        }
        return new TtrpcException(code, "crun " + command + ": " + reason);
    }

    /** crun's lines begin with a time. */
    private static String lastLine(String log) {
        String line = log.substring(log.lastIndexOf('\n') + 1);
        int zone = line.indexOf("Z: ");
        return zone > 0 && Character.isDigit(line.charAt(0)) ? line.substring(zone + 3) : line;
    }
}
