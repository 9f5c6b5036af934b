package io.porthole.vhostuser;

import io.porthole.linux.Fd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/** A device behind a real socket, served on a thread of its own; checks that nothing is left. */
final class Rig implements AutoCloseable {
    final EchoDevice device;
    final VhostUserServer server;
    private final Path directory;
    private final long fdsBefore = Fd.openCount();
    private final CompletableFuture<Void> served = new CompletableFuture<>();

    Rig(EchoDevice device, VhostUserServer.AfterDisconnect policy) throws IOException {
        this.device = device;
        directory = Files.createTempDirectory("vhost-user");
        server = VhostUserServer.listen(device, socketPath());
        Thread thread =
                new Thread(
                        () -> {
                            try {
                                server.serve(policy);
                                served.complete(null);
                            } catch (Throwable t) {
                                served.completeExceptionally(t);
                            }
                        },
                        "control");
        thread.setDaemon(true);
        thread.start();
    }

    String socketPath() {
        return directory.resolve("device.sock").toString();
    }

    VhostUserFrontend connect() throws IOException {
        return VhostUserFrontend.connect(socketPath());
    }

    /** Waits for the server to end by itself; throws what it threw. */
    void awaitEnd() throws Throwable {
        try {
            served.orTimeout(10, TimeUnit.SECONDS).join();
        } catch (CompletionException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        if (Files.exists(Path.of(socketPath()))) {
            throw new AssertionError("the socket path was left behind");
        }
        Files.delete(directory);
        if (device.connected.get() != device.disconnected.get()
                || device.opened.get() != device.closed.get()) {
            throw new AssertionError("a connection or a queue was not ended");
        }
        if (Fd.openCount() != fdsBefore) {
            throw new AssertionError(
                    "descriptors leaked: " + fdsBefore + " before, " + Fd.openCount() + " now");
        }
    }
}
