package io.porthole.sandbox.agent;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;

/**
 * One thread that waits for all descriptors of the agent (epoll(7)), so that a stream that is being
 * waited for costs no thread.
 *
 * <p>Interest is one-shot: a handler runs once per {@link #arm}, on this thread, and must not
 * block.
 */
final class Poller {
    /** What to do when a descriptor is ready. */
    @FunctionalInterface
    interface Handler {
        void ready();
    }

    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLL_CTL_MOD = 3;
    private static final int EPOLLONESHOT = 1 << 30;
    private static final int BATCH = 16;
    // struct epoll_event is packed on x86-64 alone (epoll_ctl(2)).
    private static final boolean PACKED = System.getProperty("os.arch").equals("amd64");
    private static final int EVENT_BYTES = PACKED ? 12 : 16;
    private static final int DATA_OFFSET = PACKED ? 4 : 8;

    private final int epoll;
    private final MemorySegment epollCtl = Libc.symbol("epoll_ctl");
    private final Map<Integer, Handler> handlers = new HashMap<>();

    Poller() {
        epoll = Libc.callInt("epoll_create1", Libc.O_CLOEXEC);
        if (epoll < 0) {
            throw new IllegalStateException("epoll_create1: " + Libc.describe(-epoll));
        }
    }

    void start() {
        Thread.ofPlatform().daemon().name("poller").start(this::run);
    }

    /**
     * Runs the handler once, when the descriptor is ready, has failed or hung up.
     *
     * @param events POLLIN, POLLOUT or POLLPRI (the EPOLL constants have the same values)
     */
    synchronized void arm(int fd, int events, Handler handler) {
        boolean known = handlers.put(fd, handler) != null;
        int result = control(known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, events | EPOLLONESHOT);
        if (result < 0) {
            handlers.remove(fd);
            throw new IllegalStateException("epoll_ctl: " + Libc.describe(-result));
        }
    }

    /** Forgets a descriptor. Comes before it is closed. */
    synchronized void forget(int fd) {
        if (handlers.remove(fd) != null) {
            var _ = control(EPOLL_CTL_DEL, fd, 0);
        }
    }

    private int control(int operation, int fd, int events) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(EVENT_BYTES, 8);
            event.set(ValueLayout.JAVA_INT, 0, events);
            event.set(ValueLayout.JAVA_INT_UNALIGNED, DATA_OFFSET, fd);
            return Libc.callInt(epollCtl, epoll, operation, fd, event.address(), 0, 0);
        }
    }

    private void run() {
        MemorySegment wait = Libc.symbol("epoll_wait");
        MemorySegment events = Arena.global().allocate((long) EVENT_BYTES * BATCH, 8);
        while (true) {
            int count = Libc.callInt(wait, epoll, events.address(), BATCH, -1, 0, 0);
            if (count < 0) {
                throw new IllegalStateException("epoll_wait: " + Libc.describe(-count));
            }
            for (int i = 0; i < count; i++) {
                int fd =
                        events.get(
                                ValueLayout.JAVA_INT_UNALIGNED,
                                (long) i * EVENT_BYTES + DATA_OFFSET);
                Handler handler;
                synchronized (this) {
                    handler = handlers.get(fd);
                }
                if (handler == null) {
                    continue;
                }
                try {
                    handler.ready();
                } catch (RuntimeException e) {
                    Log.error("handler of descriptor " + fd, e);
                }
            }
        }
    }
}
