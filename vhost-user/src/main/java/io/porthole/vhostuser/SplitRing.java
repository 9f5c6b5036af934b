package io.porthole.vhostuser;

import io.porthole.linux.NativeMemory;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The device's side of a split virtqueue (VIRTIO 1.3 2.7): takes chains from the available ring and
 * returns them in the used ring. Belongs to one thread at a time. All indexes are free-running
 * modulo 2^16.
 */
final class SplitRing {
    /** {@link #pop} result: nothing available. */
    static final int EMPTY = 0;

    /** {@link #pop} result: the chain is filled. */
    static final int CHAIN = 1;

    /** {@link #pop} result: the chain at {@link DescriptorChain#head} has {@link #fault}. */
    static final int BAD_CHAIN = 2;

    /** {@link #pop} result: the ring has {@link #fault} and cannot go on. */
    static final int BROKEN = 3;

    /** No address: what is done by it throws IndexOutOfBoundsException. */
    private static final long UNMAPPED = Long.MIN_VALUE;

    // Set-up by the front-end; user addresses.
    private int size;
    private long userDesc;
    private long userAvail;
    private long userUsed;
    private boolean indirect;
    private boolean eventIdx;

    // The rings where they are mapped now. SAFETY of all that goes by these addresses: map() found
    // every byte of the three in regions of the guest memory that the caller holds, and an index
    // into a ring is below its size.
    private long desc = UNMAPPED;
    private long avail = UNMAPPED;
    private long used = UNMAPPED;

    /** Next available entry to take. */
    private int nextAvail;

    /** Available index as last read: entries before it can be taken without looking again. */
    private int seenAvail;

    /** Next used entry to write. */
    private int nextUsed;

    /** Used index as the driver can see it. */
    private int publishedUsed;

    /** Answers were published while the driver's flags forbade interrupts; without EVENT_IDX. */
    private boolean uncalled;

    private @Nullable QueueFault fault;

    // Set-up. The thread that owns the ring is stopped.

    /**
     * {@code newSize}: a power of two up to {@link Virtio#MAX_QUEUE_SIZE}, checked by the caller.
     */
    void setSize(int newSize) {
        size = newSize;
    }

    int size() {
        return size;
    }

    void setAddresses(long newDesc, long newAvail, long newUsed) {
        userDesc = newDesc;
        userAvail = newAvail;
        userUsed = newUsed;
    }

    boolean hasAddresses() {
        return userDesc != 0 && userAvail != 0 && userUsed != 0;
    }

    void setFeatures(long features) {
        indirect = (features & Virtio.F_INDIRECT_DESC) != 0;
        eventIdx = (features & Virtio.F_EVENT_IDX) != 0;
    }

    void setNextAvail(int index) {
        nextAvail = index & 0xffff;
        seenAvail = nextAvail;
    }

    int nextAvail() {
        return nextAvail;
    }

    /** Forgets size and addresses. */
    void reset() {
        size = 0;
        setAddresses(0, 0, 0);
        setNextAvail(0);
        unmap();
    }

    void unmap() {
        desc = UNMAPPED;
        avail = UNMAPPED;
        used = UNMAPPED;
    }

    /**
     * Finds the rings in {@code memory}, which the caller holds for as long as it works with them.
     *
     * @return false if they are not in it
     */
    boolean map(GuestMemory memory) {
        unmap();
        long descAt = memory.translateUser(userDesc, (long) Virtio.DESC_BYTES * size);
        long availAt = memory.translateUser(userAvail, Virtio.availBytes(size));
        long usedAt = memory.translateUser(userUsed, Virtio.usedBytes(size));
        if (size == 0
                || descAt == GuestMemory.NOWHERE
                || availAt == GuestMemory.NOWHERE
                || usedAt == GuestMemory.NOWHERE) {
            return false;
        }
        // Mappings begin on pages, so user address and host address are equally aligned unless
        // the region itself is odd; acquire and release need real alignment.
        if ((availAt & 1) != 0 || (usedAt & 3) != 0) {
            return false;
        }
        desc = descAt;
        avail = availAt;
        used = usedAt;
        return true;
    }

    /** Takes up the used index where the ring has it: after a start, not after a mere remap. */
    void loadUsed() {
        nextUsed = Short.toUnsignedInt(NativeMemory.getShort(used + Virtio.USED_IDX));
        publishedUsed = nextUsed;
        seenAvail = nextAvail;
    }

    // Work.

    /** What the last {@link #pop} found wrong. */
    @Nullable QueueFault fault() {
        return fault;
    }

    /**
     * Takes the next chain: {@link #EMPTY}, {@link #CHAIN}, {@link #BAD_CHAIN}, {@link #BROKEN}.
     */
    int pop(DescriptorChain chain, GuestMemory memory) {
        if (nextAvail == seenAvail) {
            // Acquire: what the driver stored before the index (entries, descriptors, buffers)
            // is read after it (2.7.13.3).
            int now = availIndex();
            if (((now - nextAvail) & 0xffff) > size) {
                fault = QueueFault.AVAIL_INDEX_JUMP;
                return BROKEN;
            }
            seenAvail = now;
            if (now == nextAvail) {
                return EMPTY;
            }
        }
        long entry = avail + Virtio.AVAIL_RING + 2L * (nextAvail & (size - 1));
        int head = NativeMemory.getShort(entry) & 0xffff;
        if (head >= size) {
            fault = QueueFault.HEAD_OUT_OF_RANGE;
            return BROKEN;
        }
        nextAvail = (nextAvail + 1) & 0xffff;
        // Linux makes tables larger than the queue, although 2.7.5.3.1 forbids it.
        int most = Virtio.DESC_BYTES * Math.max(size, DescriptorChain.MAX_BUFFERS);
        fault = chain.follow(desc, size, head, indirect ? most : 0, memory);
        return fault == null ? CHAIN : BAD_CHAIN;
    }

    /** Returns a chain. The driver sees it after {@link #publish}. */
    void push(int head, long writtenBytes) {
        long entry = (long) Virtio.USED_ELEM_BYTES * (nextUsed & (size - 1));
        // struct virtq_used_elem { le32 id; le32 len; }
        NativeMemory.setLong(used + Virtio.USED_RING + entry, head | writtenBytes << 32);
        nextUsed = (nextUsed + 1) & 0xffff;
    }

    /** Chains returned and not yet published. */
    int unpublished() {
        return (nextUsed - publishedUsed) & 0xffff;
    }

    /**
     * Shows the driver all chains returned so far.
     *
     * @return whether it asks to be woken for them (2.7.7.2)
     */
    boolean publish() {
        int before = publishedUsed;
        if (before == nextUsed) {
            return false;
        }
        // Release: used entries and the buffers' contents are stored before the index (2.7.8.2).
        Virtio.SHORT_HANDLE.setRelease(NativeMemory.ALL, used + Virtio.USED_IDX, (short) nextUsed);
        publishedUsed = nextUsed;
        // Orders the store of used.idx before the load of used_event (or the flags). The driver
        // does the mirror image: stores used_event, fences, loads used.idx. Without both fences
        // each could miss the other's store, and the driver would sleep over a full ring.
        VarHandle.fullFence();
        if (eventIdx) {
            return Virtio.needEvent(usedEvent(), nextUsed, before);
        }
        uncalled = forbidsInterrupts();
        return !uncalled;
    }

    private boolean forbidsInterrupts() {
        return (NativeMemory.getShort(avail + Virtio.AVAIL_FLAGS) & Virtio.AVAIL_F_NO_INTERRUPT)
                != 0;
    }

    private int usedEvent() {
        return NativeMemory.getShort(avail + Virtio.AVAIL_RING + 2L * size) & 0xffff;
    }

    private int availIndex() {
        long at = avail + Virtio.AVAIL_IDX;
        return (short) Virtio.SHORT_HANDLE.getAcquire(NativeMemory.ALL, at) & 0xffff;
    }

    /**
     * Whether the driver seems to sleep over answers, asked a good while after the last {@link
     * #publish}: it wishes an interrupt for an answer that it has, but its wish came too late to
     * {@code publish}. At worst it is merely slow, and is interrupted once more than needed.
     */
    boolean missedCall() {
        if (eventIdx) {
            // Who has seen all answers asks for the next one.
            return Virtio.needEvent(usedEvent(), publishedUsed, (publishedUsed - size) & 0xffff);
        }
        boolean missed = uncalled && !forbidsInterrupts();
        uncalled = false;
        return missed;
    }

    /** Whether the driver made more available, without taking it. */
    boolean hasMore() {
        return availIndex() != nextAvail;
    }

    /**
     * Asks the driver for a kick at its next chain (2.7.10). The caller then fences, looks again
     * ({@link #hasMore}) and only then sleeps.
     */
    void askForKick() {
        if (eventIdx) {
            availEvent(nextAvail);
        } else {
            NativeMemory.setShort(used + Virtio.USED_FLAGS, (short) 0);
        }
    }

    /**
     * Asks for a kick when the ring is half full, which only EVENT_IDX can say; without it, for
     * none. The caller goes on as after {@link #askForKick}.
     */
    void askForKickWhenHalfFull() {
        if (eventIdx) {
            availEvent(nextAvail + Math.max(1, size / 2) - 1);
        }
    }

    private void availEvent(int index) {
        long at = used + Virtio.USED_RING + (long) Virtio.USED_ELEM_BYTES * size;
        NativeMemory.setShort(at, (short) index);
    }

    /**
     * Asks for no kicks while the queue is worked on. With EVENT_IDX nothing is to do: the event
     * index stays behind, and the driver kicks only as it passes it.
     */
    void askForNoKick() {
        if (!eventIdx) {
            NativeMemory.setShort(used + Virtio.USED_FLAGS, (short) Virtio.USED_F_NO_NOTIFY);
        }
    }
}
