package io.porthole.sandbox.agentprotocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.MessageLite;
import java.io.ByteArrayOutputStream;
import java.util.HexFormat;

/** An encoded message put together by hand, field by field in the order of the numbers. */
public final class WireBytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private WireBytes() {}

    public static WireBytes bytes() {
        return new WireBytes();
    }

    /** A message is these bytes, and these bytes are that message. */
    static void assertWire(WireBytes expected, MessageLite message) throws Exception {
        assertEquals(
                expected.hex(),
                HexFormat.of().formatHex(message.toByteArray()),
                message.getClass().getSimpleName());
        assertEquals(message, message.getParserForType().parseFrom(expected.toByteArray()));
    }

    public WireBytes number(int field, long value) {
        varint((long) field << 3);
        varint(value);
        return this;
    }

    public WireBytes text(int field, String value) {
        return bytes(field, value.getBytes(UTF_8));
    }

    public WireBytes message(int field, WireBytes inner) {
        return bytes(field, inner.out.toByteArray());
    }

    public WireBytes bytes(int field, byte[] value) {
        varint((long) field << 3 | 2);
        varint(value.length);
        out.writeBytes(value);
        return this;
    }

    public byte[] toByteArray() {
        return out.toByteArray();
    }

    /** The same in hexadecimal digits. */
    public String hex() {
        return HexFormat.of().formatHex(out.toByteArray());
    }

    private void varint(long value) {
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            out.write((int) ((rest & 0x7f) | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }
}
