package io.porthole.sandbox.agentprotocol.ttrpc;

/**
 * The header before each ttrpc message, big-endian: {@code u32 length, u32 stream, u8 type, u8
 * flags} (containerd/ttrpc, PROTOCOL.md). The length counts the message alone.
 */
public final class TtrpcFrame {
    public static final int HEADER_BYTES = 10;

    /** The longest message that either side accepts. */
    public static final int MAX_MESSAGE_BYTES = 4 << 20;

    public static final int TYPE_REQUEST = 1;
    public static final int TYPE_RESPONSE = 2;

    /** A message of a streaming call: none of the agent's calls is one. */
    public static final int TYPE_DATA = 3;

    /** The sender sends nothing more on the stream: true of every unary request. */
    public static final int FLAG_REMOTE_CLOSED = 1;

    private TtrpcFrame() {}

    public static void putHeader(
            byte[] buffer, int offset, int lengthBytes, int stream, int type, int flags) {
        putInt(buffer, offset, lengthBytes);
        putInt(buffer, offset + 4, stream);
        buffer[offset + 8] = (byte) type;
        buffer[offset + 9] = (byte) flags;
    }

    /** As an unsigned number, so that a hostile length is large and not negative. */
    public static long length(byte[] buffer, int offset) {
        return getInt(buffer, offset) & 0xffff_ffffL;
    }

    public static int stream(byte[] buffer, int offset) {
        return getInt(buffer, offset + 4);
    }

    public static int type(byte[] buffer, int offset) {
        return buffer[offset + 8] & 0xff;
    }

    public static int flags(byte[] buffer, int offset) {
        return buffer[offset + 9] & 0xff;
    }

    // By hand: a VarHandle costs the agent's start more than these four shifts.

    private static void putInt(byte[] buffer, int offset, int value) {
        buffer[offset] = (byte) (value >>> 24);
        buffer[offset + 1] = (byte) (value >>> 16);
        buffer[offset + 2] = (byte) (value >>> 8);
        buffer[offset + 3] = (byte) value;
    }

    private static int getInt(byte[] buffer, int offset) {
        return (buffer[offset] & 0xff) << 24
                | (buffer[offset + 1] & 0xff) << 16
                | (buffer[offset + 2] & 0xff) << 8
                | (buffer[offset + 3] & 0xff);
    }
}
