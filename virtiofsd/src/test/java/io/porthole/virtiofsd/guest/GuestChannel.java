package io.porthole.virtiofsd.guest;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The host's end of the virtio-serial port: QEMU connects to a socket on which this listens. Reads
 * have a deadline; one thread.
 */
final class GuestChannel implements AutoCloseable {
    /** Past the deadline. */
    static final class TimeoutException extends IOException {
        private static final long serialVersionUID = 1L;

        TimeoutException(String message) {
            super(message);
        }
    }

    private final ServerSocketChannel server;
    private final Selector selector;
    private final ByteBuffer received = ByteBuffer.allocate(64 * 1024).limit(0);
    private @Nullable SocketChannel connection;

    GuestChannel(Path socket) throws IOException {
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        server.configureBlocking(false);
        selector = Selector.open();
    }

    /** Waits for QEMU to connect, as long as it is alive. */
    void accept(long deadlineNanos, BooleanSupplier alive) throws IOException {
        while (true) {
            SocketChannel accepted = server.accept();
            if (accepted != null) {
                accepted.configureBlocking(false);
                accepted.register(selector, SelectionKey.OP_READ);
                connection = accepted;
                return;
            }
            if (!alive.getAsBoolean()) {
                throw new EOFException("QEMU ended before it connected");
            }
            if (System.nanoTime() > deadlineNanos) {
                throw new TimeoutException("QEMU did not connect");
            }
            sleepBriefly();
        }
    }

    void send(String line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        SocketChannel to = connected();
        while (bytes.hasRemaining()) {
            if (to.write(bytes) == 0) {
                sleepBriefly();
            }
        }
    }

    /** The next line, without its end. */
    String readLine(long deadlineNanos) throws IOException {
        StringBuilder line = new StringBuilder();
        while (true) {
            fill(deadlineNanos);
            byte b = received.get();
            if (b == '\n') {
                return line.toString();
            }
            line.append((char) b);
        }
    }

    byte[] readBytes(int length, long deadlineNanos) throws IOException {
        byte[] bytes = new byte[length];
        int have = 0;
        while (have < length) {
            fill(deadlineNanos);
            int n = Math.min(received.remaining(), length - have);
            received.get(bytes, have, n);
            have += n;
        }
        return bytes;
    }

    private void fill(long deadlineNanos) throws IOException {
        while (!received.hasRemaining()) {
            long leftMillis = (deadlineNanos - System.nanoTime()) / 1_000_000;
            if (leftMillis <= 0) {
                throw new TimeoutException("the guest did not answer in time");
            }
            selector.select(leftMillis);
            selector.selectedKeys().clear();
            received.clear();
            int n = connected().read(received);
            received.flip();
            if (n < 0) {
                throw new EOFException("the guest has gone");
            }
        }
    }

    private SocketChannel connected() {
        SocketChannel current = connection;
        if (current == null) {
            throw new IllegalStateException("not connected");
        }
        return current;
    }

    private static void sleepBriefly() throws IOException {
        try {
            Thread.sleep(2);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    @Override
    public void close() throws IOException {
        if (connection != null) {
            connection.close();
        }
        selector.close();
        server.close();
    }
}
