package io.porthole.vhostuser;

import io.porthole.linux.Fd;
import io.porthole.vhostuser.VhostUserServer.AfterDisconnect;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A device behind a real socket, served on a thread of its own; checks that nothing is left. */
final class Rig implements AutoCloseable {
    final EchoDevice device;
    final VhostUserServer server;
    private final Path directory;
    private final long fdsBefore = Fd.openCount();
    private final long mappingsBefore = Mappings.ofGuestRam();
    private final CompletableFuture<Void> served = new CompletableFuture<>();

    Rig(EchoDevice device, AfterDisconnect policy) throws IOException {
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

    /** A device of {@code queues} queues that serves one front-end after the other. */
    static Rig of(int queues) throws IOException {
        return new Rig(new EchoDevice(queues), AfterDisconnect.WAIT_FOR_NEXT);
    }

    String socketPath() {
        return directory.resolve("device.sock").toString();
    }

    VhostUserFrontend connect() throws IOException {
        return VhostUserFrontend.connect(socketPath());
    }

    /** Waits for the server to end by itself. Returns what it threw, or null. */
    Throwable awaitEnd() throws InterruptedException, TimeoutException {
        try {
            served.get(10, TimeUnit.SECONDS);
            return null;
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    void awaitDisconnects(int count) throws InterruptedException {
        for (int i = 0; i < 1000 && device.disconnected.get() < count; i++) {
            Thread.sleep(5);
        }
        if (device.disconnected.get() != count) {
            throw new AssertionError(device.disconnected.get() + " disconnects, not " + count);
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
        if (Mappings.ofGuestRam() != mappingsBefore) {
            throw new AssertionError("guest memory was left mapped");
        }
    }
}
