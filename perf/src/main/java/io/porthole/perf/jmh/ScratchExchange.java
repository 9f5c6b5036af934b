package io.porthole.perf.jmh;

import io.porthole.fuse.Exchange;
import io.porthole.fuse.FuseInHeader;
import io.porthole.fuse.FuseOutHeader;
import io.porthole.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A transport that carries nothing anywhere: one request, prepared in scratch memory. */
final class ScratchExchange implements Exchange {
    private final MemorySegment in;
    private final MemorySegment out;
    private long repliedBytes;

    ScratchExchange(Arena arena) {
        in = arena.allocate(IN_SCRATCH_BYTES, 8);
        out = arena.allocate(OUT_SCRATCH_BYTES, 8);
    }

    /** Length of the last reply. */
    long repliedBytes() {
        return repliedBytes;
    }

    @Override
    public MemorySegment in() {
        return in;
    }

    @Override
    public long header() {
        return in.address();
    }

    @Override
    public int fetchedBytes() {
        return IN_SCRATCH_BYTES;
    }

    @Override
    public long fetch(int bytes) {
        return bytes <= IN_SCRATCH_BYTES ? 0 : -Errno.E2BIG;
    }

    @Override
    public long requestBytes() {
        return FuseInHeader.len(in, 0);
    }

    @Override
    public long replyCapacityBytes() {
        return 4096;
    }

    @Override
    public MemorySegment out() {
        return out;
    }

    @Override
    public long body(int bytes) {
        return out.address() + FuseOutHeader.BYTES;
    }

    @Override
    public long writePayload(long offset, long bytes) {
        return -Errno.EINVAL;
    }

    @Override
    public long readPayload(long offset, long bytes) {
        return -Errno.EINVAL;
    }

    @Override
    public long iovAddr() {
        return 0;
    }

    @Override
    public void reply(int scratchBytes, long totalBytes) {
        repliedBytes = totalBytes;
    }

    @Override
    public void replyNothing() {
        repliedBytes = 0;
    }

    @Override
    public void mayTakeLong() {}

    @Override
    public Deferred defer(long unique) {
        throw new UnsupportedOperationException("nothing is deferred here");
    }
}
