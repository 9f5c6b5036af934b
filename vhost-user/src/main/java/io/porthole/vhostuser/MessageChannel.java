package io.porthole.vhostuser;

import io.porthole.linux.Errno;
import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.UnixSocket;
import io.porthole.vhostuser.ProtocolException.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * vhost-user messages over a connected unix socket, with descriptors ("Communication"). Both ends
 * use it. One thread receives; sending is for one thread at a time.
 *
 * <p>Received descriptors belong to the channel until {@link #takeFd}; what is not taken is closed
 * by the next {@link #receive} and by {@link #close}.
 */
final class MessageChannel implements AutoCloseable {
    private static final int MESSAGE_BYTES = VhostUser.HEADER_BYTES + VhostUser.MAX_PAYLOAD_BYTES;

    private final UnixSocket socket;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment in = arena.allocate(MESSAGE_BYTES, 8);
    private final MemorySegment out = arena.allocate(MESSAGE_BYTES, 8);
    private final List<Fd> fds = new ArrayList<>(VhostUser.MAX_FDS);

    /** Takes ownership of the socket. */
    MessageChannel(UnixSocket socket) {
        this.socket = socket;
    }

    // ---- Receiving ----

    /**
     * Waits for a message.
     *
     * @return false if the peer has ended the connection between two messages
     * @throws ProtocolException one that ends the connection
     */
    boolean receive() throws ProtocolException {
        closeFds();
        if (!fill(0, VhostUser.HEADER_BYTES)) {
            return false;
        }
        if ((flags() & VhostUser.VERSION_MASK) != VhostUser.VERSION) {
            throw new ProtocolException(
                    Kind.BAD_VERSION,
                    "not a vhost-user version 1 message: header flags 0x"
                            + Integer.toHexString(flags()));
        }
        int bytes = payloadBytes();
        if (bytes < 0 || bytes > VhostUser.MAX_PAYLOAD_BYTES) {
            throw new ProtocolException(
                    Kind.TOO_LONG,
                    VhostUser.requestName(request())
                            + " with "
                            + Integer.toUnsignedString(bytes)
                            + " bytes of payload");
        }
        if (bytes > 0 && !fill(VhostUser.HEADER_BYTES, bytes)) {
            throw truncated();
        }
        if (fds.size() > VhostUser.MAX_FDS) {
            throw new ProtocolException(
                    Kind.TOO_MANY_FDS,
                    VhostUser.requestName(request()) + " with " + fds.size() + " descriptors");
        }
        return true;
    }

    int request() {
        return in.get(Virtio.INT, 0);
    }

    int flags() {
        return in.get(Virtio.INT, 4);
    }

    int payloadBytes() {
        return in.get(Virtio.INT, 8);
    }

    /** The received payload, {@link #payloadBytes} long; valid until the next message. */
    MemorySegment payload() {
        return in.asSlice(VhostUser.HEADER_BYTES, payloadBytes());
    }

    int payloadInt(int offset) {
        return in.get(Virtio.INT, VhostUser.HEADER_BYTES + (long) offset);
    }

    long payloadLong(int offset) {
        return in.get(Virtio.LONG, VhostUser.HEADER_BYTES + (long) offset);
    }

    /** Descriptors that came with the message, less those taken. */
    int fdCount() {
        return fds.size();
    }

    /** Hands over the first descriptor of the message that was not taken yet. */
    Fd takeFd() {
        return fds.removeFirst();
    }

    /** The first descriptor of the message that was not taken yet; stays the channel's. */
    Fd peekFd() {
        return fds.getFirst();
    }

    private void closeFds() {
        while (!fds.isEmpty()) {
            fds.removeLast().close();
        }
    }

    /** Receives exactly {@code bytes}; false if the stream ended before the first. */
    private boolean fill(int at, int bytes) throws ProtocolException {
        int done = 0;
        while (done < bytes) {
            long n;
            try {
                n = socket.recvWithFds(in.asSlice(at + done, bytes - done), fds);
            } catch (SyscallException e) {
                if (e.errno() != Errno.ECONNRESET) {
                    throw failed(e);
                }
                n = 0;
            }
            if (n == 0) {
                if (done == 0) {
                    return false;
                }
                throw truncated();
            }
            done += (int) n;
        }
        return true;
    }

    private static ProtocolException truncated() {
        return new ProtocolException(Kind.TRUNCATED, "the connection ended inside a message");
    }

    private static ProtocolException failed(SyscallException e) {
        return new ProtocolException(Kind.SOCKET_FAILED, String.valueOf(e.getMessage()), e);
    }

    // ---- Sending ----

    /** Room for the payload of the message to be sent. */
    MemorySegment outPayload() {
        return out.asSlice(VhostUser.HEADER_BYTES);
    }

    void putInt(int offset, int value) {
        out.set(Virtio.INT, VhostUser.HEADER_BYTES + (long) offset, value);
    }

    void putLong(int offset, long value) {
        out.set(Virtio.LONG, VhostUser.HEADER_BYTES + (long) offset, value);
    }

    /**
     * Sends a message whose payload is in {@link #outPayload}. A reply for which nobody waits any
     * more is no fault: that the peer has gone is for {@link #receive} to tell, behind what it sent
     * before.
     *
     * @param flags header flags besides the version
     * @param sendFds descriptors to pass, which stay the caller's
     * @throws ProtocolException one that ends the connection
     */
    void send(int request, int flags, int payloadBytes, List<Fd> sendFds) throws ProtocolException {
        out.set(Virtio.INT, 0, request);
        out.set(Virtio.INT, 4, flags | VhostUser.VERSION);
        out.set(Virtio.INT, 8, payloadBytes);
        try {
            socket.sendWithFds(out.asSlice(0, VhostUser.HEADER_BYTES + payloadBytes), sendFds);
        } catch (SyscallException e) {
            if (e.errno() != Errno.EPIPE || (flags & VhostUser.FLAG_REPLY) == 0) {
                throw failed(e);
            }
        }
    }

    /** As {@link #send}, with a descriptor that is known by its number, or with none (-1). */
    void sendBorrowed(int request, int flags, int payloadBytes, int fd) throws ProtocolException {
        out.set(Virtio.INT, 0, request);
        out.set(Virtio.INT, 4, flags | VhostUser.VERSION);
        out.set(Virtio.INT, 8, payloadBytes);
        MemorySegment message = out.asSlice(0, VhostUser.HEADER_BYTES + payloadBytes);
        try {
            socket.sendWithFd(message, fd);
        } catch (SyscallException e) {
            throw failed(e);
        }
    }

    /** Ends the connection: a {@link #receive} in progress returns. Any thread. */
    void shutdown() {
        socket.shutdown();
    }

    /** On the receiving thread, or when it is through. */
    @Override
    public void close() {
        closeFds();
        socket.close();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
