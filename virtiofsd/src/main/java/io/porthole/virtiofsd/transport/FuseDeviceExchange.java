package io.porthole.virtiofsd.transport;

import io.porthole.fuse.Exchange;
import io.porthole.fuse.FuseOutHeader;
import io.porthole.linux.Errno;
import io.porthole.linux.Mapping;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A FUSE request that read(2) of /dev/fuse returned whole. The kernel does not change it
 * afterwards, so it is decoded where it lies; the reply is put together in one piece for write(2).
 */
final class FuseDeviceExchange implements Exchange {
    /** The largest payload that INIT agrees on, 256 pages. */
    private static final int PAYLOAD_BYTES = 1 << 20;

    private static final int PAGE = 4096;

    /** Room for names and argument beside the payload: read(2) asks for it (fuse_dev_do_read). */
    private static final int BUFFER_BYTES = PAYLOAD_BYTES + 16 * PAGE;

    /** FUSE_WRITE's payload follows header and argument, FUSE_READ's the header. */
    private static final int WRITE_PAYLOAD = 80;

    private final Syscalls sys;
    private final int fd;
    private final MemorySegment in;
    private final MemorySegment out;
    private final MemorySegment iov;
    private int requestBytes;
    private int fetched;

    FuseDeviceExchange(Syscalls sys, Arena arena, int fd) {
        this.sys = sys;
        this.fd = fd;
        // Payloads begin on a page, as O_DIRECT needs them.
        in = payloadAligned(arena, WRITE_PAYLOAD);
        out = payloadAligned(arena, FuseOutHeader.BYTES);
        iov = arena.allocate(2L * Long.BYTES, Long.BYTES);
    }

    private static MemorySegment payloadAligned(Arena arena, int payloadAt) {
        return Mapping.zeroed(arena, PAGE + BUFFER_BYTES).asSlice(PAGE - payloadAt, BUFFER_BYTES);
    }

    /** Waits for the next request: its length, or -errno (ENODEV: there is no mount any more). */
    long receive() {
        long bytes = sys.read(fd, in.address(), BUFFER_BYTES);
        requestBytes = (int) Math.max(0, bytes);
        fetched = Math.min(requestBytes, WRITE_PAYLOAD);
        return bytes;
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
        return fetched;
    }

    @Override
    public long fetch(int bytes) {
        // However long: the kernel puts some 70,000 inodes into one BATCH_FORGET if it has them.
        if (bytes > requestBytes) {
            return -Errno.EINVAL;
        }
        fetched = Math.max(fetched, bytes);
        return 0;
    }

    @Override
    public long requestBytes() {
        return requestBytes;
    }

    @Override
    public long replyCapacityBytes() {
        return BUFFER_BYTES;
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
        return layOut(in, requestBytes, offset, bytes);
    }

    @Override
    public long readPayload(long offset, long bytes) {
        return layOut(out, BUFFER_BYTES, offset, bytes);
    }

    private long layOut(MemorySegment buffer, long limit, long offset, long bytes) {
        if (offset < 0 || bytes < 0 || offset > limit - bytes) {
            return -Errno.EINVAL;
        }
        iov.set(ValueLayout.JAVA_LONG, 0, buffer.address() + offset);
        iov.set(ValueLayout.JAVA_LONG, Long.BYTES, bytes);
        return bytes == 0 ? 0 : 1;
    }

    @Override
    public long iovAddr() {
        return iov.address();
    }

    /** A request that was interrupted or a mount that has gone takes no reply: nobody waits. */
    @Override
    public void reply(int scratchBytes, long totalBytes) {
        sys.write(fd, out.address(), totalBytes);
    }

    @Override
    public void replyNothing() {}

    @Override
    public void mayTakeLong() {
        // Each reply goes out by itself.
    }

    @Override
    public Deferred defer(long unique) {
        return new Late(sys, fd, unique);
    }

    /** A request that is answered later, by any thread; the descriptor stays open till then. */
    private static final class Late implements Deferred {
        private final Syscalls sys;
        private final int fd;
        private final long unique;
        private boolean answered;

        Late(Syscalls sys, int fd, long unique) {
            this.sys = sys;
            this.fd = fd;
            this.unique = unique;
        }

        @Override
        public long unique() {
            return unique;
        }

        @Override
        public synchronized void complete(int error, MemorySegment body) {
            if (answered) {
                return;
            }
            answered = true;
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment reply = LateReply.of(arena, unique, error, body);
                sys.write(fd, reply.address(), reply.byteSize());
            }
        }
    }
}
