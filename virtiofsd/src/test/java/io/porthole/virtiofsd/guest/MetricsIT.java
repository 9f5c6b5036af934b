package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.virtiofsd.metrics.ExpositionGrammar;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Metrics, {@code top} and the request log of a confined daemon while a real guest works. */
class MetricsIT extends GuestTestBase {
    private static final Machine MACHINE = Machine.pair().getFirst();
    private static final Duration END_LIMIT = Duration.ofSeconds(20);

    private static String ask(SocketAddress address, String request) throws IOException {
        StringBuilder answer = new StringBuilder();
        try (SocketChannel channel = SocketChannel.open(address)) {
            channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
            ByteBuffer in = ByteBuffer.allocate(1 << 20);
            while (channel.read(in) >= 0) {}
            answer.append(StandardCharsets.UTF_8.decode(in.flip()));
        }
        return answer.toString();
    }

    static Map<String, Double> scrape(SocketAddress address) throws IOException {
        String answer = ask(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        assertTrue(answer.startsWith("HTTP/1.1 200 OK\r\n"), answer);
        return ExpositionGrammar.check(answer.substring(answer.indexOf("\r\n\r\n") + 4));
    }

    private static double requests(Map<String, Double> samples, String operation) {
        return samples.getOrDefault(
                "porthole_requests_total{share=\"share\",operation=\"" + operation + "\"}", 0.0);
    }

    @Test
    void countsAreWhatTheGuestDid() throws IOException, InterruptedException {
        Path socket = share.resolveSibling(share.getFileName() + ".metrics");
        SocketAddress address = UnixDomainSocketAddress.of(socket);
        Files.write(share.resolve("data"), new byte[3_000_000]);
        withGuest(
                VirtiofsdProcess.share(share, "--tag=share", "--metrics", "unix:" + socket),
                MACHINE,
                (guest, daemon) -> {
                    Map<String, Double> before = scrape(address);
                    assertEquals(1, before.get("porthole_share_connected{share=\"share\"}"));
                    guest.must(
                            "cd /mnt && for i in $(seq 37); do mkdir d$i; done;"
                                    + " for i in $(seq 12); do rmdir d$i; done;"
                                    + " cat data | wc -c; mkdir d30/x; rmdir d30 2>/dev/null;"
                                    + " mkdir d20 2>/dev/null; dd if=/dev/zero of=new bs=1M count=2"
                                    + " conv=fsync 2>/dev/null; exec 5<data; cat <&5 >/dev/null");
                    Map<String, Double> after = scrape(address);
                    assertEquals(38, requests(after, "MKDIR") - requests(before, "MKDIR"));
                    assertEquals(13, requests(after, "RMDIR") - requests(before, "RMDIR"));
                    assertTrue(requests(after, "FSYNC") >= 1, "FSYNC");
                    String bytes = "porthole_request_bytes_total{share=\"share\",operation=";
                    assertEquals(
                            2 << 20,
                            after.get(bytes + "\"WRITE\"}")
                                    - before.getOrDefault(bytes + "\"WRITE\"}", 0.0));
                    assertTrue(after.get(bytes + "\"READ\"}") >= 3_000_000, "READ");
                    assertEquals(
                            1,
                            after.get(
                                    "porthole_request_errors_total{share=\"share\",operation="
                                            + "\"RMDIR\",error=\"exists\"}"));
                    assertEquals(
                            requests(after, "MKDIR"),
                            after.get(
                                    "porthole_request_duration_seconds_count{share=\"share\","
                                            + "operation=\"MKDIR\"}"),
                            20,
                            "what was timed stands for all");
                    assertTrue(after.get("porthole_inodes{share=\"share\"}") >= 26);
                    assertTrue(
                            after.get("porthole_queue_requests_total{share=\"share\",queue=\"1\"}")
                                    > 50);
                    assertTrue(after.containsKey("jvm_gc_seconds_total{gc=\"Copy\"}"));
                    guest.must("(while :; do ls -l /mnt; echo x > /mnt/y; done) >/dev/null 2>&1 &");
                    String line =
                            Ctl.must(
                                    "top",
                                    "--once",
                                    "--json",
                                    "--interval=1",
                                    "--metrics=unix:" + socket);
                    assertTrue(line.contains("\"share\":\"share\",\"connected\":true"), line);
                    assertTrue(line.contains("\"operation\":\"OPEN"), line);
                    String screen =
                            Ctl.must("top", "--once", "--interval=1", "--metrics=unix:" + socket);
                    assertTrue(screen.contains("\n* share "), screen);
                    assertTrue(
                            screen.lines().allMatch(one -> one.length() <= 80)
                                    && screen.lines().count() <= 24,
                            screen);
                    String lost = ask(address, "GET /nothing HTTP/1.1\r\n\r\n");
                    assertTrue(lost.startsWith("HTTP/1.1 404 "), lost);
                    String post = ask(address, "POST /metrics HTTP/1.1\r\n\r\n");
                    assertTrue(post.startsWith("HTTP/1.1 405 "), post);
                    // A client that says nothing is not waited for.
                    try (SocketChannel silent = SocketChannel.open(address)) {
                        scrape(address);
                        assertTrue(silent.isOpen());
                    }
                });
        assertFalse(Files.exists(socket), "removed with the daemon");
    }

    @Test
    void loopbackPortIsReachableFromTheHostAndNothingElseIsTaken()
            throws IOException, InterruptedException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        try (VirtiofsdProcess daemon =
                VirtiofsdProcess.share(share, "--tag=share", "--metrics=127.0.0.1:" + port)) {
            daemon.awaitLog("Waiting for vhost-user", END_LIMIT);
            Map<String, Double> samples =
                    scrape(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            assertEquals(0, samples.get("porthole_share_connected{share=\"share\"}"));
        }
        for (String wrong : new String[] {"0.0.0.0:9000", "10.0.0.1:9000", "9000", "127.0.0.1:0"}) {
            Ctl.Result refused =
                    Ctl.run(
                            "--shared-dir",
                            share.toString(),
                            "--socket-path",
                            share + ".sock",
                            "--metrics",
                            wrong);
            assertEquals(2, refused.exit(), refused.output());
            assertTrue(refused.output().contains("--metrics takes"), refused.output());
        }
    }

    @Test
    void debugLogTellsEveryRequestButNoContents() throws IOException, InterruptedException {
        withGuest(
                VirtiofsdProcess.share(share, "--tag=share", "--log-level=debug"),
                MACHINE,
                (guest, daemon) -> {
                    guest.must(
                            "cd /mnt && printf secret-content > \"$(printf 'a\\033[31m\\nb')\";"
                                    + " cat a*; mkdir dir; rmdir gone 2>/dev/null; cat none 2>/dev/null;"
                                    + " mv dir other");
                    daemon.awaitLog("RENAME", END_LIMIT);
                    String log = daemon.log();
                    assertTrue(
                            log.contains("name=\"a\\x1b[31m\\x0ab\""),
                            "the name is shown, and harmless" + daemon.logTail());
                    assertFalse(log.contains("\033"), "no control character gets through");
                    assertFalse(log.contains("secret-content"), "no contents");
                    assertTrue(
                            log.lines()
                                    .anyMatch(line ->
                                            line.contains("share: MKDIR ")
                                                    && line.contains("name=\"dir\"")
                                                    && line.contains(" -> ok ")
                                                    && line.matches(".*, [0-9]+ us")));
                    assertTrue(
                            log.lines()
                                    .anyMatch(line ->
                                            line.contains("LOOKUP ")
                                                    && line.contains(
                                                            "name=\"none\" -> ok, no such name")));
                    assertTrue(
                            log.lines()
                                    .anyMatch(line ->
                                            line.contains("WRITE ")
                                                    && line.contains(" -> ok 14 bytes")));
                });
    }
}
