package io.porthole.sandbox.orchestrator.monitor;

import io.porthole.sandbox.orchestrator.sandbox.Removal;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import io.porthole.sandbox.orchestrator.state.Json;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Speaks to the monitor of a sandbox; one connection per request. */
public final class MonitorClient {
    private static final int CHUNK_BYTES = 128 << 10;

    private final SandboxDirectory directory;

    public MonitorClient(SandboxDirectory directory) {
        this.directory = directory;
    }

    /** Where a process's streams go. */
    public interface Streams {
        void stdout(byte[] data) throws IOException;

        void stderr(byte[] data) throws IOException;

        /** The process runs; {@code exec} names it in further requests. */
        void running(String exec);
    }

    /** How a process ended. */
    public record Exit(int code, boolean oomKilled) {}

    /** Asks and waits for the answer. */
    public Reply call(Request request) throws SandboxException, IOException {
        return call(request, step -> {});
    }

    public Reply call(Request request, Consumer<String> progress)
            throws SandboxException, IOException {
        try (SocketChannel socket = connect()) {
            Frame.write(socket, Json.mapper().writerFor(Request.class).writeValueAsString(request));
            while (true) {
                Frame frame = read(socket);
                if (frame == null) {
                    throw gone();
                }
                Reply reply = Json.read(frame.text(), Reply.class).orThrow();
                String step = reply.progress();
                if (step == null) {
                    return reply;
                }
                progress.accept(step);
            }
        }
    }

    /**
     * Attaches to a process that the request names or starts, and returns when it has ended.
     *
     * @param input what to send it, or null for nothing; read on a thread of its own
     */
    public Exit stream(Request request, @Nullable InputStream input, Streams streams)
            throws SandboxException, IOException {
        try (SocketChannel socket = connect()) {
            Frame.write(socket, Json.mapper().writerFor(Request.class).writeValueAsString(request));
            while (true) {
                Frame frame = read(socket);
                if (frame == null) {
                    throw gone();
                }
                switch (frame.type()) {
                    case STDOUT -> streams.stdout(frame.content());
                    case STDERR -> streams.stderr(frame.content());
                    case JSON -> {
                        Reply reply = Json.read(frame.text(), Reply.class).orThrow();
                        Integer code = reply.exitCode();
                        if (code != null) {
                            return new Exit(code, reply.oomKilled());
                        }
                        String exec = reply.exec();
                        if (exec != null) {
                            streams.running(exec);
                            startInput(socket, input);
                        }
                    }
                    case STDIN, STDIN_END -> throw new IOException("a monitor sends output only");
                }
            }
        }
    }

    private static void startInput(SocketChannel socket, @Nullable InputStream input) {
        if (input == null) {
            return;
        }
        Thread.ofPlatform()
                .name("stdin")
                .daemon()
                .start(() -> {
                    try {
                        byte[] buffer = new byte[CHUNK_BYTES];
                        for (int n = input.read(buffer); n >= 0; n = input.read(buffer)) {
                            Frame.write(socket, Frame.Type.STDIN, buffer, n);
                        }
                        Frame.write(socket, Frame.Type.STDIN_END, buffer, 0);
                    } catch (IOException e) {
                        // The process has ended, or the terminal has gone.
                    }
                });
    }

    private SocketChannel connect() throws SandboxException {
        try {
            return SocketChannel.open(UnixDomainSocketAddress.of(directory.monitorSocket()));
        } catch (IOException e) {
            throw gone();
        }
    }

    private @Nullable Frame read(SocketChannel socket) throws SandboxException {
        try {
            return Frame.read(socket);
        } catch (IOException e) {
            // A monitor that is killed resets the connection.
            throw gone();
        }
    }

    /** Why the monitor does not answer. */
    private SandboxException gone() {
        try {
            SandboxState state = directory.read();
            String error = state.error();
            if (error != null) {
                return new SandboxException(
                        SandboxException.Kind.FAILED, error, state.consoleTail());
            }
            if (state.status() == SandboxState.Status.STOPPED) {
                return new SandboxException("the sandbox " + directory.id() + " was stopped");
            }
            return new SandboxException(Removal.deathOfMonitor(state));
        } catch (IOException e) {
            return new SandboxException("the sandbox " + directory.id() + " is gone");
        }
    }

    /** Copies output to this process's own. */
    public static Streams to(OutputStream out, OutputStream err, Consumer<String> onRunning) {
        return new Streams() {
            @Override
            public void stdout(byte[] data) throws IOException {
                out.write(data);
                out.flush();
            }

            @Override
            public void stderr(byte[] data) throws IOException {
                err.write(data);
                err.flush();
            }

            @Override
            public void running(String exec) {
                onRunning.accept(exec);
            }
        };
    }
}
