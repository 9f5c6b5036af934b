package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/** Joins this process's terminal and standard streams to a process in a guest. */
final class Attachment {
    private static final byte DETACH_FIRST = 0x10; // ctrl-p
    private static final byte DETACH_SECOND = 0x11; // ctrl-q
    private static final int DETACHED = 0;

    private final Context context;
    private final MonitorClient client;
    private final String container;
    private final boolean terminal;
    private final boolean input;
    private volatile String exec = "";

    Attachment(
            Context context,
            MonitorClient client,
            String container,
            boolean terminal,
            boolean input) {
        this.context = context;
        this.client = client;
        this.container = container;
        this.terminal = terminal;
        this.input = input;
    }

    /** Runs until the process has ended; returns the exit code for this command. */
    int run(Request request) throws SandboxException, IOException {
        boolean raw = terminal && input;
        if (raw && !Terminal.is(0)) {
            throw new SandboxException("with -t and -i standard input must be a terminal");
        }
        InputStream in = input ? input(raw) : null;
        try {
            MonitorClient.Exit exit =
                    client.stream(
                            request,
                            in,
                            MonitorClient.to(
                                    context.out(), context.err(), name -> running(name, raw)));
            Terminal.restoreAll();
            context.out().flush();
            if (exit.oomKilled()) {
                context.err()
                        .println(
                                "porthole: the container "
                                        + container
                                        + " ran out of memory and was killed");
            }
            return exit.code();
        } finally {
            Terminal.restoreAll();
        }
    }

    private void running(String name, boolean raw) {
        exec = name;
        if (terminal) {
            resize();
            Signals.handle("WINCH", this::resizeLater);
        }
        if (raw) {
            try {
                Terminal.raw();
            } catch (IOException e) {
                context.err().println("porthole: " + e.getMessage());
            }
        } else {
            // In raw mode the keys reach the process by themselves.
            for (String signal : List.of("INT", "TERM", "HUP")) {
                Signals.handle(signal, () -> pass(signal));
            }
        }
    }

    private void resizeLater() {
        Thread.ofPlatform().daemon().name("resize").start(this::resize);
    }

    private void resize() {
        Terminal.Size size = Terminal.size();
        if (size != null) {
            quietly(new Request.Resize(container, exec, size.rows(), size.columns()));
        }
    }

    private void pass(String signal) {
        Thread.ofPlatform()
                .daemon()
                .name("signal")
                .start(() -> quietly(new Request.Signal(container, exec, Signals.number(signal))));
    }

    /** The process may have ended meanwhile: that is told elsewhere. */
    private void quietly(Request request) {
        try {
            client.call(request);
        } catch (SandboxException | IOException e) {
            System.getLogger("attach").log(System.Logger.Level.DEBUG, "not delivered", e);
        }
    }

    private InputStream input(boolean raw) {
        InputStream in = new FileInputStream(FileDescriptor.in);
        return raw ? new DetachKeys(in) : in;
    }

    /** Watches for ctrl-p ctrl-q, which leaves the process running. */
    private static final class DetachKeys extends FilterInputStream {
        private boolean half;

        DetachKeys(InputStream in) {
            super(in);
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int n = in.read(buffer, offset, Math.min(length, 4096));
            for (int i = 0; i < n; i++) {
                byte b = buffer[offset + i];
                if (half && b == DETACH_SECOND) {
                    Terminal.restoreAll();
                    Runtime.getRuntime().halt(DETACHED);
                }
                half = b == DETACH_FIRST;
            }
            return n;
        }
    }
}
