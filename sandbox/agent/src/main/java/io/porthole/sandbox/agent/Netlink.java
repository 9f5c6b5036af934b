package io.porthole.sandbox.agent;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A route socket: requests with an acknowledgement, and dumps (netlink(7), rtnetlink(7)). */
final class Netlink implements AutoCloseable {
    static final int HEADER_BYTES = 16;

    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW_CLOEXEC = 3 | Libc.O_CLOEXEC;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLM_F_ACK = 4;
    private static final int NLM_F_DUMP = 0x300;
    private static final int NLMSG_ERROR = 2;
    private static final int NLMSG_DONE = 3;
    private static final int RECEIVE_BYTES = 64 << 10;
    private static final int REPLY_MILLIS = 10_000;

    private final int fd;
    private int sequence;

    Netlink() throws IOException {
        fd = Libc.callInt("socket", AF_NETLINK, SOCK_RAW_CLOEXEC, 0);
        if (fd < 0) {
            throw new IOException("netlink: " + Libc.describe(-fd));
        }
    }

    /** A message under construction: a fixed part, then attributes. */
    static final class Message {
        private final ByteBuffer bytes =
                ByteBuffer.allocate(1024).order(ByteOrder.nativeOrder()).position(HEADER_BYTES);
        private final int type;
        private final int flags;

        /**
         * @param type RTM_*
         * @param flags NLM_F_* beyond REQUEST and ACK
         */
        Message(int type, int flags) {
            this.type = type;
            this.flags = flags;
        }

        Message u8(int value) {
            bytes.put((byte) value);
            return this;
        }

        Message u16(int value) {
            bytes.putShort((short) value);
            return this;
        }

        Message u32(int value) {
            bytes.putInt(value);
            return this;
        }

        Message attribute(int kind, byte[] value) {
            bytes.putShort((short) (4 + value.length)).putShort((short) kind).put(value);
            while (bytes.position() % 4 != 0) {
                bytes.put((byte) 0);
            }
            return this;
        }

        Message attribute(int kind, int value) {
            return attribute(
                    kind,
                    ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(value).array());
        }

        Message attribute(int kind, String value) {
            byte[] text = value.getBytes(StandardCharsets.UTF_8);
            return attribute(kind, java.util.Arrays.copyOf(text, text.length + 1));
        }

        /** An attribute that holds one other. */
        Message nested(int kind, int innerKind, int value) {
            ByteBuffer inner = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
            inner.putShort((short) 8).putShort((short) innerKind).putInt(value);
            return attribute(kind, inner.array());
        }

        byte[] finish(int sequence, int extraFlags) {
            int length = bytes.position();
            bytes.putInt(0, length);
            bytes.putShort(4, (short) type);
            bytes.putShort(6, (short) (NLM_F_REQUEST | flags | extraFlags));
            bytes.putInt(8, sequence);
            bytes.putInt(12, 0);
            return java.util.Arrays.copyOf(bytes.array(), length);
        }
    }

    /**
     * Sends a request and waits for its acknowledgement.
     *
     * @return 0 or -errno
     */
    int request(Message message) throws IOException {
        int number = ++sequence;
        send(message.finish(number, NLM_F_ACK));
        while (true) {
            for (ByteBuffer reply : receive()) {
                if (reply.getInt(8) == number && type(reply) == NLMSG_ERROR) {
                    return reply.getInt(HEADER_BYTES);
                }
            }
        }
    }

    /** All objects of a kind, each with its header; in native byte order. */
    List<ByteBuffer> dump(Message message) throws IOException {
        int number = ++sequence;
        send(message.finish(number, NLM_F_DUMP));
        List<ByteBuffer> all = new ArrayList<>();
        while (true) {
            for (ByteBuffer reply : receive()) {
                if (reply.getInt(8) != number) {
                    continue;
                }
                switch (type(reply)) {
                    case NLMSG_DONE -> {
                        return all;
                    }
                    case NLMSG_ERROR ->
                            throw new IOException(
                                    "netlink: " + Libc.describe(-reply.getInt(HEADER_BYTES)));
                    default -> all.add(reply);
                }
            }
        }
    }

    static int type(ByteBuffer message) {
        return message.getShort(4) & 0xffff;
    }

    /**
     * The value of an attribute.
     *
     * @param fixedBytes of the message's fixed part
     * @return null where the message has none of that kind
     */
    static byte @org.jspecify.annotations.Nullable [] attribute(
            ByteBuffer message, int fixedBytes, int kind) {
        int at = HEADER_BYTES + fixedBytes;
        int end = message.getInt(0);
        while (at + 4 <= end) {
            int length = message.getShort(at) & 0xffff;
            if (length < 4 || at + length > end) {
                return null;
            }
            int nestedFlag = 0x8000;
            if ((message.getShort(at + 2) & 0xffff & ~nestedFlag) == kind) {
                byte[] value = new byte[length - 4];
                message.get(at + 4, value);
                return value;
            }
            at += (length + 3) & ~3;
        }
        return null;
    }

    private void send(byte[] message) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(message.length, 4);
            MemorySegment.copy(message, 0, copy, ValueLayout.JAVA_BYTE, 0, message.length);
            long sent = Libc.write(fd, copy, 0, message.length);
            if (sent < 0) {
                throw new IOException("netlink: " + Libc.describe((int) -sent));
            }
        }
    }

    private List<ByteBuffer> receive() throws IOException {
        if (Libc.poll(fd, Libc.POLLIN, REPLY_MILLIS) <= 0) {
            throw new IOException("netlink: the kernel did not answer");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(RECEIVE_BYTES, 4);
            long count = Libc.read(fd, buffer, 0, RECEIVE_BYTES);
            if (count < 0) {
                throw new IOException("netlink: " + Libc.describe((int) -count));
            }
            byte[] bytes = new byte[(int) count];
            MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, bytes, 0, bytes.length);
            List<ByteBuffer> messages = new ArrayList<>();
            int at = 0;
            while (at + HEADER_BYTES <= bytes.length) {
                ByteBuffer rest =
                        ByteBuffer.wrap(bytes, at, bytes.length - at)
                                .slice()
                                .order(ByteOrder.nativeOrder());
                int length = rest.getInt(0);
                if (length < HEADER_BYTES || at + length > bytes.length) {
                    throw new IOException("netlink: a truncated message");
                }
                messages.add(rest.slice(0, length).order(ByteOrder.nativeOrder()));
                at += (length + 3) & ~3;
            }
            return messages;
        }
    }

    @Override
    public void close() {
        var _ = Libc.close(fd);
    }
}
