package io.porthole.sandbox.agent;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Waits for all children of the agent: programs that it starts, and the containers' processes,
 * which crun leaves to it as the nearest subreaper. Orphans that nobody asks for are reaped in
 * silence.
 *
 * <p>A process may end before anyone asks: the statuses of the latest such are kept.
 */
final class Reaper {
    private static final int UNCLAIMED = 256;
    private static final int ORPHAN_MILLIS = 200;
    private static final int P_ALL = 0;
    private static final int WEXITED = 4;
    private static final int CLD_EXITED = 1;
    // siginfo_t on 64-bit Linux: si_code at 8, si_pid at 16, si_status at 24 (sigaction(2)).
    private static final int SIGINFO_BYTES = 128;
    private static final int SI_CODE = 8;
    private static final int SI_PID = 16;
    private static final int SI_STATUS = 24;

    private final Semaphore children = new Semaphore(0);
    private final Map<Integer, CompletableFuture<Integer>> awaited = new HashMap<>();
    private final Map<Integer, Integer> unclaimed =
            new LinkedHashMap<>() {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<Integer, Integer> eldest) {
                    return size() > UNCLAIMED;
                }
            };

    void start() {
        Thread.ofPlatform().daemon().name("reaper").start(this::run);
    }

    /**
     * The status of a child, present or recent: its exit code, or 128 + the signal that ended it.
     * Completed on the reaper's thread, so that dependents must not block.
     */
    synchronized CompletableFuture<Integer> exitOf(int pid) {
        CompletableFuture<Integer> future = awaited.get(pid);
        if (future == null) {
            future = new CompletableFuture<>();
            Integer status = unclaimed.remove(pid);
            if (status != null) {
                future.complete(status);
                return future;
            }
            awaited.put(pid, future);
        }
        return future;
    }

    private void run() {
        MemorySegment waitid = Libc.symbol("waitid");
        MemorySegment info = Arena.global().allocate(SIGINFO_BYTES, 8);
        while (true) {
            info.fill((byte) 0);
            int result = Libc.callInt(waitid, P_ALL, 0, info.address(), WEXITED, 0, 0);
            if (result == -Libc.ECHILD) {
                awaitChild();
                continue;
            }
            if (result < 0) {
                throw new IllegalStateException("waitid: " + Libc.describe(-result));
            }
            int status = info.get(ValueLayout.JAVA_INT, SI_STATUS);
            boolean exited = info.get(ValueLayout.JAVA_INT, SI_CODE) == CLD_EXITED;
            ended(info.get(ValueLayout.JAVA_INT, SI_PID), exited ? status : 128 + status);
        }
    }

    private void ended(int pid, int status) {
        CompletableFuture<Integer> future;
        synchronized (this) {
            future = awaited.remove(pid);
            if (future == null) {
                // An old entry of the same number must not keep its age.
                unclaimed.remove(pid);
                unclaimed.put(pid, status);
            }
        }
        if (future != null) {
            future.complete(status);
        }
    }

    /**
     * No child at all: a spawn says when there is one, and an orphan that arrives unannounced can
     * wait a little.
     */
    private void awaitChild() {
        try {
            var _ = children.tryAcquire(ORPHAN_MILLIS, TimeUnit.MILLISECONDS);
            var _ = children.drainPermits();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** There is a new child. */
    void childStarted() {
        children.release();
    }
}
