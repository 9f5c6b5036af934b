package io.porthole.virtiofsd.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.fuse.FileSystem;
import io.porthole.fuse.FuseServer;
import io.porthole.fuse.Opcode;
import io.porthole.fuse.testing.RecordingFileSystem;
import io.porthole.linux.Errno;
import io.porthole.vhostuser.QueueStats;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is counted, and how it is told. */
final class MetricsPageTest {
    private final ShareMetrics metrics = new ShareMetrics();

    private Map<String, Double> page(String tag) {
        ShareView view =
                new ShareView(
                        tag,
                        true,
                        metrics,
                        new FuseServer(new RecordingFileSystem()).counters(),
                        7,
                        5,
                        3,
                        2,
                        1);
        return ExpositionGrammar.check(new MetricsPage(() -> List.of(view), "1.0").render());
    }

    private RequestCounters queue(int index) {
        RequestCounters counters = new RequestCounters();
        metrics.add(new ShareMetrics.Queue(index, counters, QueueStats.none()));
        return counters;
    }

    @Test
    void countsAddUpOverQueuesAndOutliveThem() {
        RequestCounters first = queue(1);
        RequestCounters second = new RequestCounters();
        ShareMetrics.Queue ends = new ShareMetrics.Queue(2, second, QueueStats.none());
        metrics.add(ends);
        first.count(Opcode.READ.code(), 4096, 1, 1_000);
        second.count(Opcode.READ.code(), 100, 1, 1_001);
        second.count(Opcode.LOOKUP.code(), -Errno.ENOENT, 1, 5_000_000_000L);
        second.count(Opcode.SETLKW.code(), FileSystem.DEFERRED, 1, 1);
        second.count(77_777, -Errno.ENOSYS, 0, 0);
        metrics.remove(ends);
        metrics.remove(ends);
        Map<String, Double> samples = page("s");
        String read = "share=\"s\",operation=\"READ\"";
        assertEquals(2, samples.get("porthole_requests_total{" + read + "}"));
        assertEquals(4196, samples.get("porthole_request_bytes_total{" + read + "}"));
        String times = "porthole_request_duration_seconds";
        assertEquals(1, samples.get(times + "_bucket{" + read + ",le=\"1.0E-6\"}"));
        assertEquals(2, samples.get(times + "_bucket{" + read + ",le=\"2.0E-6\"}"));
        assertEquals(2.001e-6, samples.get(times + "_sum{" + read + "}"), 1e-12);
        String lookup = "share=\"s\",operation=\"LOOKUP\"";
        assertEquals(
                1,
                samples.get("porthole_request_errors_total{" + lookup + ",error=\"not_found\"}"));
        assertEquals(0, samples.get("porthole_request_bytes_total{" + lookup + "}"));
        assertEquals(
                1,
                samples.get("porthole_requests_deferred_total{share=\"s\",operation=\"SETLKW\"}"));
        assertEquals(1, samples.get("porthole_requests_total{share=\"s\",operation=\"unknown\"}"));
        assertEquals(7, samples.get("porthole_inodes{share=\"s\"}"));
        assertEquals(5, samples.get("porthole_inodes_pinned{share=\"s\"}"));
        assertEquals(3, samples.get("porthole_open_handles{share=\"s\"}"));
    }

    @Test
    void oddTagsStayWithinTheirQuotes() {
        queue(0).count(Opcode.GETATTR.code(), 0, 1, 10);
        Map<String, Double> samples = page("a\"} 1\nb\\");
        assertEquals(
                1,
                samples.get(
                        "porthole_requests_total{share=\"a\\\"} 1\\nb\\\\\",operation=\"GETATTR\"}"));
    }

    @Test
    void everyErrorHasAClassAndEveryClassAColumn() {
        for (int errno = 1; errno < 200; errno++) {
            ErrorClass of = ErrorClass.of(errno);
            assertEquals(of, ErrorClass.at(of.column()));
        }
        assertEquals(ErrorClass.values().length, ErrorClass.count());
        assertEquals(ErrorClass.NO_SPACE, ErrorClass.of(Errno.EDQUOT));
    }

    @Test
    void bucketsAreOpenBelowAndClosedAbove() {
        assertEquals(0, RequestCounters.bucket(0));
        assertEquals(0, RequestCounters.bucket(1_000));
        assertEquals(1, RequestCounters.bucket(1_001));
        assertEquals(1, RequestCounters.bucket(2_000));
        assertEquals(2, RequestCounters.bucket(2_001));
        assertEquals(2, RequestCounters.bucket(4_000));
        assertEquals(RequestCounters.BUCKETS - 2, RequestCounters.bucket(1000L << 23));
        assertEquals(RequestCounters.BUCKETS - 1, RequestCounters.bucket((1000L << 23) + 1));
        assertEquals(RequestCounters.BUCKETS - 1, RequestCounters.bucket(Long.MAX_VALUE));
    }

    @Test
    void weightsStandForAllRequestsOfALoad() {
        RequestCounters counters = new RequestCounters();
        long stoodFor = 0;
        for (int i = 0; i < 4 + 1600; i++) {
            stoodFor += counters.weigh();
        }
        assertEquals(1604, stoodFor);
        counters.slept();
        for (int i = 0; i < 4; i++) {
            assertEquals(1, counters.weigh());
        }
        assertEquals(0, counters.weigh());
    }

    @Test
    void countingAllocatesNothing() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        RequestCounters counters = new RequestCounters();
        long id = Thread.currentThread().threadId();
        long allocated = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            long before = threads.getThreadAllocatedBytes(id);
            for (int i = 0; i < 100_000; i++) {
                int weight = counters.weigh();
                counters.count(i & 63, i % 3 == 0 ? -Errno.ENOENT : i, weight, i);
            }
            allocated = Math.min(allocated, threads.getThreadAllocatedBytes(id) - before);
        }
        assertTrue(allocated < 1_000, allocated + " bytes");
    }

    @Test
    void grammarRefusesWhatIsNoMetric() {
        for (String wrong :
                new String[] {
                    "a 1\n",
                    "# HELP a x\n# TYPE a gauge\na 1",
                    "# HELP a x\n# TYPE a gauge\nb 1\n",
                    "# HELP a x\n# TYPE a gauge\na{x=\"1} 1\n",
                    "# HELP a x\n# TYPE a gauge\na 1\na 1\n",
                    "# HELP a_total x\n# TYPE a_total counter\na_total -1\n",
                    "# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_sum 1\nh_count 1\n",
                }) {
            assertThrows(AssertionError.class, () -> ExpositionGrammar.check(wrong), wrong);
        }
    }
}
