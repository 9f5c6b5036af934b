package io.porthole.vhostuser;

import io.porthole.linux.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One request in a virtqueue: the buffers of a descriptor chain, checked and translated (VIRTIO 1.3
 * 2.7.4). A readable part, which the driver filled, is followed by a writable part for the answer;
 * each is a sequence of bytes to the caller, however it is scattered in guest memory.
 *
 * <p>One per queue, reused for each request, valid during {@link QueueHandler#handle}, on the
 * queue's thread only. No method allocates, {@link #detach} excepted. The buffers stay under the
 * guest's control: what matters twice is to be copied first ({@link #copyIn}).
 */
public final class DescriptorChain {
    /** Descriptors in a chain, and entries in its iovec: Linux' IOV_MAX and QEMU's limit. */
    public static final int MAX_BUFFERS = 1024;

    /** Bytes of a struct iovec: void *iov_base; size_t iov_len. */
    public static final int IOV_BYTES = 16;

    /** {@link #readableIov} result: more than {@link #MAX_BUFFERS} entries (errno E2BIG). */
    static final long MINUS_E2BIG = -7;

    /** {@link #readableIov} result: the part has fewer bytes (errno EINVAL). */
    static final long MINUS_EINVAL = -22;

    /** VIRTIO 1.3 2.7.5.2: the most a chain may add up to. */
    private static final long MAX_CHAIN_BYTES = 1L << 32;

    // Pieces: contiguous in this process. Readable ones first; a buffer that spans two memory
    // regions is two pieces. guest[] keeps the guest address for detach().
    private final long[] host = new long[MAX_BUFFERS];
    private final long[] guest = new long[MAX_BUFFERS];
    private final long[] length = new long[MAX_BUFFERS];
    private final MemorySegment iov;
    private final long iovAddr;
    private final @Nullable DeferredReplies replies;

    private int head;
    private int readablePieces;
    private int pieces;
    private long readableBytes;
    private long writableBytes;
    private @Nullable Detached detached;

    /**
     * @param arena owns the iovec
     * @param replies where detached chains return to
     */
    DescriptorChain(Arena arena, @Nullable DeferredReplies replies) {
        this.iov = Mapping.zeroed(arena, (long) MAX_BUFFERS * IOV_BYTES);
        this.iovAddr = iov.address();
        this.replies = replies;
    }

    // For the ring, which fills the chain.

    void begin(int newHead) {
        head = newHead;
        readablePieces = 0;
        pieces = 0;
        readableBytes = 0;
        writableBytes = 0;
        detached = null;
    }

    /** What {@link #detach} gave out for the present request, or null; forgets it. */
    @Nullable Detached takeDetached() {
        Detached d = detached;
        detached = null;
        return d;
    }

    /**
     * Adds a descriptor's buffer.
     *
     * @param bytes an unsigned 32-bit length
     * @return what is wrong with it, or null
     */
    @Nullable QueueFault add(GuestMemory memory, long addr, long bytes, boolean writable) {
        if (bytes == 0) {
            return QueueFault.ZERO_LENGTH;
        }
        if (!writable && pieces > readablePieces) {
            return QueueFault.READABLE_AFTER_WRITABLE;
        }
        if (readableBytes + writableBytes + bytes > MAX_CHAIN_BYTES) {
            return QueueFault.CHAIN_TOO_LONG;
        }
        if (writable) {
            writableBytes += bytes;
        } else {
            readableBytes += bytes;
        }
        long at = addr;
        long left = bytes;
        while (left > 0) {
            GuestMemory.Region region = memory.regionAt(at);
            if (region == null) {
                return QueueFault.BAD_ADDRESS;
            }
            if (pieces == MAX_BUFFERS) {
                return QueueFault.TOO_MANY_BUFFERS;
            }
            long offset = at - region.guestAddr;
            long n = Math.min(left, region.bytes - offset);
            host[pieces] = region.hostAddr + offset;
            guest[pieces] = at;
            length[pieces] = n;
            pieces++;
            // No overflow: a region ends below 2^63.
            at += n;
            left -= n;
        }
        if (!writable) {
            readablePieces = pieces;
        }
        return null;
    }

    // For the device.

    /** Index of the chain's first descriptor, by which the driver knows the request. */
    public int head() {
        return head;
    }

    /** Bytes that the driver wrote for the device. */
    public long readableBytes() {
        return readableBytes;
    }

    /** Bytes of room for the device's answer. */
    public long writableBytes() {
        return writableBytes;
    }

    /**
     * Copies from the readable part.
     *
     * @param chainOffset where to begin in the readable part
     * @throws IndexOutOfBoundsException if the readable part or {@code dst} ends before, or a
     *     buffer is in memory that this process does not have
     */
    public void copyIn(long chainOffset, MemorySegment dst, long dstAt, long bytes) {
        checkRange(chainOffset, bytes, readableBytes);
        long skip = chainOffset;
        long done = 0;
        for (int i = 0; done < bytes; i++) {
            long n = length[i];
            if (skip >= n) {
                skip -= n;
                continue;
            }
            n = Math.min(n - skip, bytes - done);
            checkPresent(host[i]);
            // SAFETY: add() found host[i], length[i] inside one region, which the queue's thread
            // holds, and it is mapped; the range check above keeps i below readablePieces.
            MemorySegment.copy(Virtio.ALL, host[i] + skip, dst, dstAt + done, n);
            done += n;
            skip = 0;
        }
    }

    /**
     * Copies into the writable part. Bytes beyond what is then reported as used are not seen by the
     * driver.
     *
     * @param chainOffset where to begin in the writable part
     * @throws IndexOutOfBoundsException as {@link #copyIn}, of the writable part and {@code src}
     */
    public void copyOut(long chainOffset, MemorySegment src, long srcAt, long bytes) {
        checkRange(chainOffset, bytes, writableBytes);
        long skip = chainOffset;
        long done = 0;
        for (int i = readablePieces; done < bytes; i++) {
            long n = length[i];
            if (skip >= n) {
                skip -= n;
                continue;
            }
            n = Math.min(n - skip, bytes - done);
            checkPresent(host[i]);
            // SAFETY: as in copyIn, with pieces as the bound.
            MemorySegment.copy(src, srcAt + done, Virtio.ALL, host[i] + skip, n);
            done += n;
            skip = 0;
        }
    }

    /**
     * Lays out an iovec at {@link #iovAddr()} over a range of the readable part, for writev(2) and
     * its kin. Replaces the iovec laid out before. A buffer in a shared memory region (the guest's
     * DAX window) is at an address for which the system call answers EFAULT.
     *
     * @return the number of entries, at most {@link #MAX_BUFFERS}; -EINVAL if the readable part
     *     ends before
     */
    public long readableIov(long offset, long bytes) {
        return layOut(0, offset, bytes, readableBytes);
    }

    /** As {@link #readableIov}, over the writable part, for readv(2) and its kin. */
    public long writableIov(long offset, long bytes) {
        return layOut(readablePieces, offset, bytes, writableBytes);
    }

    /** Native address of the iovec last laid out. */
    public long iovAddr() {
        return iovAddr;
    }

    private long layOut(int first, long offset, long bytes, long partBytes) {
        if (offset < 0 || bytes < 0 || offset > partBytes - bytes) {
            return MINUS_EINVAL;
        }
        int i = first;
        long skip = offset;
        while (i < pieces && skip >= length[i]) {
            skip -= length[i++];
        }
        long left = bytes;
        int count = 0;
        long previousEnd = 0;
        long at = -IOV_BYTES;
        while (left > 0) {
            long base = host[i] + skip;
            long n = Math.min(length[i] - skip, left);
            if (base == previousEnd) {
                // Neighbours in the guest are often neighbours here: one entry less to walk for
                // the kernel.
                iov.set(Virtio.LONG, at + 8, iov.get(Virtio.LONG, at + 8) + n);
            } else {
                at += IOV_BYTES;
                count++;
                iov.set(Virtio.LONG, at, base);
                iov.set(Virtio.LONG, at + 8, n);
            }
            previousEnd = base + n;
            left -= n;
            skip = 0;
            i++;
        }
        return count;
    }

    private static void checkPresent(long hostAddr) {
        if (hostAddr >= GuestMemory.ABSENT) {
            throw new IndexOutOfBoundsException("a buffer inside a shared memory region");
        }
    }

    private static void checkRange(long offset, long bytes, long partBytes) {
        if (offset < 0 || bytes < 0 || offset > partBytes - bytes) {
            throw new IndexOutOfBoundsException(
                    "bytes " + offset + " + " + bytes + " of a chain part of " + partBytes);
        }
    }

    /** Says that this request may take long: answers to earlier ones do not wait for it. */
    public void mayTakeLong() {
        if (replies != null) {
            replies.publish();
        }
    }

    /**
     * Takes the chain out of the queue's hands, to be answered later from any thread. The handler
     * then returns {@link QueueHandler#DEFERRED}. What it needs of the readable part it copies
     * before.
     */
    public Detached detach() {
        if (replies == null) {
            throw new IllegalStateException("this chain belongs to no queue");
        }
        int n = pieces - readablePieces;
        long[] addresses = new long[n];
        long[] lengths = new long[n];
        System.arraycopy(guest, readablePieces, addresses, 0, n);
        System.arraycopy(length, readablePieces, lengths, 0, n);
        Detached d =
                new Detached(replies, replies.epoch(), head, writableBytes, addresses, lengths);
        detached = d;
        return d;
    }
}
