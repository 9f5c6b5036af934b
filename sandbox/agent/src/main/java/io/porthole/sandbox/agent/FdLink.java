package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.ttrpc.Link;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A virtio-serial port or a vsock connection, as a non-blocking descriptor.
 *
 * <p>The port is one byte stream that the host's clients use one after the other. The driver (Linux
 * drivers/char/virtio_console.c) tells of a client's end with POLLHUP and a read of 0, which last
 * until the next client is there. Where the next one was faster than our read, the only sign is a
 * frame whose rest does not come.
 */
final class FdLink implements Link, AutoCloseable {
    private static final int BUFFER_BYTES = 64 << 10;
    private static final int PATIENCE_MILLIS = 2000;
    private static final int IDLE_MILLIS = 20;

    private final int fd;
    private final MemorySegment input = Arena.ofAuto().allocate(BUFFER_BYTES);
    private final MemorySegment output = Arena.ofAuto().allocate(BUFFER_BYTES);

    FdLink(int fd) {
        this.fd = fd;
    }

    /** Waits until the host's side of a port is taken by a client. */
    void awaitClient() throws IOException {
        while ((poll(Libc.POLLIN | Libc.POLLOUT, -1) & Libc.POLLHUP) != 0) {
            // The driver has no event for this that a program could wait for, except a signal.
            try {
                Thread.sleep(IDLE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while waiting for a client", e);
            }
        }
    }

    @Override
    public int read(byte[] buffer, int offset, int lengthBytes, boolean inFrame)
            throws IOException {
        int most = Math.min(lengthBytes, BUFFER_BYTES);
        while (true) {
            long count = Libc.read(fd, input, 0, most);
            if (count > 0) {
                MemorySegment.copy(input, ValueLayout.JAVA_BYTE, 0, buffer, offset, (int) count);
                return (int) count;
            }
            if (count == 0) {
                return -1;
            }
            if (count != -Libc.EAGAIN) {
                throw failure("read", count);
            }
            int events = poll(Libc.POLLIN, inFrame ? PATIENCE_MILLIS : -1);
            if (events == 0) {
                throw new IOException("the rest of a frame did not come: a client went half-way");
            }
        }
    }

    @Override
    public void write(byte[] buffer, int offset, int lengthBytes) throws IOException {
        int done = 0;
        while (done < lengthBytes) {
            int count = Math.min(BUFFER_BYTES, lengthBytes - done);
            MemorySegment.copy(buffer, offset + done, output, ValueLayout.JAVA_BYTE, 0, count);
            long result = Libc.write(fd, output, 0, count);
            if (result > 0) {
                done += (int) result;
                continue;
            }
            if (result != -Libc.EAGAIN) {
                throw failure("write", result);
            }
            if ((poll(Libc.POLLOUT, -1) & (Libc.POLLHUP | Libc.POLLERR)) != 0) {
                throw new IOException("the client has gone");
            }
        }
    }

    private int poll(int events, int timeoutMillis) throws IOException {
        int ready = Libc.poll(fd, events, timeoutMillis);
        if (ready < 0) {
            throw failure("poll", ready);
        }
        return ready;
    }

    private static IOException failure(String what, long result) {
        return new IOException(what + ": " + Libc.describe((int) -result));
    }

    @Override
    public void close() {
        var _ = Libc.close(fd);
    }
}
