package io.porthole.sandbox.agent;

import static io.porthole.sandbox.agentprotocol.WireBytes.bytes;

import com.google.protobuf.CodedInputStream;
import io.porthole.sandbox.agentprotocol.WireBytes;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * ttrpc in bytes, as another program would speak it: a header of {@code u32 length, u32 stream, u8
 * type, u8 flags}, then Request {service = 1, method = 2, payload = 3, timeout_nano = 4} or
 * Response {status = 1 {code = 1, message = 2}, payload = 2} (containerd/ttrpc, PROTOCOL.md and
 * request.proto). Uses none of the classes that the agent uses for it.
 */
final class RawTtrpc {
    private static final int HEADER_BYTES = 10;
    private static final int REQUEST = 1;
    private static final int RESPONSE = 2;

    private RawTtrpc() {}

    /**
     * @param code of the status, 0 where there is none
     * @param message of the status
     * @param payload the encoded result, in hexadecimal digits
     */
    record Answer(int stream, int code, String message, String payload) {}

    /**
     * @param timeoutNanos 0 is no limit
     */
    static byte[] request(
            int stream, String service, String method, byte[] payload, long timeoutNanos) {
        WireBytes fields = bytes().text(1, service).text(2, method).bytes(3, payload);
        if (timeoutNanos != 0) {
            fields.number(4, timeoutNanos);
        }
        byte[] message = fields.toByteArray();
        return ByteBuffer.allocate(HEADER_BYTES + message.length)
                .putInt(message.length)
                .putInt(stream)
                .put((byte) REQUEST)
                .put((byte) 0)
                .put(message)
                .array();
    }

    static Answer read(InputStream from) throws IOException {
        DataInputStream in = new DataInputStream(from);
        int length = in.readInt();
        int stream = in.readInt();
        int type = in.readUnsignedByte();
        int flags = in.readUnsignedByte();
        if (type != RESPONSE || flags != 0) {
            throw new IOException("a frame of type " + type + " with flags " + flags);
        }
        byte[] message = new byte[length];
        in.readFully(message);
        CodedInputStream fields = CodedInputStream.newInstance(message);
        byte[] status = {};
        byte[] payload = {};
        while (!fields.isAtEnd()) {
            switch (fields.readTag()) {
                case 1 << 3 | 2 -> status = fields.readByteArray();
                case 2 << 3 | 2 -> payload = fields.readByteArray();
                default -> throw new IOException("a field that a Response does not have");
            }
        }
        int code = 0;
        String text = "";
        fields = CodedInputStream.newInstance(status);
        while (!fields.isAtEnd()) {
            switch (fields.readTag()) {
                case 1 << 3 -> code = fields.readInt32();
                case 2 << 3 | 2 ->
                        text = new String(fields.readByteArray(), StandardCharsets.UTF_8);
                default -> throw new IOException("a field that a Status does not have");
            }
        }
        return new Answer(stream, code, text, HexFormat.of().formatHex(payload));
    }
}
