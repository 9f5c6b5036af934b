package io.porthole.virtiofsd.transport;

import io.porthole.fuse.Exchange;
import io.porthole.fuse.FuseInHeader;
import io.porthole.linux.Errno;
import io.porthole.linux.Mapping;
import io.porthole.vhostuser.DescriptorChain;
import io.porthole.vhostuser.Detached;
import io.porthole.vhostuser.QueueHandler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A FUSE request in a descriptor chain (VIRTIO 1.3, 5.11.6): the readable part is the request, the
 * writable part takes the reply.
 */
final class QueueExchange implements Exchange {
    /**
     * Copied before anything is known of the request: header and fixed arguments of all hot
     * requests (the longest, FUSE_WRITE's, end at byte 80). More would copy the payload of writes.
     */
    private static final int FIRST_FETCH_BYTES = 80;

    private final MemorySegment in;
    private final MemorySegment out;
    private final long inAddress;
    private final long outAddress;
    private @Nullable DescriptorChain chain;
    private int fetched;
    private long result;

    QueueExchange(Arena arena) {
        in = Mapping.zeroed(arena, IN_SCRATCH_BYTES);
        out = Mapping.zeroed(arena, OUT_SCRATCH_BYTES);
        inAddress = in.address();
        outAddress = out.address();
    }

    /** Takes up the next request. */
    void begin(DescriptorChain next) {
        chain = next;
        result = 0;
        fetched = (int) Math.min(next.readableBytes(), FIRST_FETCH_BYTES);
        // SAFETY: the scratch is longer than that, and this exchange's own.
        next.copyIn(0, inAddress, fetched);
    }

    /** Bytes written to the chain by the reply (used.len), or {@link QueueHandler#DEFERRED}. */
    long result() {
        return result;
    }

    private DescriptorChain chain() {
        DescriptorChain current = chain;
        if (current == null) {
            throw new IllegalStateException("no request in service");
        }
        return current;
    }

    @Override
    public MemorySegment in() {
        return in;
    }

    @Override
    public int fetchedBytes() {
        return fetched;
    }

    @Override
    public long fetch(int bytes) {
        if (bytes <= fetched) {
            return 0;
        }
        if (bytes > IN_SCRATCH_BYTES) {
            return -Errno.E2BIG;
        }
        DescriptorChain current = chain();
        if (bytes > current.readableBytes()) {
            return -Errno.EINVAL;
        }
        current.copyIn(fetched, in, fetched, bytes - fetched);
        fetched = bytes;
        return 0;
    }

    @Override
    public long requestBytes() {
        return chain().readableBytes();
    }

    @Override
    public long replyCapacityBytes() {
        return chain().writableBytes();
    }

    @Override
    public MemorySegment out() {
        return out;
    }

    @Override
    public long writePayload(long offset, long bytes) {
        return chain().readableIov(offset, bytes);
    }

    @Override
    public long readPayload(long offset, long bytes) {
        return chain().writableIov(offset, bytes);
    }

    @Override
    public long iovAddr() {
        return chain().iovAddr();
    }

    @Override
    public void reply(int scratchBytes, long totalBytes) {
        if (scratchBytes > OUT_SCRATCH_BYTES) {
            throw new IndexOutOfBoundsException("a reply of " + scratchBytes + " bytes");
        }
        // SAFETY: just checked; the scratch is this exchange's own.
        chain().copyOut(0, outAddress, scratchBytes);
        result = totalBytes;
    }

    @Override
    public void replyNothing() {
        result = 0;
    }

    @Override
    public void mayTakeLong() {
        chain().mayTakeLong();
    }

    @Override
    public Deferred defer() {
        result = QueueHandler.DEFERRED;
        return new DeferredReply(FuseInHeader.unique(in, 0), chain().detach());
    }

    /** The chain of a request that is answered later, by any thread. */
    private record DeferredReply(long unique, Detached detached) implements Deferred {
        @Override
        public void complete(int error, MemorySegment body) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment reply = LateReply.of(arena, unique, error, body);
                detached.complete(reply, reply.byteSize());
            }
        }
    }
}
