package io.porthole.vhostuser;

import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * The descriptors by which a queue and its driver wake each other. The control thread replaces
 * them, call and err even while the queue runs; the queue's thread and others use them.
 */
final class QueueSignals implements AutoCloseable {
    /** u64 1, what an eventfd is written. */
    private static final MemorySegment ONE = Arena.global().allocateFrom(ValueLayout.JAVA_LONG, 1);

    private final Syscalls syscalls;

    // Guarded by this monitor, so that none is written to while it is being closed.
    private @Nullable Fd kick;
    private @Nullable Fd call;
    private @Nullable Fd err;

    /** The queue thread's own, or the control thread's while the queue is stopped. */
    private @Nullable KickWaiter waiter;

    QueueSignals(Syscalls syscalls) {
        this.syscalls = syscalls;
    }

    /**
     * Replaces the kick descriptor, whose owner this becomes; null for none. The queue is stopped.
     *
     * @throws SyscallException if it cannot be waited for; it is closed then
     */
    void setKick(@Nullable Fd fd) throws SyscallException {
        KickWaiter next;
        try {
            next = fd == null ? null : new KickWaiter(syscalls, fd);
        } catch (SyscallException e) {
            closeIfAny(fd);
            throw e;
        }
        replaceKick(fd, next);
    }

    /** Closes the kick descriptor. The queue is stopped. */
    void dropKick() {
        replaceKick(null, null);
    }

    private void replaceKick(@Nullable Fd fd, @Nullable KickWaiter next) {
        synchronized (this) {
            closeIfAny(kick);
            kick = fd;
        }
        if (waiter != null) {
            waiter.close();
        }
        waiter = next;
    }

    /** Replaces the descriptor that wakes the driver; null for none. */
    synchronized void setCall(@Nullable Fd fd) {
        closeIfAny(call);
        call = fd;
    }

    /** Replaces the descriptor that signals a broken ring; null for none. */
    synchronized void setErr(@Nullable Fd fd) {
        closeIfAny(err);
        err = fd;
    }

    /** Wakes the driver. */
    synchronized void call() {
        signal(call);
    }

    /** Tells the front-end that the ring is broken. */
    synchronized void error() {
        signal(err);
    }

    /** Wakes the queue's thread as the driver would; false if there is no kick descriptor. */
    synchronized boolean kick() {
        signal(kick);
        return kick != null;
    }

    private void signal(@Nullable Fd fd) {
        // EAGAIN, a full counter, is as good as a signal.
        if (fd != null) {
            syscalls.write(fd.value(), ONE.address(), Long.BYTES);
        }
    }

    /** What to wait on for kicks; null if there is none. Queue thread. */
    @Nullable KickWaiter waiter() {
        return waiter;
    }

    private static void closeIfAny(@Nullable Fd fd) {
        if (fd != null) {
            fd.close();
        }
    }

    @Override
    public void close() {
        dropKick();
        setCall(null);
        setErr(null);
    }
}
