package io.porthole.virtiofsd;

import io.porthole.linux.SyscallException;
import io.porthole.linux.UnixListener;
import io.porthole.linux.UnixSocket;
import io.porthole.virtiofsd.metrics.MetricsPage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The least of HTTP/1.1 that a scraper needs: one request a connection, GET or HEAD of /metrics,
 * one client at a time, each with little patience for it.
 */
final class MetricsServer implements Runnable {
    private static final Logger log = LoggerFactory.getLogger(MetricsServer.class);

    private static final int MAX_REQUEST_BYTES = 8 * 1024;
    private static final int PATIENCE_MILLIS = 2_000;

    private final UnixListener listener;
    private final MetricsPage page;

    MetricsServer(UnixListener listener, MetricsPage page) {
        this.listener = listener;
        this.page = page;
    }

    @Override
    public void run() {
        while (true) {
            try (UnixSocket client = listener.accept()) {
                client.patience(PATIENCE_MILLIS);
                answer(client);
            } catch (SyscallException e) {
                if (!listener.fd().isOpen()) {
                    return;
                }
                log.debug("metrics client: {}", e.getMessage());
            } catch (RuntimeException | Error e) {
                log.error("metrics", e);
            }
        }
    }

    private void answer(UnixSocket client) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(MAX_REQUEST_BYTES);
            String request = receive(client, buffer);
            String[] line = request.split("[ \r]", 4);
            boolean get = line[0].equals("GET");
            if (!get && !line[0].equals("HEAD")) {
                send(client, "405 Method Not Allowed", "", true);
            } else if (line.length < 3 || !line[2].startsWith("HTTP/1.")) {
                send(client, "400 Bad Request", "", true);
            } else if (!line[1].equals("/metrics") && !line[1].equals("/")) {
                send(client, "404 Not Found", "", get);
            } else {
                send(client, "200 OK", page.render(), get);
            }
        }
    }

    /** Everything up to the empty line, or what came instead. */
    private static String receive(UnixSocket client, MemorySegment buffer) throws SyscallException {
        long have = 0;
        String text = "";
        while (have < buffer.byteSize() && !text.contains("\r\n\r\n")) {
            long came = client.recv(buffer.asSlice(have));
            if (came == 0) {
                break;
            }
            have += came;
            byte[] bytes = buffer.asSlice(0, have).toArray(ValueLayout.JAVA_BYTE);
            text = new String(bytes, StandardCharsets.ISO_8859_1);
        }
        return text;
    }

    private static void send(UnixSocket client, String status, String body, boolean withBody)
            throws SyscallException {
        byte[] content = body.getBytes(StandardCharsets.UTF_8);
        String head =
                "HTTP/1.1 "
                        + status
                        + "\r\nContent-Type: "
                        + MetricsPage.CONTENT_TYPE
                        + "\r\nContent-Length: "
                        + content.length
                        + "\r\nConnection: close\r\n\r\n";
        byte[] headBytes = head.getBytes(StandardCharsets.ISO_8859_1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(headBytes.length + (withBody ? content.length : 0));
            MemorySegment.copy(headBytes, 0, out, ValueLayout.JAVA_BYTE, 0, headBytes.length);
            if (withBody) {
                MemorySegment.copy(
                        content, 0, out, ValueLayout.JAVA_BYTE, headBytes.length, content.length);
            }
            client.send(out);
        }
    }
}
