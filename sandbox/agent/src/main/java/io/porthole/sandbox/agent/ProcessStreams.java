package io.porthole.sandbox.agent;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The agent's ends of a process' standard streams: three pipes, or a terminal. Owns the
 * descriptors.
 */
final class ProcessStreams {
    private static final int PIPE_BYTES = 256 << 10;
    private static final int F_SETPIPE_SZ = 1031;
    private static final int F_DUPFD_CLOEXEC = 1030;

    private final StreamWriter stdin;
    private final StreamReader stdout;
    private final @Nullable StreamReader stderr;
    private final int terminal;

    private ProcessStreams(
            StreamWriter stdin, StreamReader stdout, @Nullable StreamReader stderr, int terminal) {
        this.stdin = stdin;
        this.stdout = stdout;
        this.stderr = stderr;
        this.terminal = terminal;
    }

    /** The process' ends, which the agent closes once the process has them. */
    static final class ChildEnds implements AutoCloseable {
        private final int[] fds = {-1, -1, -1};

        int stdin() {
            return fds[0];
        }

        int stdout() {
            return fds[1];
        }

        int stderr() {
            return fds[2];
        }

        @Override
        public void close() {
            for (int i = 0; i < fds.length; i++) {
                if (fds[i] >= 0) {
                    var _ = Libc.close(fds[i]);
                    fds[i] = -1;
                }
            }
        }
    }

    /** Three pipes; fills in the ends for the process. */
    static ProcessStreams pipes(Poller poller, ChildEnds ends) throws IOException {
        int[] ours = {-1, -1, -1};
        try {
            for (int i = 0; i < 3; i++) {
                int[] pipe = Libc.pipe();
                if (pipe == null) {
                    throw new IOException("the agent is out of file descriptors");
                }
                int inner = i == 0 ? 0 : 1;
                ends.fds[i] = pipe[inner];
                ours[i] = pipe[1 - inner];
                // Fewer round trips to the host; the kernel takes memory only for what is used.
                var _ = Libc.callInt("fcntl", ours[i], F_SETPIPE_SZ, PIPE_BYTES);
                check("non-blocking", Libc.setNonBlocking(ours[i]));
            }
        } catch (IOException e) {
            for (int fd : ours) {
                if (fd >= 0) {
                    var _ = Libc.close(fd);
                }
            }
            throw e;
        }
        return new ProcessStreams(
                new StreamWriter(poller, ours[0], false),
                new StreamReader(poller, ours[1]),
                new StreamReader(poller, ours[2]),
                -1);
    }

    /** Takes over a terminal's master side. */
    static ProcessStreams terminal(Poller poller, int master) throws IOException {
        check("non-blocking", Libc.setNonBlocking(master));
        // Reading and writing wait independently: one descriptor each.
        int writing = check("dup", Libc.callInt("fcntl", master, F_DUPFD_CLOEXEC, 3));
        return new ProcessStreams(
                new StreamWriter(poller, writing, true),
                new StreamReader(poller, master),
                null,
                master);
    }

    private static int check(String what, int result) throws IOException {
        if (result < 0) {
            throw new IOException(what + ": " + Libc.describe(-result));
        }
        return result;
    }

    StreamWriter stdin() {
        return stdin;
    }

    StreamReader stdout() {
        return stdout;
    }

    /** Nothing for a terminal, which has one output. */
    @Nullable StreamReader stderr() {
        return stderr;
    }

    boolean isTerminal() {
        return terminal >= 0;
    }

    int resize(int rows, int columns) {
        return ConsoleSocket.resize(terminal, rows, columns);
    }

    /** The output has been read to its end, or nobody has asked for it for that long. */
    boolean isIdle(long forNanos) {
        return stdout.isIdle(forNanos) && (stderr == null || stderr.isIdle(forNanos));
    }

    void close() {
        stdin.close();
        stdout.close();
        if (stderr != null) {
            stderr.close();
        }
    }
}
