package io.porthole.virtiofsd.metrics;

import io.porthole.vhostuser.QueueStats;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All queues' figures of one share, also of queues that have ended. Safe for use by several
 * threads.
 */
public final class ShareMetrics {
    /** One queue as long as it lives. */
    public record Queue(int index, RequestCounters requests, QueueStats stats) {}

    /** The sums of a queue number over all connections. */
    static final class QueueSums {
        long chains;
        long batches;
        long interrupts;
        long sleeps;
        long spinHits;
        long spinMisses;
        long missedKicks;
        long missedCalls;

        private void add(QueueStats s) {
            chains += s.chains();
            batches += s.batches();
            interrupts += s.interrupts();
            sleeps += s.sleeps();
            spinHits += s.spinHits();
            spinMisses += s.spinMisses();
            missedKicks += s.missedKicks();
            missedCalls += s.missedCalls();
        }

        private void add(QueueSums s) {
            chains += s.chains;
            batches += s.batches;
            interrupts += s.interrupts;
            sleeps += s.sleeps;
            spinHits += s.spinHits;
            spinMisses += s.spinMisses;
            missedKicks += s.missedKicks;
            missedCalls += s.missedCalls;
        }
    }

    // Guarded by this.
    private final List<Queue> living = new ArrayList<>();
    private final long[] @Nullable [] ended = new long[RequestCounters.ROWS] @Nullable [];
    private final TreeMap<Integer, QueueSums> endedQueues = new TreeMap<>();
    private long connections;

    /** A front-end connected. */
    public synchronized void connected() {
        connections++;
    }

    /** A queue begins. */
    public synchronized void add(Queue queue) {
        living.add(queue);
    }

    /** It ended; nothing is counted there any more. */
    public synchronized void remove(Queue queue) {
        // Not by equals: a record makes its own of generated classes, 10 ms at the end of each
        // daemon.
        for (int i = 0; i < living.size(); i++) {
            if (living.get(i).requests == queue.requests) {
                living.remove(i);
                queue.requests.addTo(ended);
                endedQueues.computeIfAbsent(queue.index, n -> new QueueSums()).add(queue.stats);
                return;
            }
        }
    }

    synchronized long connections() {
        return connections;
    }

    /** By opcode, then by column of {@link RequestCounters}. */
    synchronized long[] @Nullable [] requests() {
        long[] @Nullable [] sums = new long[RequestCounters.ROWS] @Nullable [];
        for (int i = 0; i < sums.length; i++) {
            long[] row = ended[i];
            sums[i] = row == null ? null : row.clone();
        }
        living.forEach(queue -> queue.requests.addTo(sums));
        return sums;
    }

    /** By the queue's number. */
    synchronized SortedMap<Integer, QueueSums> queues() {
        TreeMap<Integer, QueueSums> sums = new TreeMap<>();
        endedQueues.forEach(
                (index, queue) -> sums.computeIfAbsent(index, i -> new QueueSums()).add(queue));
        living.forEach(
                queue -> sums.computeIfAbsent(queue.index, i -> new QueueSums()).add(queue.stats));
        return sums;
    }
}
