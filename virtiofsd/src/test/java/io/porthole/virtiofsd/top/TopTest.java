package io.porthole.virtiofsd.top;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is made of two scrapes, and whether it fits the screen. */
final class TopTest {
    private static String page(int reads, int bytes, int fast, int slow) {
        return """
        # HELP porthole_requests_total x
        porthole_requests_total{share="a",operation="READ"} %d
        porthole_requests_total{share="b",operation="LOOKUP"} 5
        porthole_request_bytes_total{share="a",operation="READ"} %d
        porthole_request_errors_total{share="b",operation="LOOKUP",error="not_found"} 5
        porthole_request_duration_seconds_bucket{share="a",operation="READ",le="1.0E-6"} %d
        porthole_request_duration_seconds_bucket{share="a",operation="READ",le="2.0E-6"} %d
        porthole_request_duration_seconds_bucket{share="a",operation="READ",le="+Inf"} %d
        porthole_share_connected{share="a"} 1
        porthole_share_connected{share="b"} 0
        porthole_inodes{share="a"} 1234567
        porthole_info{version="1.2\\"3"} 1
        porthole_uptime_seconds 90061.5
        jvm_heap_used_bytes 1.2E7
        jvm_heap_max_bytes 402653184
        jvm_gc_seconds_total{gc="Copy"} 0.5
        """
                .formatted(reads, bytes, fast, fast + slow, fast + slow);
    }

    private static Activity activity() throws IOException {
        Scrape before = new Scrape(0, Scrape.parse(page(10, 1000, 10, 0)).samples());
        Scrape now =
                new Scrape(2_000_000_000L, Scrape.parse(page(210, 4_195_304, 110, 100)).samples());
        return Activity.between(before, now);
    }

    @Test
    void ratesAreDifferencesByTime() throws IOException {
        Activity activity = activity();
        Activity.Share a = activity.shares().getFirst();
        assertEquals("a", a.tag());
        assertTrue(a.connected());
        assertEquals(100, a.requests());
        assertEquals(2_097_152, a.readBytes());
        assertEquals(1e-6, a.median(), 1e-9);
        assertEquals(1.98e-6, a.slowest(), 1e-8);
        assertEquals(1_234_567, a.inodes());
        Activity.Share b = activity.shares().get(1);
        assertEquals(0, b.requests());
        assertTrue(Double.isNaN(b.median()));
        assertEquals(1, activity.operations().size(), "idle operations are not listed");
    }

    @Test
    void shareThatBeginsAnewCountsFromZero() throws IOException {
        Scrape before = new Scrape(0, Scrape.parse(page(1000, 0, 1000, 0)).samples());
        Scrape now = new Scrape(1_000_000_000L, Scrape.parse(page(50, 0, 50, 0)).samples());
        assertEquals(50, Activity.between(before, now).shares().getFirst().requests());
    }

    @Test
    void screenFitsEveryTerminal() throws IOException {
        StringBuilder many = new StringBuilder();
        for (int i = 0; i < 60; i++) {
            String tag = "a-tag-of-quite-some-length-" + i;
            many.append("porthole_share_connected{share=\"").append(tag).append("\"} 1\n");
            many.append("porthole_requests_total{share=\"").append(tag);
            many.append("\",operation=\"COPY_FILE_RANGE_64\"} ").append(i * 99_999L).append('\n');
        }
        Scrape none = new Scrape(0, List.of());
        Scrape lots = new Scrape(1_000_000_000L, Scrape.parse(many.toString()).samples());
        for (Activity activity : List.of(activity(), Activity.between(none, lots))) {
            for (int rows : new int[] {8, 24, 50}) {
                List<String> lines = Screen.lines(activity, "12:00:00", 80, rows);
                assertTrue(lines.size() <= rows, lines.size() + " of " + rows);
                lines.forEach(line -> assertTrue(line.length() <= 80, line));
                assertEquals(
                        lines, Screen.lines(activity, "12:00:00", 500, rows), "nothing is cut");
                assertTrue(lines.stream().anyMatch(line -> line.startsWith("OPERATION")));
            }
        }
        List<String> lines = Screen.lines(activity(), "12:00:00", 80, 24);
        assertTrue(lines.getFirst().contains("up 1d 01:01:01"), lines.getFirst());
        assertTrue(lines.stream().anyMatch(line -> line.startsWith("* a ")), lines.toString());
    }

    @Test
    void figuresKeepTheirWidth() {
        for (double n = 0; n < 1e12; n = n * 1.07 + 0.3) {
            assertTrue(Screen.count(n).length() <= 6, Screen.count(n));
            assertTrue(Screen.size(n).length() <= 6, Screen.size(n));
        }
        for (double s = 1e-9; s < 9000; s *= 1.3) {
            assertTrue(Screen.time(s).length() <= 7, Screen.time(s));
        }
        assertEquals("1.5K", Screen.size(1536));
        assertEquals("12us", Screen.time(12.4e-6));
        assertEquals("0", Screen.count(0));
    }

    @Test
    void jsonIsWhole() throws IOException {
        String json = Json.of(activity());
        assertTrue(json.startsWith("{\"seconds\":2,\"version\":\"1.2\\\"3\""), json);
        assertTrue(json.contains("\"share\":\"a\",\"connected\":true"), json);
        assertTrue(json.contains("\"p50_seconds\":null"), json);
        assertTrue(json.contains("\"requests_per_second\":100"), json);
        assertTrue(json.endsWith("]}]}"), json);
    }

    @Test
    void whatIsNoMetricIsNamed() {
        IOException wrong = assertThrows(IOException.class, () -> Scrape.parse("porthole{x 1\n"));
        assertTrue(String.valueOf(wrong.getMessage()).contains("porthole{x 1"));
    }
}
