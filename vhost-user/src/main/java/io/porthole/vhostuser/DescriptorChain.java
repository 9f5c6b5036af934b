package io.porthole.vhostuser;

import io.porthole.linux.Mapping;
import io.porthole.linux.NativeMemory;
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

    // A piece is contiguous in this process; a buffer that spans two memory regions is two pieces.
    // Its three words lie side by side: where it is here, where in the guest (for detach), bytes.
    private static final int GUEST = 1;
    private static final int LENGTH = 2;
    private static final int WORDS = 3;

    /** {@link #readableEnd} until the first writable buffer has come. */
    private static final int NOT_YET = -1;

    /** Readable pieces, then writable ones. An index into it is of a piece's first word. */
    private final long[] pieces = new long[MAX_BUFFERS * WORDS];

    private final MemorySegment iov;
    private final long iovAddr;
    private final @Nullable DeferredReplies replies;

    private int head;

    /** Where in {@link #pieces} the readable part ends, and where the chain. */
    private int readableEnd;

    private int end;
    private long readableBytes;
    private long chainBytes;

    // Of the indirect descriptor that run() came to; no flags: to none.
    private long tableAddr;
    private long tableBytes;
    private int tableFlags;

    /** What the addresses are of, while the chain is filled. */
    private @Nullable GuestMemory memory;

    /** The region of {@link #memory} that the buffer before was in: most chains lie in one. */
    private GuestMemory.@Nullable Region near;

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

    /**
     * Follows a chain to its end (2.7.5).
     *
     * @param ring native address of the ring's descriptors, mapped
     * @param size of the ring
     * @param first index of the chain's first descriptor, below {@code size}
     * @param longestTable bytes that an indirect table may have; 0 where none is allowed
     * @param newMemory what the buffers lie in; the caller holds it
     * @return what is wrong with the chain, which has no buffers then, or null
     */
    @Nullable QueueFault follow(
            long ring, int size, int first, int longestTable, GuestMemory newMemory) {
        head = first;
        detached = null;
        if (memory != newMemory) {
            memory = newMemory;
            near = null;
        }
        end = 0;
        chainBytes = 0;
        readableEnd = NOT_YET;
        tableFlags = 0;
        QueueFault bad = run(ring, size, first);
        if (bad == null && tableFlags != 0) {
            bad = runTable(longestTable);
        }
        if (bad == null && chainBytes > MAX_CHAIN_BYTES) {
            bad = QueueFault.CHAIN_TOO_LONG;
        }
        if (bad != null) {
            end = 0;
            chainBytes = 0;
        }
        if (bad != null || readableEnd == NOT_YET) {
            readableEnd = end;
            readableBytes = chainBytes;
        }
        return bad;
    }

    /**
     * Adds the buffers from one descriptor on, to the end of the chain or to where it goes on in an
     * indirect table. Small on purpose, and with its findings in local variables: where the
     * compiler runs out of registers here, every request pays (docs/performance.md).
     */
    private @Nullable QueueFault run(long table, int entries, int first) {
        GuestMemory.Region region = near;
        int index = first;
        int at = end;
        long sum = chainBytes;
        int part = readableEnd == NOT_YET ? 0 : Virtio.DESC_F_WRITE;
        while (true) {
            // SAFETY: index < entries, and the table is as long and inside a region. Each word is
            // read once, and then judged by the copy: the guest may change it under our hands.
            long descriptor = table + (long) index * Virtio.DESC_BYTES;
            long addr = NativeMemory.getLong(descriptor + Virtio.DESC_ADDR);
            long rest = NativeMemory.getLong(descriptor + Virtio.DESC_LEN);
            long bytes = rest & 0xffff_ffffL;
            int flags = (int) (rest >>> 32);
            if ((flags & (Virtio.DESC_F_WRITE | Virtio.DESC_F_INDIRECT)) != part) {
                if ((flags & Virtio.DESC_F_INDIRECT) != 0) {
                    tableAddr = addr;
                    tableBytes = bytes;
                    tableFlags = flags;
                    break;
                }
                if (part != 0) {
                    return QueueFault.READABLE_AFTER_WRITABLE;
                }
                part = Virtio.DESC_F_WRITE;
                readableEnd = at;
                readableBytes = sum;
            }
            if (bytes != 0 && region != null && region.contains(addr, bytes)) {
                if (!put(at, region, addr, bytes)) {
                    return tooMany(table, entries, first);
                }
                at += WORDS;
            } else {
                end = at;
                QueueFault bad = addApart(addr, bytes);
                if (bad != null) {
                    return bad == QueueFault.TOO_MANY_BUFFERS
                            ? tooMany(table, entries, first)
                            : bad;
                }
                at = end;
                region = near;
            }
            sum += bytes; // At most 2^10 times 2^32.
            if ((flags & Virtio.DESC_F_NEXT) == 0) {
                break;
            }
            index = flags >>> 16;
            if (index >= entries) {
                return QueueFault.NEXT_OUT_OF_RANGE;
            }
        }
        end = at;
        chainBytes = sum;
        return null;
    }

    /** Whether the chain has many buffers or goes in a circle. */
    private static QueueFault tooMany(long table, int entries, int first) {
        int index = first;
        // Each entry of a table can be in a chain once; what takes more steps is a loop.
        for (int left = entries; left > 0; left--) {
            long at = table + (long) index * Virtio.DESC_BYTES + Virtio.DESC_LEN;
            int flags = (int) (NativeMemory.getLong(at) >>> 32);
            index = flags >>> 16;
            if ((flags & Virtio.DESC_F_NEXT) == 0 || index >= entries) {
                return QueueFault.TOO_MANY_BUFFERS;
            }
        }
        return QueueFault.CHAIN_LOOP;
    }

    /** The chain goes on in a table of its own (2.7.5.3). */
    private @Nullable QueueFault runTable(int longest) {
        if (longest == 0) {
            return QueueFault.INDIRECT_NOT_NEGOTIATED;
        }
        if ((tableFlags & Virtio.DESC_F_NEXT) != 0) {
            return QueueFault.INDIRECT_WITH_NEXT;
        }
        long bytes = tableBytes;
        if ((bytes & (Virtio.DESC_BYTES - 1)) != 0 || bytes == 0 || bytes > longest) {
            return QueueFault.INDIRECT_BAD_LENGTH;
        }
        long table = locate(tableAddr, bytes);
        if (table == GuestMemory.NOWHERE) {
            return QueueFault.INDIRECT_BAD_ADDRESS;
        }
        tableFlags = 0;
        QueueFault bad = run(table, (int) bytes / Virtio.DESC_BYTES, 0);
        return bad == null && tableFlags != 0 ? QueueFault.INDIRECT_NESTED : bad;
    }

    /** What {@link #detach} gave out for the present request, or null; forgets it. */
    @Nullable Detached takeDetached() {
        Detached d = detached;
        detached = null;
        return d;
    }

    /**
     * Finds a table of descriptors, as {@link GuestMemory#translate} does; the buffers it lists are
     * most often near.
     */
    private long locate(long addr, long bytes) {
        GuestMemory.Region region = near;
        if (region == null || !region.contains(addr, bytes)) {
            region = regionAt(addr);
            near = region;
        }
        return region == null ? GuestMemory.NOWHERE : region.translate(addr, bytes);
    }

    /**
     * Adds a buffer that is in another region than the one before, or in several; sets {@link
     * #end}.
     */
    private @Nullable QueueFault addApart(long addr, long bytes) {
        if (bytes == 0) {
            return QueueFault.ZERO_LENGTH;
        }
        int i = end;
        long at = addr;
        long left = bytes;
        while (left > 0) {
            GuestMemory.Region region = regionAt(at);
            if (region == null) {
                return QueueFault.BAD_ADDRESS;
            }
            near = region;
            long n = Math.min(left, region.bytes - (at - region.guestAddr));
            if (!put(i, region, at, n)) {
                return QueueFault.TOO_MANY_BUFFERS;
            }
            i += WORDS;
            // No overflow: a region ends below 2^63.
            at += n;
            left -= n;
        }
        end = i;
        return null;
    }

    private GuestMemory.@Nullable Region regionAt(long addr) {
        GuestMemory all = memory;
        return all == null ? null : all.regionAt(addr);
    }

    /** Sets a piece; false if there are too many. */
    private boolean put(int i, GuestMemory.Region region, long addr, long bytes) {
        long[] p = pieces;
        if (i > p.length - WORDS) {
            return false;
        }
        p[i] = region.hostAddr + (addr - region.guestAddr);
        p[i + GUEST] = addr;
        p[i + LENGTH] = bytes;
        return true;
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
        return chainBytes - readableBytes;
    }

    /**
     * Where some bytes of the readable part are, if they are in one piece.
     *
     * @param offset where they begin in that part, 0 or more
     * @param bytes 1 or more
     * @return their native address, where the driver can change them at any time; -1, which is no
     *     address, if there are fewer, or they are in several pieces, or not in this process
     */
    public long readableAt(long offset, long bytes) {
        return offset > readableBytes - bytes ? GuestMemory.NOWHERE : onePiece(0, offset, bytes);
    }

    /** As {@link #readableAt}, of the writable part. */
    public long writableAt(long offset, long bytes) {
        return offset > writableBytes() - bytes
                ? GuestMemory.NOWHERE
                : onePiece(readableEnd, offset, bytes);
    }

    /**
     * @param first the part's first piece
     * @param offset into the part, which is longer
     */
    private long onePiece(int first, long offset, long bytes) {
        int i = first;
        long skip = offset;
        long n = pieces[i + LENGTH];
        while (skip >= n) {
            skip -= n;
            i += WORDS;
            n = pieces[i + LENGTH];
        }
        long host = pieces[i];
        return bytes > n - skip || host >= GuestMemory.ABSENT ? GuestMemory.NOWHERE : host + skip;
    }

    /**
     * Copies from the readable part.
     *
     * @param chainOffset where to begin in the readable part
     * @param dst native memory, open as long as this takes
     * @throws IndexOutOfBoundsException if the readable part or {@code dst} ends before, or a
     *     buffer is in memory that this process does not have
     */
    public void copyIn(long chainOffset, MemorySegment dst, long dstAt, long bytes) {
        copyIn(chainOffset, NativeMemory.address(dst, dstAt, bytes), bytes);
    }

    /**
     * As the other.
     *
     * @param to where {@code bytes} bytes are the caller's. SAFETY: the caller's promise
     */
    public void copyIn(long chainOffset, long to, long bytes) {
        checkRange(chainOffset, bytes, readableBytes);
        if (bytes == 0) {
            return;
        }
        // SAFETY: follow() found the piece inside one region, which the queue's thread holds, and
        // it is mapped.
        long one = onePiece(0, chainOffset, bytes);
        if (one != GuestMemory.NOWHERE) {
            NativeMemory.copy(one, to, bytes);
            return;
        }
        long skip = chainOffset;
        long done = 0;
        for (int i = 0; done < bytes; i += WORDS) {
            long n = pieces[i + LENGTH];
            if (skip >= n) {
                skip -= n;
                continue;
            }
            n = Math.min(n - skip, bytes - done);
            long host = checkPresent(pieces[i]);
            // SAFETY: as above; the range check keeps i below readableEnd.
            NativeMemory.copy(host + skip, to + done, n);
            done += n;
            skip = 0;
        }
    }

    /**
     * Copies into the writable part. Bytes beyond what is then reported as used are not seen by the
     * driver.
     *
     * @param chainOffset where to begin in the writable part
     * @param src native memory, open as long as this takes
     * @throws IndexOutOfBoundsException as {@link #copyIn}, of the writable part and {@code src}
     */
    public void copyOut(long chainOffset, MemorySegment src, long srcAt, long bytes) {
        copyOut(chainOffset, NativeMemory.address(src, srcAt, bytes), bytes);
    }

    /**
     * As the other.
     *
     * @param from where {@code bytes} bytes are the caller's. SAFETY: the caller's promise
     */
    public void copyOut(long chainOffset, long from, long bytes) {
        checkRange(chainOffset, bytes, writableBytes());
        if (bytes == 0) {
            return;
        }
        // SAFETY of both: as in copyIn, with end as the bound.
        long one = onePiece(readableEnd, chainOffset, bytes);
        if (one != GuestMemory.NOWHERE) {
            NativeMemory.copy(from, one, bytes);
            return;
        }
        long skip = chainOffset;
        long done = 0;
        for (int i = readableEnd; done < bytes; i += WORDS) {
            long n = pieces[i + LENGTH];
            if (skip >= n) {
                skip -= n;
                continue;
            }
            n = Math.min(n - skip, bytes - done);
            long host = checkPresent(pieces[i]);
            NativeMemory.copy(from + done, host + skip, n);
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
        return layOut(readableEnd, offset, bytes, writableBytes());
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
        while (i < end && skip >= pieces[i + LENGTH]) {
            skip -= pieces[i + LENGTH];
            i += WORDS;
        }
        long left = bytes;
        int count = 0;
        long previousEnd = 0;
        long at = -IOV_BYTES;
        while (left > 0) {
            long base = pieces[i] + skip;
            long n = Math.min(pieces[i + LENGTH] - skip, left);
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
            i += WORDS;
        }
        return count;
    }

    private static long checkPresent(long hostAddr) {
        if (hostAddr >= GuestMemory.ABSENT) {
            throw new IndexOutOfBoundsException("a buffer inside a shared memory region");
        }
        return hostAddr;
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
        int n = (end - readableEnd) / WORDS;
        long[] addresses = new long[n];
        long[] lengths = new long[n];
        for (int i = 0; i < n; i++) {
            addresses[i] = pieces[readableEnd + i * WORDS + GUEST];
            lengths[i] = pieces[readableEnd + i * WORDS + LENGTH];
        }
        Detached d =
                new Detached(replies, replies.epoch(), head, writableBytes(), addresses, lengths);
        detached = d;
        return d;
    }
}
