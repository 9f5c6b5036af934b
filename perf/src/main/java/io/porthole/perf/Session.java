package io.porthole.perf;

import io.porthole.fuse.FuseAttr;
import io.porthole.fuse.FuseEntryOut;
import io.porthole.fuse.FuseInitIn;
import io.porthole.fuse.FuseInitOut;
import io.porthole.fuse.FuseOpenIn;
import io.porthole.fuse.FuseOpenOut;
import io.porthole.fuse.FuseReleaseIn;
import io.porthole.fuse.InitFlags;
import io.porthole.fuse.Opcode;
import io.porthole.vhostuser.DriverQueue;
import io.porthole.vhostuser.GuestRam;
import io.porthole.vhostuser.ProtocolException;
import io.porthole.vhostuser.VhostUser;
import io.porthole.vhostuser.VhostUserFrontend;
import io.porthole.vhostuser.Virtio;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * A mounted file system, seen from the guest's side: the rings, FUSE_INIT, single requests for
 * preparation ({@link #call}), and the load loop ({@link #run}).
 */
final class Session implements AutoCloseable {
    static final long ROOT = 1;

    /** Chains that can be ready in a queue. */
    private static final int RING_SIZE = 512;

    /** A request of 1 MiB has 256 pages, two buffers before and two behind. */
    private static final int TABLE_ENTRIES = 264;

    private static final long GUEST_BYTES = 160L << 20;
    private static final long SPACE_BYTES = 128L << 20;

    /** A daemon that lets a request wait longer has lost it. */
    static final long PATIENCE_NANOS = 20_000_000_000L;

    /** What Linux offers in FUSE_INIT and the load does not depend on being refused. */
    private static final long OFFERED =
            InitFlags.FUSE_ASYNC_READ
                    | InitFlags.FUSE_ATOMIC_O_TRUNC
                    | InitFlags.FUSE_BIG_WRITES
                    | InitFlags.FUSE_AUTO_INVAL_DATA
                    | InitFlags.FUSE_DO_READDIRPLUS
                    | InitFlags.FUSE_READDIRPLUS_AUTO
                    | InitFlags.FUSE_ASYNC_DIO
                    | InitFlags.FUSE_PARALLEL_DIROPS
                    | InitFlags.FUSE_MAX_PAGES
                    | InitFlags.FUSE_CACHE_SYMLINKS
                    | InitFlags.FUSE_SUBMOUNTS
                    | InitFlags.FUSE_INIT_EXT;

    private final VhostUserFrontend vmm;
    private final GuestSpace space;
    private final DriverQueue[] queues;

    /** By queue and chain: whose it is. */
    private final @Nullable Slot[][] senders;

    private final Forgets forgets;

    private final List<Message> chained = new ArrayList<>();
    private final Slot single = new Slot(0, 1);
    private long unique;
    private long idleNanos;

    private Session(VhostUserFrontend vmm, GuestSpace space, DriverQueue[] queues) {
        this.vmm = vmm;
        this.space = space;
        this.queues = queues;
        this.senders = new @Nullable Slot[queues.length][RING_SIZE];
        this.forgets = new Forgets(queues[Forgets.HIPRIO], space);
    }

    /**
     * Connects to a daemon and sets up its queues; {@link #init} is still to come.
     *
     * @param requestQueues how many besides the one for FORGET, if the daemon has so many
     */
    static Session connect(String socketPath, int requestQueues) throws IOException {
        VhostUserFrontend vmm = VhostUserFrontend.connect(socketPath);
        try {
            vmm.negotiate(
                    Virtio.F_VERSION_1
                            | Virtio.F_INDIRECT_DESC
                            | Virtio.F_EVENT_IDX
                            | VhostUser.F_PROTOCOL_FEATURES);
            int count = requestQueues == 1 ? 2 : Math.min(1 + requestQueues, vmm.queueCount());
            GuestRam ram = vmm.addRam(0, GUEST_BYTES);
            DriverQueue[] queues = new DriverQueue[count];
            for (int i = 0; i < queues.length; i++) {
                queues[i] = vmm.startQueue(i, RING_SIZE, TABLE_ENTRIES, ram);
            }
            return new Session(vmm, new GuestSpace(ram, SPACE_BYTES), queues);
        } catch (ProtocolException e) {
            vmm.close();
            throw new IOException("setting up the device: " + e.getMessage(), e);
        } catch (IOException | RuntimeException e) {
            vmm.close();
            throw e;
        }
    }

    /**
     * Provides the daemon's DAX window.
     *
     * @param guestAddr where the guest has it
     * @return whether the daemon has one
     */
    boolean provideWindow(long guestAddr) throws IOException {
        try {
            if (vmm.sharedMemoryBytes()[0] == 0) {
                return false;
            }
            vmm.provideWindow(guestAddr);
            return true;
        } catch (ProtocolException e) {
            throw new IOException("the DAX window: " + e.getMessage(), e);
        }
    }

    GuestSpace space() {
        return space;
    }

    int requestQueues() {
        return queues.length - 1;
    }

    /** A point to {@link #release} everything made since. */
    record Mark(long space, int chains) {}

    Mark mark() {
        return new Mark(space.mark(), chained.size());
    }

    /** Gives back the memory and the chains of all messages made since {@code mark}. */
    void release(Mark mark) {
        while (chained.size() > mark.chains()) {
            chained.removeLast().unchain();
        }
        space.release(mark.space());
    }

    /** FUSE_INIT as Linux sends it; fails the session if the daemon cannot do 1 MiB requests. */
    void init() throws IOException {
        Mark mark = mark();
        Message m = Message.plain(space, Opcode.INIT.code(), FuseInitIn.BYTES, 64, true);
        FuseInitIn.major(m.memory(), m.argument(), 7);
        FuseInitIn.minor(m.memory(), m.argument(), 45);
        FuseInitIn.maxReadahead(m.memory(), m.argument(), 128 << 10);
        FuseInitIn.flags(m.memory(), m.argument(), (int) OFFERED);
        FuseInitIn.flags2(m.memory(), m.argument(), (int) (OFFERED >>> 32));
        call(m.expect(0, -1));
        int maxWrite = FuseInitOut.maxWrite(m.memory(), m.replyBody());
        if (maxWrite < 1 << 20) {
            throw new IOException("the daemon takes " + maxWrite + " bytes a request, not 1 MiB");
        }
        release(mark);
    }

    // Preparation: one request at a time.

    /** Sends one request and waits for its reply, which is checked. */
    void call(Message message) {
        single.send(message);
        exchange(message);
    }

    private void exchange(Message message) {
        push(single);
        DriverQueue queue = queues[single.requestQueue];
        queue.publish();
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (queue.poll() == DriverQueue.NONE) {
            Thread.onSpinWait();
            if (System.nanoTime() > deadline) {
                throw new WrongReplyException("no answer within 20 s to " + message.name());
            }
        }
        message.check((int) queue.usedBytes());
    }

    private void push(Slot slot) {
        Message m = Objects.requireNonNull(slot.message);
        m.stamp(unique += 2);
        DriverQueue queue = queues[slot.requestQueue];
        if (!m.isChained()) {
            m.chain(queue);
            if (m.remember()) {
                chained.add(m);
            }
        }
        int head = m.chain(queue);
        senders[slot.requestQueue][head] = slot;
        queue.submit(head);
    }

    /** An entry that LOOKUP found: {@code nodeId} must be forgotten in the end. */
    record Entry(long nodeId, long ino, long size, int mode) {}

    /** LOOKUP of a name that must exist. */
    Entry lookup(long parent, String name) {
        Mark mark = mark();
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        Message m = Message.plain(space, Opcode.LOOKUP, bytes.length + 1).node(parent);
        m.name(0, bytes);
        call(m);
        long at = m.replyBody();
        long attr = at + FuseEntryOut.ATTR;
        Entry entry =
                new Entry(
                        FuseEntryOut.nodeId(m.memory(), at),
                        FuseAttr.ino(m.memory(), attr),
                        FuseAttr.size(m.memory(), attr),
                        FuseAttr.mode(m.memory(), attr));
        if (entry.nodeId() == 0) {
            throw new WrongReplyException("LOOKUP of " + name + ": not there");
        }
        release(mark);
        return entry;
    }

    /** LOOKUP of each component in turn; what is on the way stays looked up. */
    Entry walk(String path) {
        Entry entry = new Entry(ROOT, 0, 0, 0);
        for (String name : path.split("/", -1)) {
            entry = lookup(entry.nodeId(), name);
        }
        return entry;
    }

    /** FORGET, without waiting until the daemon has taken it. */
    void forget(long nodeId, long lookups) {
        forgets.send(nodeId, lookups, unique += 2);
        queues[Forgets.HIPRIO].publish();
    }

    /** OPEN or OPENDIR; returns the file handle. */
    long open(Opcode how, long nodeId, int flags) {
        Mark mark = mark();
        Message m = Message.plain(space, how, FuseOpenIn.BYTES).node(nodeId);
        FuseOpenIn.flags(m.memory(), m.argument(), flags);
        call(m);
        long handle = FuseOpenOut.fh(m.memory(), m.replyBody());
        release(mark);
        return handle;
    }

    /** RELEASE or RELEASEDIR. */
    void release(Opcode how, long nodeId, long handle) {
        Mark mark = mark();
        Message m = Message.plain(space, how, FuseReleaseIn.BYTES).node(nodeId);
        FuseReleaseIn.fh(m.memory(), m.argument(), handle);
        call(m);
        release(mark);
    }

    // Load.

    /** Kicks on all queues so far. */
    long kicks() {
        long sum = 0;
        for (DriverQueue queue : queues) {
            sum += queue.kicks();
        }
        return sum;
    }

    /** Time in which the driver of this session had nothing to do, in all {@link #run}s. */
    long idleNanos() {
        return idleNanos;
    }

    /**
     * Keeps all slots busy until {@code enough}, which is asked after each batch of replies.
     *
     * @param latencies of whole operations in ns
     * @return operations completed
     */
    long run(Workload workload, Slot[] slots, BooleanSupplier enough, Histogram latencies) {
        long done = 0;
        long now = System.nanoTime();
        for (Slot slot : slots) {
            slot.begun = now;
            workload.begin(slot);
            push(slot);
        }
        int flying = slots.length;
        publish();
        boolean stopping = false;
        long lastReply = now;
        while (flying > 0) {
            long before = now;
            now = System.nanoTime();
            boolean any = forgets.collect();
            for (int q = 1; q < queues.length; q++) {
                DriverQueue queue = queues[q];
                // Not more than a batch: what is done is to be published before long.
                for (int i = 0; i < slots.length; i++) {
                    int head = queue.poll();
                    if (head == DriverQueue.NONE) {
                        break;
                    }
                    any = true;
                    Slot slot = Objects.requireNonNull(senders[q][head]);
                    Objects.requireNonNull(slot.message).check((int) queue.usedBytes());
                    boolean complete = workload.reply(slot);
                    if (slot.forgotten != 0) {
                        forgets.send(slot.forgotten, 1, unique += 2);
                        slot.forgotten = 0;
                    }
                    if (complete) {
                        latencies.recordValue(now - slot.begun);
                        done++;
                        if (stopping) {
                            flying--;
                            continue;
                        }
                        slot.begun = now;
                        workload.begin(slot);
                    }
                    push(slot);
                }
            }
            if (any) {
                lastReply = now;
                publish();
                stopping = stopping || enough.getAsBoolean();
            } else {
                idleNanos += now - before;
                if (now - lastReply > PATIENCE_NANOS) {
                    throw new WrongReplyException(flying + " requests unanswered for 20 s");
                }
                Thread.onSpinWait();
            }
        }
        forgets.drain();
        return done;
    }

    private void publish() {
        for (DriverQueue queue : queues) {
            queue.publish();
        }
    }

    @Override
    public void close() {
        vmm.close();
    }
}
