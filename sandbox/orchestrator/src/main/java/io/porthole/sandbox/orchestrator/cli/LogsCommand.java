package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.sandbox.OutputLog;
import io.porthole.sandbox.orchestrator.state.ContainerState;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code porthole logs}. */
@Command(name = "logs", description = "Show what a container has written.")
final class LogsCommand extends BaseCommand {
    private static final long POLL_MILLIS = 100;

    @Option(
            names = {"-f", "--follow"},
            description = "Go on until the container ends.")
    private boolean follow;

    @Option(
            names = {"-n", "--tail"},
            paramLabel = "N",
            description = "Only the last N lines of what is there.")
    private int tail = -1;

    @Option(
            names = {"-t", "--timestamps"},
            description = "Show the time of each line.")
    private boolean timestamps;

    @Parameters(paramLabel = "CONTAINER")
    private String id = "";

    /** The stream whose last line is not complete yet. */
    private boolean midLine;

    @Override
    public Integer call() throws Exception {
        SandboxDirectory directory = context().store().require(id);
        Path log = directory.containerLog(id);
        Deque<byte[]> last = new ArrayDeque<>();
        if (Files.exists(OutputLog.older(log))) {
            try (InputStream in =
                    new BufferedInputStream(Files.newInputStream(OutputLog.older(log)))) {
                copy(in, last);
            }
        }
        if (!Files.exists(log)) {
            current(directory, id);
            return 0;
        }
        try (FileChannel channel = FileChannel.open(log);
                InputStream in = new BufferedInputStream(Channels.newInputStream(channel))) {
            copy(in, last);
            for (byte[] line : last) {
                show(line);
            }
            tail = -1;
            while (follow) {
                boolean running = current(directory, id).status() == ContainerState.Status.RUNNING;
                copy(in, last);
                context().out().flush();
                if (!running) {
                    break;
                }
                Thread.sleep(POLL_MILLIS);
            }
        }
        context().out().flush();
        return 0;
    }

    /** Shows lines, or keeps the last ones where only those are wanted. */
    private void copy(InputStream in, Deque<byte[]> last) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b >= 0; b = in.read()) {
            if (b != '\n') {
                line.write(b);
                continue;
            }
            byte[] bytes = line.toByteArray();
            line.reset();
            if (tail < 0) {
                show(bytes);
            } else {
                last.add(bytes);
                if (last.size() > tail) {
                    last.removeFirst();
                }
            }
        }
    }

    /** One line of the log: TIME, stream, F or P, content. */
    private void show(byte[] line) throws IOException {
        int[] blanks = new int[3];
        int found = 0;
        for (int i = 0; i < line.length && found < 3; i++) {
            if (line[i] == ' ') {
                blanks[found++] = i;
            }
        }
        if (found < 3) {
            return;
        }
        String stream =
                new String(
                        line, blanks[0] + 1, blanks[1] - blanks[0] - 1, StandardCharsets.US_ASCII);
        boolean whole = line[blanks[1] + 1] == 'F';
        OutputStream to = stream.equals("stderr") ? context().err() : context().out();
        if (timestamps && !midLine) {
            to.write(line, 0, blanks[0] + 1);
        }
        to.write(line, blanks[2] + 1, line.length - blanks[2] - 1);
        if (whole) {
            to.write('\n');
        }
        midLine = !whole;
    }
}
