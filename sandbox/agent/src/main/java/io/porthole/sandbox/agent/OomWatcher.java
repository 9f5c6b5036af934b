package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.grpc.OOMEvent;
import io.porthole.sandbox.agentprotocol.ttrpc.Call;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Tells of containers in which the kernel killed a process for want of memory: {@code oom_kill} in
 * the cgroup's memory.events, which the kernel makes ready to poll when it changes.
 *
 * <p>An event waits for a caller of GetOOMEvent, and a caller for an event. Safe for use by many
 * threads.
 */
final class OomWatcher {
    private static final int MOST_UNREAD = 1024;

    private record Watch(int fd, CgroupStatsReader files, String containerId) {}

    private final Poller poller;
    private final Map<Container, Watch> watches = new HashMap<>();
    private final Map<Container, Long> killed = new HashMap<>();
    private final Deque<OOMEvent> unread = new ArrayDeque<>();
    private final Deque<Call> waiting = new ArrayDeque<>();

    OomWatcher(Poller poller) {
        this.poller = poller;
    }

    synchronized void watch(Container container) {
        int fd =
                Libc.open(
                        container.cgroup().resolve("memory.events").toString(),
                        Libc.O_RDONLY | Libc.O_CLOEXEC);
        if (fd < 0) {
            Log.error(
                    "no memory events of container " + container.id() + ": " + Libc.describe(-fd),
                    null);
            return;
        }
        watches.put(
                container,
                new Watch(fd, new CgroupStatsReader(container.cgroup()), container.id()));
        // The container's last process takes the cgroup's events with it: look once more then.
        var _ = container.init().exit().thenRun(() -> changed(container));
        poller.arm(fd, Libc.POLLPRI, () -> changed(container));
    }

    private synchronized void changed(Container container) {
        Watch watch = watches.get(container);
        if (watch == null) {
            return;
        }
        try {
            // Reading through the descriptor is what makes the kernel wait for the next change, so
            // it
            // comes before the look at the count.
            var _ = Libc.callInt("lseek", watch.fd, 0, 0);
            drain(watch.fd);
            long count = watch.files.keyed("memory.events").getOrDefault("oom_kill", 0L);
            long before = killed.getOrDefault(container, 0L);
            if (count > before) {
                killed.put(container, count);
                deliver(OOMEvent.newBuilder().setContainerId(watch.containerId).build());
            }
            poller.arm(watch.fd, Libc.POLLPRI, () -> changed(container));
        } catch (IOException e) {
            Log.error("memory events of container " + watch.containerId, e);
        }
    }

    private static void drain(int fd) {
        try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
            java.lang.foreign.MemorySegment buffer = arena.allocate(512);
            long count;
            do {
                count = Libc.read(fd, buffer, 0, 512);
            } while (count > 0);
        }
    }

    private void deliver(OOMEvent event) {
        while (!waiting.isEmpty()) {
            if (waiting.remove().reply(event)) {
                return;
            }
        }
        if (unread.size() < MOST_UNREAD) {
            unread.add(event);
        }
    }

    /** Answers the call with the next event, present or future. */
    synchronized void next(Call call) {
        OOMEvent event = unread.poll();
        if (event == null) {
            waiting.removeIf(Call::isOver);
            waiting.add(call);
        } else if (!call.reply(event)) {
            unread.addFirst(event);
        }
    }

    synchronized void forget(Container container) {
        Watch watch = watches.remove(container);
        killed.remove(container);
        if (watch != null) {
            poller.forget(watch.fd);
            var _ = Libc.close(watch.fd);
        }
    }
}
