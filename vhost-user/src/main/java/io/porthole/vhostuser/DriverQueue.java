package io.porthole.vhostuser;

import io.porthole.linux.EventFd;
import io.porthole.linux.PollFd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The driver's side of a split virtqueue (VIRTIO 1.3 2.7.13, 2.7.14), in guest memory of our own.
 *
 * <p>A request is a chain of descriptors, made once by {@link #begin}, {@link #readable}, {@link
 * #writable} and {@link #finish}, then submitted as often as wanted by {@link #submit} and {@link
 * #publish}, and given up by {@link #release}. Its buffers are the caller's, anywhere in guest
 * memory, so that requests can be prepared in advance. {@link #poll} and {@link #await} return what
 * the device has finished. Nothing allocates per request. One thread at a time.
 */
public final class DriverQueue implements AutoCloseable {
    /** {@link #poll} and {@link #await} result: nothing was finished. */
    public static final int NONE = -1;

    private final int index;
    private final int size;
    private final boolean eventIdx;
    private final int tableEntries;
    private final Syscalls syscalls = Syscalls.host();
    private final EventFd kick;
    private final EventFd call;
    private final EventFd err;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment pollFd;

    private final GuestRam ram;
    private final long descAddr;
    private final long availAddr;
    private final long usedAddr;
    private final long tablesAddr;
    private final MemorySegment desc;
    private final MemorySegment avail;
    private final MemorySegment used;
    private final MemorySegment tables;

    // Descriptors not in a chain, as a list through nextFree.
    private final int[] nextFree;
    private int firstFree;
    private int freeCount;

    /** Descriptors of the chain that begins here; 0 if none does. */
    private final int[] chainLength;

    private final boolean[] submitted;

    // The chain that is being made.
    private boolean making;
    private boolean makingIndirect;
    private int makingHead;
    private int makingLast;
    private int makingLength;

    private int nextAvail;
    private int publishedAvail;
    private int nextUsed;
    private long usedBytes;
    private long kicks;
    private long waits;

    DriverQueue(
            int index,
            int size,
            int tableEntries,
            long features,
            GuestRam ram,
            boolean nonBlockingKick)
            throws SyscallException {
        this.index = index;
        this.size = size;
        this.tableEntries = tableEntries;
        this.eventIdx = (features & Virtio.F_EVENT_IDX) != 0;
        this.ram = ram;
        long descBytes = (long) Virtio.DESC_BYTES * size;
        descAddr = ram.allocate(descBytes, 16);
        availAddr = ram.allocate(Virtio.availBytes(size), 2);
        usedAddr = ram.allocate(Virtio.usedBytes(size), 4);
        long tableBytes = descBytes * tableEntries;
        tablesAddr = ram.allocate(tableBytes, 16);
        desc = ram.at(descAddr, descBytes);
        avail = ram.at(availAddr, Virtio.availBytes(size));
        used = ram.at(usedAddr, Virtio.usedBytes(size));
        tables = ram.at(tablesAddr, tableBytes);
        nextFree = new int[size];
        chainLength = new int[size];
        submitted = new boolean[size];
        for (int i = 0; i < size; i++) {
            nextFree[i] = i + 1;
        }
        freeCount = size;
        pollFd = arena.allocate(PollFd.BYTES, 8);
        kick = EventFd.create(nonBlockingKick ? EventFd.EFD_NONBLOCK : 0);
        call = EventFd.create(EventFd.EFD_NONBLOCK);
        err = EventFd.create(EventFd.EFD_NONBLOCK);
    }

    public int index() {
        return index;
    }

    public int size() {
        return size;
    }

    /** Written by the driver to wake the device. */
    public EventFd kickFd() {
        return kick;
    }

    /** Written by the device to wake the driver. */
    public EventFd callFd() {
        return call;
    }

    /** Written by the device when the ring is broken. */
    public EventFd errFd() {
        return err;
    }

    /** The descriptor table itself, for tests that corrupt it. */
    public MemorySegment descriptors() {
        return desc;
    }

    /** The available ring itself. */
    public MemorySegment available() {
        return avail;
    }

    /** The used ring itself. */
    public MemorySegment used() {
        return used;
    }

    long descUserAddr() {
        return ram.userAddrOf(descAddr);
    }

    long availUserAddr() {
        return ram.userAddrOf(availAddr);
    }

    long usedUserAddr() {
        return ram.userAddrOf(usedAddr);
    }

    // ---- Making chains ----

    /** Descriptors that are in no chain. */
    public int freeDescriptors() {
        return freeCount;
    }

    /** Begins a chain of descriptors in the queue's own table. */
    public void begin() {
        begin(false);
    }

    /** Begins a chain in an indirect table: one descriptor of the queue, whatever its length. */
    public void beginIndirect() {
        if (tableEntries == 0) {
            throw new IllegalStateException("this queue has no indirect tables");
        }
        begin(true);
        makingHead = take();
    }

    private void begin(boolean indirect) {
        if (making) {
            throw new IllegalStateException("the chain before is not finished");
        }
        making = true;
        makingIndirect = indirect;
        makingLength = 0;
    }

    /** Adds a buffer that the device reads. */
    public void readable(long guestAddr, int bytes) {
        add(guestAddr, bytes, 0);
    }

    /** Adds a buffer that the device writes; all of these follow the readable ones. */
    public void writable(long guestAddr, int bytes) {
        add(guestAddr, bytes, Virtio.DESC_F_WRITE);
    }

    private void add(long guestAddr, int bytes, int flags) {
        if (!making) {
            throw new IllegalStateException("no chain was begun");
        }
        if (makingIndirect) {
            if (makingLength == tableEntries) {
                throw new IllegalStateException("indirect table is full");
            }
            long at = ((long) makingHead * tableEntries + makingLength) * Virtio.DESC_BYTES;
            if (makingLength > 0) {
                link(tables, at - Virtio.DESC_BYTES, makingLength);
            }
            put(tables, at, guestAddr, bytes, flags);
        } else {
            int d = take();
            if (makingLength == 0) {
                makingHead = d;
            } else {
                link(desc, (long) makingLast * Virtio.DESC_BYTES, d);
            }
            put(desc, (long) d * Virtio.DESC_BYTES, guestAddr, bytes, flags);
            makingLast = d;
        }
        makingLength++;
    }

    private static void put(MemorySegment table, long at, long addr, int bytes, int flags) {
        table.set(Virtio.LONG, at + Virtio.DESC_ADDR, addr);
        table.set(Virtio.INT, at + Virtio.DESC_LEN, bytes);
        table.set(Virtio.SHORT, at + Virtio.DESC_FLAGS, (short) flags);
        table.set(Virtio.SHORT, at + Virtio.DESC_NEXT, (short) 0);
    }

    private static void link(MemorySegment table, long at, int next) {
        int flags = table.get(Virtio.SHORT, at + Virtio.DESC_FLAGS) | Virtio.DESC_F_NEXT;
        table.set(Virtio.SHORT, at + Virtio.DESC_FLAGS, (short) flags);
        table.set(Virtio.SHORT, at + Virtio.DESC_NEXT, (short) next);
    }

    private int take() {
        if (freeCount == 0) {
            throw new IllegalStateException("no free descriptor in a queue of " + size);
        }
        int d = firstFree;
        firstFree = nextFree[d];
        freeCount--;
        return d;
    }

    /** Ends the chain. Returns its head, by which it is known from here on. */
    public int finish() {
        if (!making || makingLength == 0) {
            throw new IllegalStateException("a chain needs at least one buffer");
        }
        making = false;
        if (makingIndirect) {
            long table = (long) makingHead * tableEntries * Virtio.DESC_BYTES;
            put(
                    desc,
                    (long) makingHead * Virtio.DESC_BYTES,
                    tablesAddr + table,
                    makingLength * Virtio.DESC_BYTES,
                    Virtio.DESC_F_INDIRECT);
            chainLength[makingHead] = 1;
        } else {
            chainLength[makingHead] = makingLength;
        }
        return makingHead;
    }

    /** Gives a chain's descriptors back; the device must not have it. */
    public void release(int head) {
        if (chainLength[head] == 0 || submitted[head]) {
            throw new IllegalStateException("chain " + head + " is not ours to give up");
        }
        int d = head;
        for (int left = chainLength[head]; left > 0; left--) {
            int next = desc.get(Virtio.SHORT, (long) d * Virtio.DESC_BYTES + Virtio.DESC_NEXT);
            nextFree[d] = firstFree;
            firstFree = d;
            freeCount++;
            d = next & 0xffff;
        }
        chainLength[head] = 0;
    }

    // ---- Submitting ----

    /** Puts a finished chain into the available ring. The device sees it after {@link #publish}. */
    public void submit(int head) {
        if (chainLength[head] == 0 || submitted[head]) {
            throw new IllegalStateException("chain " + head + " is not ours to submit");
        }
        submitted[head] = true;
        submitUnchecked(head);
    }

    /** As {@link #submit}, without a look at what it is: for tests of the device. */
    public void submitUnchecked(int head) {
        avail.set(Virtio.SHORT, Virtio.AVAIL_RING + 2L * (nextAvail & (size - 1)), (short) head);
        nextAvail = (nextAvail + 1) & 0xffff;
    }

    /**
     * Shows the device all chains submitted, and kicks it if it wants that.
     *
     * @return whether it was kicked
     */
    public boolean publish() {
        int before = publishedAvail;
        if (before == nextAvail) {
            return false;
        }
        // Release: ring entries, descriptors and buffers are stored before the index (2.7.13.3).
        Virtio.SHORT_HANDLE.setRelease(avail, (long) Virtio.AVAIL_IDX, (short) nextAvail);
        publishedAvail = nextAvail;
        // Orders the store of avail.idx before the load of avail_event (or the flags); the device
        // stores that, fences, and loads avail.idx (2.7.13.4.1).
        VarHandle.fullFence();
        boolean wanted;
        if (eventIdx) {
            int event =
                    used.get(Virtio.SHORT, Virtio.USED_RING + (long) Virtio.USED_ELEM_BYTES * size)
                            & 0xffff;
            wanted = Virtio.needEvent(event, nextAvail, before);
        } else {
            wanted = (used.get(Virtio.SHORT, Virtio.USED_FLAGS) & Virtio.USED_F_NO_NOTIFY) == 0;
        }
        if (wanted) {
            kicks++;
            kick.signal();
        }
        return wanted;
    }

    /** Sets the available index to anything at all: for tests of the device. */
    public void forgeAvailableIndex(int value) {
        Virtio.SHORT_HANDLE.setRelease(avail, (long) Virtio.AVAIL_IDX, (short) value);
        kick.signal();
    }

    // ---- What the device has finished ----

    /**
     * Takes the next finished chain, without waiting.
     *
     * @return its head, or {@link #NONE}
     * @throws IllegalStateException if the device returns what it was not given
     */
    public int poll() {
        // Acquire: the used entry and the buffers are read after the index that covers them.
        int now = ((short) Virtio.SHORT_HANDLE.getAcquire(used, (long) Virtio.USED_IDX)) & 0xffff;
        if (now == nextUsed) {
            return NONE;
        }
        long at = Virtio.USED_RING + (long) Virtio.USED_ELEM_BYTES * (nextUsed & (size - 1));
        int head = used.get(Virtio.INT, at);
        usedBytes = used.get(Virtio.INT, at + 4) & 0xffff_ffffL;
        nextUsed = (nextUsed + 1) & 0xffff;
        if (head < 0 || head >= size) {
            throw new IllegalStateException("the device returned chain " + head);
        }
        if (chainLength[head] != 0) {
            if (!submitted[head]) {
                throw new IllegalStateException("the device returned chain " + head + " twice");
            }
            submitted[head] = false;
        }
        return head;
    }

    /**
     * Takes the next finished chain, asleep until there is one.
     *
     * @param timeoutMillis -1 waits for ever
     * @return its head, or {@link #NONE} when time ran out
     */
    public int await(int timeoutMillis) {
        long begin = System.nanoTime();
        int left = timeoutMillis;
        while (true) {
            int head = poll();
            if (head != NONE) {
                return head;
            }
            if (eventIdx) {
                avail.set(Virtio.SHORT, Virtio.AVAIL_RING + 2L * size, (short) nextUsed);
            } else {
                avail.set(Virtio.SHORT, Virtio.AVAIL_FLAGS, (short) 0);
            }
            // Orders the store of used_event (or the flags) before the load of used.idx: the
            // device publishes, fences, and looks at our wish (2.7.14).
            VarHandle.fullFence();
            head = poll();
            if (head == NONE && left != 0) {
                waits++;
                PollFd.set(pollFd, 0, call.fd().value(), PollFd.POLLIN);
                syscalls.poll(pollFd.address(), 1, left);
                call.drain();
            }
            if (!eventIdx) {
                avail.set(Virtio.SHORT, Virtio.AVAIL_FLAGS, (short) Virtio.AVAIL_F_NO_INTERRUPT);
            }
            if (head != NONE || left == 0) {
                return head;
            }
            if (timeoutMillis > 0) {
                left = (int) Math.max(0, timeoutMillis - (System.nanoTime() - begin) / 1_000_000);
            }
        }
    }

    /** What the device wrote of the chain last taken, used.len. */
    public long usedBytes() {
        return usedBytes;
    }

    /** How often {@link #publish} kicked. */
    public long kicks() {
        return kicks;
    }

    /** How often {@link #await} slept. */
    public long waits() {
        return waits;
    }

    /** Index of the next available entry, to compare with GET_VRING_BASE. */
    public int nextAvailable() {
        return nextAvail;
    }

    /** Closes the eventfds. The memory stays the guest's. */
    @Override
    public void close() {
        kick.close();
        call.close();
        err.close();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
