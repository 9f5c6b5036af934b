package io.porthole.vhostuser;

import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One virtqueue and the thread that serves it.
 *
 * <p>Two kinds of callers. The <b>control thread</b> sets the queue up, starts and stops it; it
 * touches ring state only between {@link #stop} and {@link #start}, while the queue's thread waits
 * in {@link #park}. <b>Any thread</b> may {@link #answer} a detached request or {@link
 * #memoryChanged announce} new guest memory.
 *
 * <p>The hot loop looks at one volatile word, {@link #attention}, per request; all that others want
 * of the thread is a bit in it. To sleep, the thread asks the driver for a kick, says so in {@link
 * #sleeping}, fences, looks at ring and {@code attention} once more, and waits on the kick
 * descriptor; whoever sets a bit looks at {@code sleeping} afterwards and kicks by the same
 * descriptor. Each side stores before it loads, so at least one sees the other. A driver may break
 * this rule without knowing it, hence {@link #secondLook}.
 */
final class QueueWorker implements Runnable, DeferredReplies {
    /** The most that a thread looks at an empty ring before it sleeps. */
    static final long MAX_SPIN_NANOS = 20_000;

    private static final int WANT_STOP = 1;
    private static final int WANT_MEMORY = 2;
    private static final int WANT_REPLIES = 4;

    /** How long a queue without a kick descriptor sleeps between looks, VRING_NOFD. */
    private static final long NO_KICK_NAP_NANOS = 200_000;

    /** When a sleeping thread looks at the ring once more; longer than any store takes to show. */
    private static final int SECOND_LOOK_MILLIS = 10;

    /** How long requests that nobody waits for may collect. */
    private static final int NAP_MILLIS = 1;

    /** Requests that {@link #serveSome} serves at most. */
    private static final int SOME = 32;

    private static final Logger log = LoggerFactory.getLogger(QueueWorker.class);

    private static final VarHandle ATTENTION;
    private static final VarHandle ANSWERS;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            ATTENTION = lookup.findVarHandle(QueueWorker.class, "attention", int.class);
            ANSWERS = lookup.findVarHandle(QueueWorker.class, "answers", Detached.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int index;
    private final boolean urgent;
    private final VhostUserDevice device;
    private final MemoryTable memoryTable;
    private final QueueSignals signals;
    private final FaultLog faults;
    private final SplitRing ring = new SplitRing();
    private final AdaptiveSpin spin;
    private final PublishPace pace = new PublishPace();
    private final QueueStats stats = new QueueStats();

    // Wishes of other threads.
    private volatile int attention;
    private volatile boolean sleeping;

    @SuppressWarnings("UnusedVariable") // through ANSWERS
    private volatile @Nullable Detached answers;

    private volatile boolean gone;

    // Guarded by this monitor.
    private @Nullable Thread thread;
    private boolean parked;
    private boolean run;
    private boolean quit;

    // The queue thread's own, or the control thread's while it is parked.
    private boolean fresh = true;
    private boolean broken;
    private int epoch;
    private long chainsAtNap;
    private @Nullable GuestMemory memory;

    QueueWorker(
            int index,
            VhostUserDevice device,
            Syscalls syscalls,
            MemoryTable memoryTable,
            long maxSpinNanos) {
        this.urgent = device.isUrgent(index);
        this.index = index;
        this.device = device;
        this.memoryTable = memoryTable;
        this.signals = new QueueSignals(syscalls);
        this.faults = new FaultLog(index);
        this.spin = new AdaptiveSpin(maxSpinNanos);
    }

    // ---- Control thread ----

    /** The ring, to be touched while stopped only. */
    SplitRing ring() {
        return ring;
    }

    /** The queue's descriptors. */
    QueueSignals signals() {
        return signals;
    }

    /**
     * Starts or goes on. The ring is mapped anew, so its addresses may have changed.
     *
     * @param anew the ring was set up anew: take the used index from it
     */
    synchronized void start(boolean anew) {
        if (anew) {
            fresh = true;
            broken = false;
        }
        run = true;
        ATTENTION.getAndBitwiseAnd(this, ~WANT_STOP);
        if (thread == null) {
            Thread t = new Thread(this, "virtqueue-" + index);
            t.setDaemon(true);
            thread = t;
            t.start();
        } else {
            notifyAll();
        }
    }

    /** Whether the queue is between start and stop. */
    synchronized boolean running() {
        return run;
    }

    /**
     * Stops between two requests: when this returns all answers given are published, the thread
     * waits, and the ring is the caller's.
     */
    void stop() {
        synchronized (this) {
            if (!run) {
                return;
            }
            run = false;
        }
        want(WANT_STOP);
        boolean interrupted = false;
        synchronized (this) {
            while (!parked) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Forgets requests that are still to be answered. The queue is stopped. */
    void forgetDeferred() {
        epoch++;
    }

    /** Ends the thread and closes the descriptors. The last call. */
    void end() {
        stop();
        Thread t;
        synchronized (this) {
            quit = true;
            notifyAll();
            t = thread;
        }
        gone = true;
        boolean interrupted = false;
        while (t != null && t.isAlive()) {
            try {
                t.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        signals.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // ---- Any thread ----

    /** Tells the thread to take up {@link MemoryTable#memory} before its next request. */
    void memoryChanged() {
        want(WANT_MEMORY);
    }

    @Override
    public boolean answer(Detached answered) {
        if (gone) {
            return false;
        }
        Detached first;
        do {
            first = answers;
            answered.setNext(first);
        } while (!ANSWERS.compareAndSet(this, first, answered));
        want(WANT_REPLIES);
        return true;
    }

    private void want(int what) {
        // A full fence in both cases: the bit is stored before `sleeping` is loaded.
        int before = (int) ATTENTION.getAndBitwiseOr(this, what);
        if ((before & what) == 0 && sleeping) {
            wake();
        }
    }

    private void wake() {
        if (signals.kick()) {
            return;
        }
        Thread t;
        synchronized (this) {
            t = thread;
        }
        LockSupport.unpark(t);
    }

    // ---- Queue thread ----

    @Override
    public int epoch() {
        return epoch;
    }

    @Override
    public void run() {
        try (Arena arena = Arena.ofConfined();
                QueueHandler handler = device.openQueue(index)) {
            DescriptorChain chain = new DescriptorChain(arena, this);
            handler.stats(stats);
            while (park()) {
                if (takeUp()) {
                    serve(handler, chain);
                    aboutToWait(handler);
                }
                leaveMemory();
            }
        } catch (Throwable t) {
            log.error("queue {}: the device gave up", index, t);
            signals.error();
            leaveMemory();
            do {
                // Stopped and started it may be, but there is no handler any more.
                broken = true;
            } while (park());
        }
    }

    /**
     * Waits until the queue is to run.
     *
     * @return false if it is to end
     */
    private synchronized boolean park() {
        parked = true;
        notifyAll();
        boolean interrupted = false;
        // A broken ring waits here, too, until it is set up anew.
        while (!quit && (!run || broken)) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        parked = false;
        if (interrupted) {
            log.debug("queue {}: interrupted", index);
        }
        return !quit;
    }

    /** Takes the ring up after a start; false if it is not usable. */
    private boolean takeUp() {
        if (!enterMemory()) {
            return false;
        }
        if (fresh) {
            ring.loadUsed();
            fresh = false;
        }
        ring.askForNoKick();
        return true;
    }

    /** Goes to the present guest memory; false if the ring is not in it. */
    private boolean enterMemory() {
        ATTENTION.getAndBitwiseAnd(this, ~WANT_MEMORY);
        GuestMemory next = memoryTable.hold();
        leaveMemory();
        memory = next;
        if (!ring.map(next)) {
            breakRing(QueueFault.RING_UNMAPPED);
            return false;
        }
        return true;
    }

    private void leaveMemory() {
        ring.unmap();
        GuestMemory old = memory;
        memory = null;
        if (old != null) {
            old.release();
        }
    }

    /** Serves the queue until it is stopped or breaks. */
    private void serve(QueueHandler handler, DescriptorChain chain) {
        boolean on;
        do {
            on = serveSome(handler, chain);
        } while (on);
    }

    /**
     * Serves a few requests, and waits for more where there are none.
     *
     * <p>It returns often, because a method's compiled code is entered at its next call. A loop
     * that never ended was seen interpreted after a million requests, on a busy machine; it took a
     * third more instructions for each.
     *
     * @return false if the queue is stopped or broken
     */
    private boolean serveSome(QueueHandler handler, DescriptorChain chain) {
        for (int i = 0; i < SOME; i++) {
            if (attention != 0 && !attend()) {
                return false;
            }
            GuestMemory now = memory;
            if (now == null) {
                return false;
            }
            switch (ring.pop(chain, now)) {
                case SplitRing.CHAIN -> {
                    stats.chains++;
                    long usedBytes = handle(handler, chain);
                    if (usedBytes >= 0) {
                        complete(chain.head(), usedBytes);
                    }
                }
                case SplitRing.BAD_CHAIN -> {
                    report(ring.fault());
                    complete(chain.head(), 0);
                }
                case SplitRing.EMPTY -> {
                    publish();
                    pace.idle();
                    boolean more = urgent ? spin() : nap(handler);
                    return more || sleep(handler);
                }
                default -> {
                    publish();
                    breakRing(ring.fault());
                    return false;
                }
            }
        }
        return true;
    }

    /** Runs the handler; the bytes it wrote, or -1 if the chain is not to be returned now. */
    private long handle(QueueHandler handler, DescriptorChain chain) {
        long result;
        try {
            result = handler.handle(chain);
        } catch (Throwable t) {
            // Whatever the guest sent, the queue lives on.
            faults.handlerFailed(t);
            result = -1;
        }
        Detached detached = chain.takeDetached();
        if (result == QueueHandler.DEFERRED && detached != null) {
            return -1;
        }
        if (detached != null && !detached.cancel()) {
            // Not said to be deferred, but answered already from elsewhere.
            return -1;
        }
        if (result < 0 || result > chain.writableBytes()) {
            report(QueueFault.HANDLER_FAILED);
            return 0;
        }
        return result;
    }

    private void complete(int head, long usedBytes) {
        ring.push(head, usedBytes);
        if (pace.answered(ring.unpublished())) {
            publish();
        }
    }

    @Override
    public void publish() {
        int answers = ring.unpublished();
        if (answers != 0) {
            stats.batches++;
            pace.showing(answers);
        }
        if (ring.publish()) {
            stats.interrupts++;
            signals.call();
        }
    }

    /** Does what others want of the thread; false if it is to stop. */
    private boolean attend() {
        int wanted = attention;
        if ((wanted & WANT_MEMORY) != 0) {
            publish();
            if (!enterMemory()) {
                return false;
            }
        }
        if ((wanted & WANT_REPLIES) != 0) {
            deliverAnswers();
        }
        if ((wanted & WANT_STOP) != 0) {
            publish();
            return false;
        }
        return true;
    }

    private void deliverAnswers() {
        ATTENTION.getAndBitwiseAnd(this, ~WANT_REPLIES);
        Detached newest = (Detached) ANSWERS.getAndSet(this, null);
        // The stack has the newest first; the driver gets them in the order they were given.
        Detached oldest = null;
        while (newest != null) {
            Detached next = newest.next();
            newest.setNext(oldest);
            oldest = newest;
            newest = next;
        }
        GuestMemory now = memory;
        for (Detached d = oldest; d != null && now != null; d = d.next()) {
            if (d.epoch() != epoch) {
                continue;
            }
            long usedBytes = d.deliver(now);
            if (usedBytes < 0) {
                report(QueueFault.BAD_ADDRESS);
                usedBytes = 0;
            }
            complete(d.head(), usedBytes);
        }
    }

    /** Looks at the empty ring for a while; true if there is something to do. */
    private boolean spin() {
        long budget = spin.budgetNanos();
        if (budget == 0) {
            return false;
        }
        long begin = System.nanoTime();
        do {
            for (int i = 0; i < 32; i++) {
                if (ring.hasMore() || attention != 0) {
                    spin.hit();
                    stats.spinHits++;
                    return true;
                }
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - begin < budget);
        spin.miss();
        stats.spinMisses++;
        return false;
    }

    /**
     * Lets requests collect for a while that nobody waits for, after the last ones were served, so
     * that not each costs the driver a kick and this thread a wake-up.
     *
     * @return whether there is something to do
     */
    private boolean nap(QueueHandler handler) {
        KickWaiter w = signals.waiter();
        if (w == null || stats.chains == chainsAtNap) {
            return false;
        }
        aboutToWait(handler);
        chainsAtNap = stats.chains;
        ring.askForKickWhenHalfFull();
        sleeping = true;
        VarHandle.fullFence(); // As in sleep(), where a fault of the descriptor will show, too.
        if (!ring.hasMore() && attention == 0) {
            w.await(NAP_MILLIS);
        }
        sleeping = false;
        return ring.hasMore() || attention != 0;
    }

    /** Waits for a kick or {@link #attention}; false if the ring broke. */
    private boolean sleep(QueueHandler handler) {
        aboutToWait(handler);
        ring.askForKick();
        sleeping = true;
        // Orders the stores of avail_event (or the flags) and `sleeping` before the loads of
        // avail.idx and `attention`: the driver that added a chain too late to be seen here sees
        // our wish for a kick, and so does the thread that set a bit.
        VarHandle.fullFence();
        boolean ok = true;
        if (!ring.hasMore() && attention == 0) {
            long begin = System.nanoTime();
            stats.sleeps++;
            ok = awaitKick();
            spin.slept(System.nanoTime() - begin);
        }
        sleeping = false;
        if (ok) {
            ring.askForNoKick();
        } else {
            breakRing(QueueFault.KICK_FAILED);
        }
        return ok;
    }

    private void aboutToWait(QueueHandler handler) {
        try {
            handler.beforeSleep();
        } catch (Throwable t) {
            faults.handlerFailed(t);
        }
    }

    private boolean awaitKick() {
        KickWaiter w = signals.waiter();
        if (w == null) {
            LockSupport.parkNanos(NO_KICK_NAP_NANOS);
            return true;
        }
        int woken = w.await(SECOND_LOOK_MILLIS);
        if (woken == KickWaiter.NO_KICK) {
            if (secondLook()) {
                return true;
            }
            woken = w.await(KickWaiter.FOR_EVER);
        }
        return woken == KickWaiter.KICKED;
    }

    /**
     * Makes good for a driver without memory barriers. QEMU leaves them out of the code of a guest
     * that it emulates with one processor, or with several in turns; then driver and device each
     * may miss the other's store, and both would sleep for ever.
     *
     * @return whether there is something to do
     */
    private boolean secondLook() {
        if (ring.missedCall()) {
            stats.missedCalls++;
            signals.call();
        }
        if (!ring.hasMore()) {
            return false;
        }
        stats.missedKicks++;
        return true;
    }

    private void breakRing(@Nullable QueueFault fault) {
        broken = true;
        report(fault);
        signals.error();
    }

    private void report(@Nullable QueueFault fault) {
        if (fault != null) {
            faults.count(fault);
            device.queueFault(index, fault);
        }
    }
}
