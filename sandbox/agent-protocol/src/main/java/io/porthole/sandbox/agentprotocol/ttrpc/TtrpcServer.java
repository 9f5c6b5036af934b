package io.porthole.sandbox.agentprotocol.ttrpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Request;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Response;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Status;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;

/**
 * Serves ttrpc on a {@link Link}, one client after the other.
 *
 * <p>The thread that calls {@link #serveOne} reads frames and hands requests to the service;
 * answers are written by whichever thread makes them, a frame at a time. When a client goes, its
 * open calls are cancelled, so that a read that nobody waits for takes no bytes from its stream.
 *
 * <p>A virtio-serial port may not tell of a client's end when the next one is quick. What tells
 * then is the stream id: a client's only grow, so that one which was used before, or is far from
 * the last, is another client's.
 */
public final class TtrpcServer {
    private static final int READ_BYTES = 32 << 10;

    private final Link link;
    private final TtrpcService service;

    public TtrpcServer(Link link, TtrpcService service) {
        this.link = link;
        this.service = service;
    }

    /**
     * Serves the present client until it goes.
     *
     * @throws IOException when the link fails or the client does not speak ttrpc; a further client
     *     may still be served
     */
    public void serveOne() throws IOException {
        Reader reader = new Reader();
        try {
            reader.run();
        } finally {
            reader.connection.close();
        }
    }

    /** One client's frames, and the calls it waits for. */
    static final class Connection {
        private final Link link;
        private final Object writeLock = new Object();
        private final Set<Call> open = new HashSet<>();
        private boolean closed;

        Connection(Link link) {
            this.link = link;
        }

        void open(Call call) {
            synchronized (open) {
                open.add(call);
            }
        }

        void forget(Call call) {
            synchronized (open) {
                open.remove(call);
            }
        }

        /** False when the client has gone. */
        boolean send(int stream, Response response) {
            int length = response.getSerializedSize();
            if (length > TtrpcFrame.MAX_MESSAGE_BYTES) {
                return send(
                        stream,
                        status(
                                StatusCode.RESOURCE_EXHAUSTED,
                                "answer of " + length + " bytes is over ttrpc's 4 MiB"));
            }
            byte[] frame = new byte[TtrpcFrame.HEADER_BYTES + length];
            TtrpcFrame.putHeader(frame, 0, length, stream, TtrpcFrame.TYPE_RESPONSE, 0);
            try {
                response.writeTo(
                        CodedOutputStream.newInstance(frame, TtrpcFrame.HEADER_BYTES, length));
                synchronized (writeLock) {
                    if (closed) {
                        return false;
                    }
                    link.write(frame, 0, frame.length);
                    return true;
                }
            } catch (IOException e) {
                // The reading thread meets the same end of the link and closes the connection.
                return false;
            }
        }

        void close() {
            synchronized (writeLock) {
                closed = true;
            }
            Call[] orphans;
            synchronized (open) {
                orphans = open.toArray(new Call[0]);
                open.clear();
            }
            for (Call call : orphans) {
                call.cancel();
            }
        }
    }

    private static Response status(StatusCode code, String message) {
        return Response.newBuilder()
                .setStatus(Status.newBuilder().setCode(code.number()).setMessage(message))
                .build();
    }

    private final class Reader {
        private Connection connection = new Connection(link);
        private final StreamIds ids = new StreamIds();
        private byte[] buffer = new byte[READ_BYTES];
        private int start;
        private int end;

        void run() throws IOException {
            while (fill(TtrpcFrame.HEADER_BYTES, false)) {
                long length = TtrpcFrame.length(buffer, start);
                int stream = TtrpcFrame.stream(buffer, start);
                int type = TtrpcFrame.type(buffer, start);
                if (type < TtrpcFrame.TYPE_REQUEST || type > TtrpcFrame.TYPE_DATA) {
                    throw new IOException("not a ttrpc frame: message type " + type);
                }
                start += TtrpcFrame.HEADER_BYTES;
                if (length > TtrpcFrame.MAX_MESSAGE_BYTES) {
                    if (!skip(length)) {
                        return;
                    }
                    connection.send(
                            stream,
                            status(
                                    StatusCode.RESOURCE_EXHAUSTED,
                                    "request of " + length + " bytes is over ttrpc's 4 MiB"));
                    continue;
                }
                if (!fill((int) length, true)) {
                    return;
                }
                int message = start;
                start += (int) length;
                if (type == TtrpcFrame.TYPE_REQUEST) {
                    accept(stream, message, (int) length);
                } else {
                    connection.send(
                            stream,
                            status(
                                    StatusCode.UNIMPLEMENTED,
                                    "only unary requests are served, not message type " + type));
                }
            }
        }

        private void accept(int stream, int offset, int length) {
            Request request;
            try {
                request = Request.parser().parseFrom(buffer, offset, length);
            } catch (InvalidProtocolBufferException e) {
                connection.send(
                        stream, status(StatusCode.INVALID_ARGUMENT, "malformed ttrpc request"));
                return;
            }
            if ((stream & 1) == 0) {
                connection.send(
                        stream,
                        status(StatusCode.INVALID_ARGUMENT, "a client's stream ids are odd"));
                return;
            }
            if (ids.beginsAnotherClient(stream)) {
                connection.close();
                connection = new Connection(link);
            }
            Call call = new Call(connection, stream, request.getTimeoutNano());
            connection.open(call);
            ByteString payload = request.getPayload();
            try {
                service.call(request.getService(), request.getMethod(), payload, call);
            } catch (InvalidProtocolBufferException e) {
                call.fail(
                        StatusCode.INVALID_ARGUMENT,
                        "malformed message for " + request.getMethod() + ": " + e.getMessage());
            } catch (RuntimeException e) {
                call.fail(e);
            }
        }

        /** False at the end of the link. */
        private boolean fill(int wanted, boolean inMessage) throws IOException {
            if (end - start >= wanted) {
                return true;
            }
            if (buffer.length - start < wanted) {
                // A large message's buffer is given back to the heap after it.
                byte[] larger = new byte[Math.max(wanted, READ_BYTES)];
                System.arraycopy(buffer, start, larger, 0, end - start);
                buffer = larger;
                end -= start;
                start = 0;
            } else if (start == end) {
                start = 0;
                end = 0;
                if (buffer.length > READ_BYTES && wanted <= READ_BYTES) {
                    buffer = new byte[READ_BYTES];
                }
            }
            while (end - start < wanted) {
                int count = link.read(buffer, end, buffer.length - end, inMessage || end > start);
                if (count < 0) {
                    return false;
                }
                end += count;
            }
            return true;
        }

        private boolean skip(long bytes) throws IOException {
            long left = bytes;
            while (left > 0) {
                if (start == end && !fill(1, true)) {
                    return false;
                }
                int step = (int) Math.min(left, end - start);
                start += step;
                left -= step;
            }
            return true;
        }
    }
}
