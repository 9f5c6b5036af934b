package io.porthole.sandbox.orchestrator.monitor;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** One message between a command and a monitor: a type byte, a big-endian length, the content. */
@SuppressWarnings("ArrayRecordComponent") // Never compared; the content has one owner.
record Frame(Type type, byte[] content) {
    private static final int MAX_BYTES = 16 << 20;
    private static final int HEADER_BYTES = 5;

    /** What a frame carries. */
    enum Type {
        JSON('J'),
        STDIN('i'),
        STDIN_END('I'),
        STDOUT('o'),
        STDERR('e');

        private final byte code;

        Type(char code) {
            this.code = (byte) code;
        }

        static Type of(byte code) throws IOException {
            for (Type t : values()) {
                if (t.code == code) {
                    return t;
                }
            }
            throw new IOException("not a frame of this protocol: type " + code);
        }
    }

    String text() {
        return new String(content, StandardCharsets.UTF_8);
    }

    static void write(SocketChannel to, Type type, byte[] content, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(HEADER_BYTES + length);
        buffer.put(type.code).putInt(length).put(content, 0, length).flip();
        while (buffer.hasRemaining()) {
            to.write(buffer);
        }
    }

    static void write(SocketChannel to, String json) throws IOException {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        write(to, Type.JSON, bytes, bytes.length);
    }

    /** The next frame, or null at the end of the connection. */
    static @Nullable Frame read(SocketChannel from) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
        if (!fill(from, header)) {
            return null;
        }
        Type type = Type.of(header.get(0));
        int length = header.getInt(1);
        if (length < 0 || length > MAX_BYTES) {
            throw new IOException("not a frame of this protocol: " + length + " bytes");
        }
        ByteBuffer content = ByteBuffer.allocate(length);
        if (!fill(from, content)) {
            throw new EOFException("the connection ended within a frame");
        }
        return new Frame(type, content.array());
    }

    private static boolean fill(SocketChannel from, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            if (from.read(buffer) < 0) {
                if (buffer.position() == 0) {
                    return false;
                }
                throw new EOFException("the connection ended within a frame");
            }
        }
        return true;
    }
}
