package io.porthole.virtiofsd.transport;

import io.porthole.fuse.Exchange;
import io.porthole.fuse.FuseInHeader;
import io.porthole.fuse.FuseOutHeader;
import io.porthole.linux.Errno;
import io.porthole.linux.Mapping;
import io.porthole.linux.NativeMemory;
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
    private final MemorySegment in;
    private final MemorySegment out;
    private final long inAddress;
    private final long outAddress;
    private @Nullable DescriptorChain chain;

    /** See {@link #header()}. */
    private long header;

    private int fetched;

    /** The reply's body is written where the guest will find it. */
    private boolean inPlace;

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
        inPlace = false;
        // Linux puts the header into a buffer of its own.
        long direct = next.readableAt(0, FuseInHeader.BYTES);
        header = direct < 0 ? inAddress : direct;
        fetched = direct < 0 ? 0 : FuseInHeader.BYTES;
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
    public long header() {
        return header;
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
        // SAFETY: the scratch is as long, and this exchange's own.
        current.copyIn(fetched, inAddress + fetched, bytes - fetched);
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
    public long body(int bytes) {
        // Linux puts a reply's parts into buffers of their own, too.
        long direct = chain().writableAt(FuseOutHeader.BYTES, bytes);
        inPlace = direct >= 0;
        return inPlace ? direct : outAddress + FuseOutHeader.BYTES;
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
        // SAFETY of both: just checked; the scratch is this exchange's own.
        DescriptorChain current = chain();
        long direct = current.writableAt(0, FuseOutHeader.BYTES);
        int done = 0;
        if (direct >= 0 && scratchBytes >= FuseOutHeader.BYTES) {
            // As for requests; of many replies it is all.
            NativeMemory.setLong(direct, NativeMemory.getLong(outAddress));
            NativeMemory.setLong(
                    direct + Long.BYTES, NativeMemory.getLong(outAddress + Long.BYTES));
            done = FuseOutHeader.BYTES;
        }
        int copied = inPlace ? FuseOutHeader.BYTES : scratchBytes;
        if (done < copied) {
            current.copyOut(done, outAddress + done, copied - done);
        }
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
    public Deferred defer(long unique) {
        result = QueueHandler.DEFERRED;
        return new DeferredReply(unique, chain().detach());
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
