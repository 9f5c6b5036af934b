package io.porthole.vhostuser;

import io.porthole.linux.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A request that waits for its answer outside the queue. It holds no guest memory: the answer is
 * copied aside and put into the guest's buffers by the queue's thread, which looks their addresses
 * up again, so that a memory region may go, or a queue stop and start, in between. After a reset of
 * the device or the end of the connection an answer goes nowhere.
 */
public final class Detached {
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Detached.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final int WAITING = 0;
    private static final int ANSWERED = 1;

    private final DeferredReplies replies;
    private final int epoch;
    private final int head;
    private final long writableBytes;
    private final long[] addresses;
    private final long[] lengths;

    @SuppressWarnings("UnusedVariable") // through STATE
    private volatile int state = WAITING;

    private @Nullable MemorySegment reply;
    private @Nullable Detached next;

    Detached(
            DeferredReplies replies,
            int epoch,
            int head,
            long writableBytes,
            long[] addresses,
            long[] lengths) {
        this.replies = replies;
        this.epoch = epoch;
        this.head = head;
        this.writableBytes = writableBytes;
        this.addresses = addresses;
        this.lengths = lengths;
    }

    /** Bytes of room for the answer. */
    public long writableBytes() {
        return writableBytes;
    }

    /**
     * Answers with the first {@code bytes} bytes of {@code source}, which may be reused on return.
     * Safe from any thread, once.
     *
     * @param bytes 0 for no answer but the chain's return
     * @return false if it was answered before, or the queue is gone
     * @throws IndexOutOfBoundsException if there is less room, or {@code source} is shorter
     */
    public boolean complete(MemorySegment source, long bytes) {
        if (bytes < 0 || bytes > writableBytes) {
            throw new IndexOutOfBoundsException(
                    bytes + " bytes for a request with room for " + writableBytes);
        }
        MemorySegment copy = Arena.ofAuto().allocate(Math.max(bytes, 1)).asSlice(0, bytes);
        MemorySegment.copy(source, 0, copy, 0, bytes);
        if (!STATE.compareAndSet(this, WAITING, ANSWERED)) {
            return false;
        }
        reply = copy;
        return replies.answer(this);
    }

    // For the queue.

    /** Withdraws the promise of an answer; false if it was given already. */
    boolean cancel() {
        return STATE.compareAndSet(this, WAITING, ANSWERED);
    }

    /** The answer given before this one, or after it, as the queue's list has it. */
    @Nullable Detached next() {
        return next;
    }

    void setNext(@Nullable Detached next) {
        this.next = next;
    }

    int epoch() {
        return epoch;
    }

    int head() {
        return head;
    }

    /**
     * Copies the answer into guest memory as it is now.
     *
     * @return used.len, or -1 if a buffer is in guest memory no more
     */
    long deliver(GuestMemory memory) {
        MemorySegment from = reply;
        if (from == null) {
            return 0;
        }
        long done = 0;
        for (int i = 0; done < from.byteSize(); i++) {
            long n = Math.min(lengths[i], from.byteSize() - done);
            long to = memory.translate(addresses[i], n);
            if (to == GuestMemory.NOWHERE) {
                return -1;
            }
            // SAFETY: translate() found all n bytes in a region the queue's thread holds.
            MemorySegment.copy(from, done, NativeMemory.ALL, to, n);
            done += n;
        }
        return done;
    }
}
