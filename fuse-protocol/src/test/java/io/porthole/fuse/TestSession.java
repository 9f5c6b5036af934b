package io.porthole.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.porthole.fuse.testing.InMemoryExchange;
import io.porthole.fuse.testing.RecordingFileSystem;
import io.porthole.fuse.testing.RequestBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A server of a {@link RecordingFileSystem}, and a guest that talks to it. */
final class TestSession implements AutoCloseable {
    static final int ROOM = 4096;
    static final long UNIQUE = 0x1122334455667788L;

    final RecordingFileSystem fs = new RecordingFileSystem();
    final InMemoryExchange exchange = new InMemoryExchange(2 << 20);
    final Request request = new Request(exchange);
    final FuseServer server;

    private TestSession(@Nullable ServerObserver observer) {
        server = new FuseServer(fs, observer);
    }

    /** Without INIT. */
    static TestSession fresh() {
        return new TestSession(null);
    }

    /** After an INIT that offered and agreed on {@code flags}. */
    static TestSession with(long flags) {
        return with(flags, null);
    }

    static TestSession with(long flags, @Nullable ServerObserver observer) {
        TestSession session = new TestSession(observer);
        session.init(flags);
        return session;
    }

    void init(long flags) {
        fs.enable(flags);
        assertEquals(0, error(send(initRequest(45, flags), ROOM)));
        fs.clear();
    }

    static byte[] initRequest(int minor, long flags) {
        long all = flags >>> 32 == 0 ? flags : flags | InitFlags.FUSE_INIT_EXT;
        return RequestBytes.of(Opcode.INIT, 0)
                .unique(UNIQUE)
                .u32(7, minor, 128 * 1024, (int) all, (int) (all >>> 32))
                .bytes(new byte[44])
                .build();
    }

    /** Sends a request, checks that the reply is well-formed, and returns it, or an empty array. */
    byte[] send(byte[] bytes, int room) {
        exchange.send(bytes, room);
        server.dispatch(exchange, request);
        return reply();
    }

    byte[] send(RequestBytes bytes) {
        return send(bytes.unique(UNIQUE).build(), ROOM);
    }

    /** Sends a request and returns the error of its reply, 0 for none. */
    int errorOf(RequestBytes bytes) {
        return error(send(bytes));
    }

    private byte[] reply() {
        byte[] reply = exchange.replyBytes();
        if (reply.length != 0) {
            assertEquals(reply.length, word(reply, 0), "fuse_out_header.len");
        }
        return reply;
    }

    static int error(byte[] reply) {
        return word(reply, 4);
    }

    static int word(byte[] bytes, int at) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(at);
    }

    static long unique(byte[] reply) {
        return ByteBuffer.wrap(reply).order(ByteOrder.LITTLE_ENDIAN).getLong(8);
    }

    static byte[] body(byte[] reply) {
        return Arrays.copyOfRange(reply, 16, reply.length);
    }

    List<String> calls() {
        return fs.calls();
    }

    @Override
    public void close() {
        exchange.close();
    }
}
