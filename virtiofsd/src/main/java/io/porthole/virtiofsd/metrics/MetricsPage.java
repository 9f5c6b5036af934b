package io.porthole.virtiofsd.metrics;

import io.porthole.fuse.Opcode;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.SortedMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The whole of the daemon's metrics as text. */
public final class MetricsPage {
    /** Media type of {@link #render}. */
    public static final String CONTENT_TYPE = PrometheusText.CONTENT_TYPE;

    private final Supplier<List<ShareView>> shares;
    private final String version;
    private final long startMillis = System.currentTimeMillis();

    /**
     * @param shares the shares there are now, asked for at every {@link #render}
     */
    public MetricsPage(Supplier<List<ShareView>> shares, String version) {
        this.shares = shares;
        this.version = version;
    }

    /**
     * Loads what {@link #render} needs from files: the JVM's management library above all. To be
     * called before the jail.
     */
    public static void prime() {
        new MetricsPage(List::of, "").render();
    }

    /** The text as of now. */
    public String render() {
        PrometheusText text = new PrometheusText();
        List<ShareView> now = shares.get();
        requests(text, now);
        tables(text, now);
        queues(text, now);
        process(text);
        return text.toString();
    }

    private static String operation(int row) {
        Opcode opcode = Opcode.of(row);
        return opcode == null ? "unknown" : opcode.name();
    }

    /** Something to do with one operation's counts. */
    @FunctionalInterface
    private interface Row {
        void of(String share, String operation, long[] row);
    }

    private static void each(List<ShareView> shares, List<long[] @Nullable []> counts, Row what) {
        for (int s = 0; s < shares.size(); s++) {
            long[] @Nullable [] rows = counts.get(s);
            for (int i = 0; i < rows.length; i++) {
                long[] row = rows[i];
                if (row != null) {
                    what.of(shares.get(s).tag(), operation(i), row);
                }
            }
        }
    }

    private static void requests(PrometheusText text, List<ShareView> shares) {
        List<long[] @Nullable []> counts =
                shares.stream().map(share -> share.metrics().requests()).toList();
        text.family("porthole_requests_total", "counter", "FUSE requests by operation.");
        each(
                shares,
                counts,
                (share, op, row) ->
                        text.sample(row[RequestCounters.COUNT], "share", share, "operation", op));
        text.family(
                "porthole_request_errors_total",
                "counter",
                "FUSE requests answered with an error.");
        each(
                shares,
                counts,
                (share, op, row) -> {
                    for (int e = 0; e < ErrorClass.count(); e++) {
                        long n = row[RequestCounters.ERRORS + e];
                        if (n != 0) {
                            text.sample(
                                    n,
                                    "share",
                                    share,
                                    "operation",
                                    op,
                                    "error",
                                    ErrorClass.at(e).label());
                        }
                    }
                });
        text.family(
                "porthole_request_bytes_total",
                "counter",
                "Bytes of file data that READ, WRITE and COPY_FILE_RANGE moved, of answers for the rest.");
        each(
                shares,
                counts,
                (share, op, row) ->
                        text.sample(row[RequestCounters.BYTES], "share", share, "operation", op));
        text.family(
                "porthole_requests_deferred_total",
                "counter",
                "FUSE requests whose answer had to wait, such as blocking locks.");
        each(
                shares,
                counts,
                (share, op, row) -> {
                    if (row[RequestCounters.DEFERRED] != 0) {
                        text.sample(row[RequestCounters.DEFERRED], "share", share, "operation", op);
                    }
                });
        text.family(
                "porthole_request_duration_seconds",
                "histogram",
                "Time from taking a request from its queue to handing over the answer; under load one"
                        + " in 16 is timed and stands for all of those.");
        each(
                shares,
                counts,
                (share, op, row) ->
                        text.histogram(
                                row,
                                RequestCounters.BUCKET,
                                row[RequestCounters.NANOS],
                                "share",
                                share,
                                "operation",
                                op));
        text.family(
                "porthole_requests_rejected_total",
                "counter",
                "Requests that contradict the protocol, and failures of the daemon's own.");
        for (ShareView share : shares) {
            text.sample(share.rejected().malformed(), "share", share.tag(), "reason", "malformed");
            text.sample(
                    share.rejected().unanswerable(),
                    "share",
                    share.tag(),
                    "reason",
                    "unanswerable");
            text.sample(share.rejected().unknown(), "share", share.tag(), "reason", "unknown");
            text.sample(share.rejected().failures(), "share", share.tag(), "reason", "failure");
        }
    }

    private static void tables(PrometheusText text, List<ShareView> shares) {
        text.family("porthole_share_connected", "gauge", "Whether a front-end is connected.");
        shares.forEach(s -> text.sample(s.connected() ? 1 : 0, "share", s.tag()));
        text.family(
                "porthole_share_connections_total", "counter", "Front-ends that have connected.");
        shares.forEach(s -> text.sample(s.metrics().connections(), "share", s.tag()));
        text.family("porthole_inodes", "gauge", "Inodes that the guest knows.");
        shares.forEach(s -> text.sample(s.inodes(), "share", s.tag()));
        text.family("porthole_inodes_pinned", "gauge", "Inodes that are pinned by a descriptor.");
        shares.forEach(s -> text.sample(s.pinnedInodes(), "share", s.tag()));
        text.family(
                "porthole_open_handles", "gauge", "Files and directories that the guest has open.");
        shares.forEach(s -> text.sample(s.openHandles(), "share", s.tag()));
        text.family("porthole_lock_owners", "gauge", "Owners of advisory locks, once a file.");
        shares.forEach(s -> text.sample(s.lockOwners(), "share", s.tag()));
        text.family("porthole_locks_waiting", "gauge", "Requests for a lock that wait.");
        shares.forEach(s -> text.sample(s.waitingLocks(), "share", s.tag()));
    }

    private static void queues(PrometheusText text, List<ShareView> shares) {
        List<SortedMap<Integer, ShareMetrics.QueueSums>> sums =
                shares.stream().map(share -> share.metrics().queues()).toList();
        text.family("porthole_queue_requests_total", "counter", "Requests taken from a virtqueue.");
        eachQueue(text, shares, sums, q -> q.chains);
        text.family(
                "porthole_queue_batches_total", "counter", "Times that answers were published.");
        eachQueue(text, shares, sums, q -> q.batches);
        text.family("porthole_queue_interrupts_total", "counter", "Interrupts sent to the guest.");
        eachQueue(text, shares, sums, q -> q.interrupts);
        text.family(
                "porthole_queue_sleeps_total",
                "counter",
                "Times that the thread waited for a kick.");
        eachQueue(text, shares, sums, q -> q.sleeps);
        text.family("porthole_queue_spins_paid_total", "counter", "Spins that ended with work.");
        eachQueue(text, shares, sums, q -> q.spinHits);
        text.family("porthole_queue_spins_wasted_total", "counter", "Spins that ended without.");
        eachQueue(text, shares, sums, q -> q.spinMisses);
        text.family(
                "porthole_queue_missed_kicks_total",
                "counter",
                "Times that the thread found requests whose kick was late or lost.");
        eachQueue(text, shares, sums, q -> q.missedKicks);
        text.family(
                "porthole_queue_missed_calls_total",
                "counter",
                "Interrupts sent because the guest seemed to sleep over answers.");
        eachQueue(text, shares, sums, q -> q.missedCalls);
    }

    @FunctionalInterface
    private interface Figure {
        long of(ShareMetrics.QueueSums queue);
    }

    private static void eachQueue(
            PrometheusText text,
            List<ShareView> shares,
            List<SortedMap<Integer, ShareMetrics.QueueSums>> sums,
            Figure figure) {
        for (int s = 0; s < shares.size(); s++) {
            String tag = shares.get(s).tag();
            sums.get(s)
                    .forEach((index, queue) ->
                            text.sample(
                                    figure.of(queue),
                                    "share",
                                    tag,
                                    "queue",
                                    Integer.toString(index)));
        }
    }

    private void process(PrometheusText text) {
        text.family("porthole_info", "gauge", "Always 1; tells the version.");
        text.sample(1, "version", version);
        long now = System.currentTimeMillis();
        text.family("porthole_uptime_seconds", "gauge", "Time since the daemon was ready.");
        text.sample((now - startMillis) / 1e3);
        text.family("process_start_time_seconds", "gauge", "When that was, since 1970.");
        text.sample(startMillis / 1e3);
        Runtime runtime = Runtime.getRuntime();
        text.family("jvm_heap_used_bytes", "gauge", "Java heap in use.");
        text.sample(runtime.totalMemory() - runtime.freeMemory());
        text.family("jvm_heap_committed_bytes", "gauge", "Java heap that is backed by memory.");
        text.sample(runtime.totalMemory());
        text.family("jvm_heap_max_bytes", "gauge", "Limit of the Java heap.");
        text.sample(runtime.maxMemory());
        List<GarbageCollectorMXBean> collectors = ManagementFactory.getGarbageCollectorMXBeans();
        text.family("jvm_gc_collections_total", "counter", "Garbage collections.");
        collectors.forEach(gc -> text.sample(gc.getCollectionCount(), "gc", gc.getName()));
        text.family("jvm_gc_seconds_total", "counter", "Time spent in them.");
        collectors.forEach(gc -> text.sample(gc.getCollectionTime() / 1e3, "gc", gc.getName()));
    }
}
