package io.porthole.vhostuser;

import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.EnumMap;
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
 * descriptor. Each side stores before it loads, so at least one sees the other.
 */
final class QueueWorker implements Runnable, DeferredReplies {
    /** Used entries to collect before the driver is shown them; more makes it wait, less costs. */
    static final int PUBLISH_BATCH = 8;

    /** The most that a thread looks at an empty ring before it sleeps. */
    static final long MAX_SPIN_NANOS = 20_000;

    private static final int WANT_STOP = 1;
    private static final int WANT_MEMORY = 2;
    private static final int WANT_REPLIES = 4;

    /** How long a queue without a kick descriptor sleeps between looks, VRING_NOFD. */
    private static final long NO_KICK_NAP_NANOS = 200_000;

    /** u64 1, what an eventfd is written. */
    private static final MemorySegment ONE = Arena.global().allocateFrom(ValueLayout.JAVA_LONG, 1);

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

    /** Where the queue thread finds guest memory. */
    interface MemorySource {
        /** The present snapshot; others may replace it at any time. */
        GuestMemory memory();
    }

    private final int index;
    private final VhostUserDevice device;
    private final Syscalls syscalls;
    private final MemorySource memorySource;
    private final SplitRing ring = new SplitRing();
    private final AdaptiveSpin spin;

    /** How often each fault came, in an array of one. */
    private final EnumMap<QueueFault, long[]> faults = new EnumMap<>(QueueFault.class);

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

    // Guarded by fdLock: replaced by the control thread, used by any.
    private final Object fdLock = new Object();
    private @Nullable Fd kick;
    private @Nullable Fd call;
    private @Nullable Fd err;

    // The queue thread's own, or the control thread's while it is parked.
    private @Nullable KickWaiter waiter;
    private boolean fresh = true;
    private boolean broken;
    private int epoch;
    private @Nullable GuestMemory memory;

    QueueWorker(
            int index,
            VhostUserDevice device,
            Syscalls syscalls,
            MemorySource memorySource,
            long maxSpinNanos) {
        this.index = index;
        this.device = device;
        this.syscalls = syscalls;
        this.memorySource = memorySource;
        this.spin = new AdaptiveSpin(maxSpinNanos);
    }

    // ---- Control thread ----

    /** The ring, to be touched while stopped only. */
    SplitRing ring() {
        return ring;
    }

    /**
     * Replaces the kick descriptor, whose owner this becomes; null for none. The queue is stopped.
     *
     * @throws SyscallException if it cannot be waited for
     */
    void setKick(@Nullable Fd fd) throws SyscallException {
        KickWaiter next;
        try {
            next = fd == null ? null : new KickWaiter(syscalls, fd);
        } catch (SyscallException e) {
            closeQuietly(fd);
            throw e;
        }
        replaceKick(fd, next);
    }

    /** Closes the kick descriptor. The queue is stopped. */
    void dropKick() {
        replaceKick(null, null);
    }

    private void replaceKick(@Nullable Fd fd, @Nullable KickWaiter next) {
        synchronized (fdLock) {
            closeQuietly(kick);
            kick = fd;
        }
        if (waiter != null) {
            waiter.close();
        }
        waiter = next;
    }

    /** Replaces the descriptor that wakes the driver; null for none. The queue may run. */
    void setCall(@Nullable Fd fd) {
        synchronized (fdLock) {
            closeQuietly(call);
            call = fd;
        }
    }

    /** Replaces the descriptor that signals a broken ring; null for none. The queue may run. */
    void setErr(@Nullable Fd fd) {
        synchronized (fdLock) {
            closeQuietly(err);
            err = fd;
        }
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
        dropKick();
        setCall(null);
        setErr(null);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void closeQuietly(@Nullable Fd fd) {
        if (fd != null) {
            fd.close();
        }
    }

    // ---- Any thread ----

    /** Tells the thread to take up {@link MemorySource#memory} before its next request. */
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
        synchronized (fdLock) {
            if (kick != null) {
                syscalls.write(kick.value(), ONE.address(), Long.BYTES);
                return;
            }
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
            while (park()) {
                if (takeUp()) {
                    serve(handler, chain);
                }
                leaveMemory();
            }
        } catch (Throwable t) {
            log.error("queue {}: the device gave up", index, t);
            signalError();
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
        GuestMemory next = memorySource.memory();
        while (!next.hold()) {
            next = memorySource.memory();
        }
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
        while (true) {
            if (attention != 0 && !attend()) {
                return;
            }
            GuestMemory now = memory;
            if (now == null) {
                return;
            }
            switch (ring.pop(chain, now)) {
                case SplitRing.CHAIN -> {
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
                    if (!spin() && !sleep(handler)) {
                        return;
                    }
                }
                default -> {
                    publish();
                    breakRing(ring.fault());
                    return;
                }
            }
        }
    }

    /** Runs the handler; the bytes it wrote, or -1 if the chain is not to be returned now. */
    private long handle(QueueHandler handler, DescriptorChain chain) {
        long result;
        try {
            result = handler.handle(chain);
        } catch (Throwable t) {
            // Whatever the guest sent, the queue lives on.
            logHandlerFailure(t);
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
        if (ring.unpublished() >= PUBLISH_BATCH) {
            publish();
        }
    }

    private void publish() {
        if (ring.publish()) {
            synchronized (fdLock) {
                signal(call);
            }
        }
    }

    private void signal(@Nullable Fd fd) {
        // EAGAIN, a full counter, is as good as a signal.
        if (fd != null) {
            syscalls.write(fd.value(), ONE.address(), Long.BYTES);
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
                    return true;
                }
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - begin < budget);
        spin.miss();
        return false;
    }

    /** Waits for a kick or {@link #attention}; false if the ring broke. */
    private boolean sleep(QueueHandler handler) {
        try {
            handler.beforeSleep();
        } catch (Throwable t) {
            logHandlerFailure(t);
        }
        ring.askForKick();
        sleeping = true;
        // Orders the stores of avail_event (or the flags) and `sleeping` before the loads of
        // avail.idx and `attention`: the driver that added a chain too late to be seen here sees
        // our wish for a kick, and so does the thread that set a bit.
        VarHandle.fullFence();
        boolean ok = true;
        if (!ring.hasMore() && attention == 0) {
            long begin = System.nanoTime();
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

    private boolean awaitKick() {
        KickWaiter w = waiter;
        if (w == null) {
            LockSupport.parkNanos(NO_KICK_NAP_NANOS);
            return true;
        }
        return w.await();
    }

    private void breakRing(@Nullable QueueFault fault) {
        broken = true;
        report(fault);
        signalError();
    }

    private void signalError() {
        synchronized (fdLock) {
            signal(err);
        }
    }

    private void report(@Nullable QueueFault fault) {
        if (fault == null) {
            return;
        }
        long n = ++counter(fault)[0];
        // A hostile guest can do this a million times a second: log the 1st, 2nd, 4th, 8th, ...
        if ((n & (n - 1)) == 0) {
            log.warn("queue {}: {} ({}, {} so far)", index, fault, fault.name(), Long.valueOf(n));
        }
        device.queueFault(index, fault);
    }

    private long[] counter(QueueFault fault) {
        long[] count = faults.get(fault);
        if (count == null) {
            count = new long[1];
            faults.put(fault, count);
        }
        return count;
    }

    private void logHandlerFailure(Throwable t) {
        long n = counter(QueueFault.HANDLER_FAILED)[0] + 1;
        if ((n & (n - 1)) == 0) {
            log.error("queue {}: the device failed", index, t);
        }
    }
}
