package io.porthole.perf;

import io.porthole.fuse.FuseInHeader;
import io.porthole.fuse.FuseOutHeader;
import io.porthole.fuse.Opcode;
import io.porthole.vhostuser.DriverQueue;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * A FUSE request that lies ready in guest memory, cut as Linux' virtio_fs.c cuts it: header,
 * arguments and names together, payload pages; then the reply's header, its fixed part, and pages.
 * Built once; what changes from one sending to the next (a node, an offset, a name) is stored into
 * it.
 */
final class Message {
    /** Room for arguments with two names. */
    static final int ARGUMENT_ROOM = 1024;

    private static final long[] NO_PAGES = {};

    private final GuestSpace space;
    private final MemorySegment memory;
    private final long header;
    private final long argument;
    private final long reply;
    private final int replyBodyRoom;
    private final boolean wantsReply;
    private final long[] payload;
    private final boolean toGuest;

    private int argumentBytes;
    private @Nullable DriverQueue queue;
    private int head = -1;
    private boolean remembered;
    private int opcode;
    private long unique;
    private int error;
    private int otherError;
    private int bodyBytes;

    /**
     * @param argumentBytes of arguments and names; {@link #argumentBytes} can change it if it is
     *     not 0
     * @param replyBodyBytes room for the reply's fixed part, 0 if it has none
     * @param wantsReply false for FORGET
     */
    static Message plain(
            GuestSpace space,
            int opcode,
            int argumentBytes,
            int replyBodyBytes,
            boolean wantsReply) {
        return new Message(
                space, opcode, argumentBytes, replyBodyBytes, wantsReply, NO_PAGES, false);
    }

    static Message plain(GuestSpace space, Opcode opcode, int argumentBytes) {
        return plain(
                space, opcode.code(), argumentBytes, opcode.replyBodyBytes(), opcode.hasReply());
    }

    /** A request whose reply fills {@code pages} (READ, READDIR). */
    static Message reading(GuestSpace space, Opcode opcode, int argumentBytes, long[] pages) {
        return new Message(space, opcode.code(), argumentBytes, 0, true, pages, true);
    }

    /** A request that carries {@code pages} (WRITE). */
    static Message writing(GuestSpace space, Opcode opcode, int argumentBytes, long[] pages) {
        return new Message(
                space, opcode.code(), argumentBytes, opcode.replyBodyBytes(), true, pages, false);
    }

    private Message(
            GuestSpace space,
            int opcode,
            int argumentBytes,
            int replyBodyBytes,
            boolean wantsReply,
            long[] payload,
            boolean toGuest) {
        this.space = space;
        this.memory = space.memory();
        this.payload = payload;
        this.toGuest = toGuest;
        this.wantsReply = wantsReply;
        this.replyBodyRoom = replyBodyBytes;
        this.header = space.allocate(FuseInHeader.BYTES, 64);
        this.argument = space.allocate(ARGUMENT_ROOM, 64);
        this.reply = space.allocate(FuseOutHeader.BYTES + replyBodyBytes, 64);
        opcode(opcode);
        FuseInHeader.pid(memory, header, 1);
        length(argumentBytes);
        bodyBytes = replyBodyBytes;
    }

    private void length(int newArgumentBytes) {
        argumentBytes = newArgumentBytes;
        long payloadBytes = toGuest ? 0 : (long) payload.length * GuestSpace.PAGE_BYTES;
        FuseInHeader.len(memory, header, (int) (FuseInHeader.BYTES + argumentBytes + payloadBytes));
    }

    /** Makes the chain in {@code target}, in an indirect table, if it is not there already. */
    int chain(DriverQueue target) {
        if (head >= 0) {
            return head;
        }
        target.beginIndirect();
        target.readable(space.address(header), FuseInHeader.BYTES);
        if (argumentBytes > 0) {
            target.readable(space.address(argument), argumentBytes);
        }
        if (!toGuest) {
            for (long page : payload) {
                target.readable(space.address(page), GuestSpace.PAGE_BYTES);
            }
        }
        if (wantsReply) {
            target.writable(space.address(reply), FuseOutHeader.BYTES);
            if (replyBodyRoom > 0) {
                target.writable(space.address(reply) + FuseOutHeader.BYTES, replyBodyRoom);
            }
        }
        if (toGuest) {
            for (long page : payload) {
                target.writable(space.address(page), GuestSpace.PAGE_BYTES);
            }
        }
        head = target.finish();
        queue = target;
        return head;
    }

    boolean isChained() {
        return head >= 0;
    }

    /** True the first time. */
    boolean remember() {
        boolean first = !remembered;
        remembered = true;
        return first;
    }

    /** Gives the chain's descriptor back; the next sending makes it anew. */
    void unchain() {
        if (queue != null) {
            queue.release(head);
            queue = null;
            head = -1;
        }
    }

    // What the sender fills in.

    MemorySegment memory() {
        return memory;
    }

    /** Offset in {@link #memory} of the arguments. */
    long argument() {
        return argument;
    }

    /** Offset in {@link #memory} of the reply behind its header. */
    long replyBody() {
        return reply + FuseOutHeader.BYTES;
    }

    /** Offsets of the payload's pages. */
    long[] payload() {
        return payload;
    }

    Message node(long nodeId) {
        FuseInHeader.nodeId(memory, header, nodeId);
        return this;
    }

    Message opcode(int code) {
        opcode = code;
        FuseInHeader.opcode(memory, header, code);
        return this;
    }

    /** Arguments and names are this long now. */
    Message argumentBytes(int bytes) {
        if (bytes != argumentBytes) {
            unchain();
            length(bytes);
        }
        return this;
    }

    /** Puts a NUL-terminated name at {@code at} bytes into the arguments. */
    Message name(int at, byte[] name) {
        MemorySegment.copy(name, 0, memory, ValueLayout.JAVA_BYTE, argument + at, name.length);
        memory.set(ValueLayout.JAVA_BYTE, argument + at + name.length, (byte) 0);
        return this;
    }

    /** The name is the last argument, and ends it. */
    Message onlyName(int at, byte[] name) {
        return name(at, name).argumentBytes(at + name.length + 1);
    }

    /**
     * What the reply must be.
     *
     * @param newError 0 or a negative errno
     * @param newBodyBytes behind the header, or -1 if the workload looks for itself
     */
    Message expect(int newError, int newBodyBytes) {
        error = newError;
        otherError = newError;
        bodyBytes = newBodyBytes;
        return this;
    }

    /** Success with any body, or {@code alsoRight}, a negative errno. */
    Message anyOf(int alsoRight) {
        error = 0;
        otherError = alsoRight;
        bodyBytes = -1;
        return this;
    }

    // For the session.

    void stamp(long newUnique) {
        unique = newUnique;
        FuseInHeader.unique(memory, header, newUnique);
    }

    /** Bytes of the reply behind its header. */
    int replyBytes() {
        return FuseOutHeader.len(memory, reply) - FuseOutHeader.BYTES;
    }

    /** The reply's error, 0 or negative. */
    int replyError() {
        return FuseOutHeader.error(memory, reply);
    }

    /** Throws if the reply is not the one that was expected, with what is wrong with it. */
    void check(int usedBytes) {
        if (!wantsReply) {
            return;
        }
        int len = FuseOutHeader.len(memory, reply);
        int got = FuseOutHeader.error(memory, reply);
        if (len != usedBytes
                || FuseOutHeader.unique(memory, reply) != unique
                || (got != error && got != otherError)
                || (bodyBytes >= 0 && len - FuseOutHeader.BYTES != (got == 0 ? bodyBytes : 0))) {
            throw wrong(usedBytes);
        }
    }

    /** What it asks for, for messages to people. */
    String name() {
        Opcode known = Opcode.of(opcode);
        return known == null ? "opcode " + opcode : known.name();
    }

    private WrongReplyException wrong(int usedBytes) {
        return new WrongReplyException(
                name()
                        + ": len "
                        + FuseOutHeader.len(memory, reply)
                        + " (used "
                        + usedBytes
                        + "), unique "
                        + FuseOutHeader.unique(memory, reply)
                        + ", error "
                        + FuseOutHeader.error(memory, reply)
                        + "; expected "
                        + (bodyBytes < 0 ? "any" : FuseOutHeader.BYTES + bodyBytes)
                        + " bytes, unique "
                        + unique
                        + ", error "
                        + error);
    }
}
