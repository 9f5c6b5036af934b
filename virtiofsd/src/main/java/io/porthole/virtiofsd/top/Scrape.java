package io.porthole.virtiofsd.top;

import io.porthole.virtiofsd.cli.UsageException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The daemon's metrics at one time.
 *
 * @param nanos System.nanoTime() of the answer
 */
record Scrape(long nanos, List<Sample> samples) {
    /** One line. */
    record Sample(String name, Map<String, String> labels, double value) {
        String label(String which) {
            return labels.getOrDefault(which, "");
        }
    }

    /** Where to ask: {@code unix:PATH} or {@code HOST:PORT}. */
    static SocketAddress address(String text) throws UsageException {
        if (text.startsWith("unix:")) {
            return UnixDomainSocketAddress.of(text.substring("unix:".length()));
        }
        int colon = text.lastIndexOf(':');
        try {
            return new InetSocketAddress(
                    InetAddress.getByName(text.substring(0, Math.max(colon, 0))),
                    Integer.parseInt(text.substring(colon + 1)));
        } catch (IOException | IllegalArgumentException e) {
            throw new UsageException(
                    "--metrics takes unix:PATH or 127.0.0.1:PORT, not '" + text + "'");
        }
    }

    /** Asks for the metrics. */
    static Scrape fetch(SocketAddress address) throws IOException {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        try (SocketChannel channel = SocketChannel.open(address)) {
            String request =
                    "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            ByteBuffer out = ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII));
            while (out.hasRemaining()) {
                channel.write(out);
            }
            ByteBuffer in = ByteBuffer.allocate(64 * 1024);
            while (channel.read(in) >= 0) {
                answer.write(in.array(), 0, in.position());
                in.clear();
            }
        }
        String text = answer.toString(StandardCharsets.UTF_8);
        int body = text.indexOf("\r\n\r\n");
        if (body < 0 || !text.startsWith("HTTP/1.1 200 ")) {
            throw new IOException(
                    "no metrics there: " + text.lines().findFirst().orElse("no answer"));
        }
        return parse(text.substring(body + 4));
    }

    /**
     * Reads the text exposition format.
     *
     * @throws IOException naming the first line that is none
     */
    static Scrape parse(String text) throws IOException {
        List<Sample> samples = new ArrayList<>();
        for (String line : text.split("\n", -1)) {
            if (!line.isEmpty() && line.charAt(0) != '#') {
                try {
                    samples.add(sample(line));
                } catch (RuntimeException e) {
                    throw new IOException("not a metric: " + line, e);
                }
            }
        }
        return new Scrape(System.nanoTime(), samples);
    }

    private static Sample sample(String line) {
        int at = 0;
        while (at < line.length() && line.charAt(at) != '{' && line.charAt(at) != ' ') {
            at++;
        }
        String name = line.substring(0, at);
        Map<String, String> labels = new HashMap<>();
        if (line.charAt(at) == '{') {
            at++;
            while (line.charAt(at) != '}') {
                int equals = line.indexOf("=\"", at);
                String label = line.substring(at, equals);
                StringBuilder value = new StringBuilder();
                at = equals + 2;
                while (line.charAt(at) != '"') {
                    char c = line.charAt(at++);
                    if (c == '\\') {
                        c = line.charAt(at++);
                        c = c == 'n' ? '\n' : c;
                    }
                    value.append(c);
                }
                labels.put(label, value.toString());
                at++;
                if (line.charAt(at) == ',') {
                    at++;
                }
            }
            at++;
        }
        String value = line.substring(at).strip();
        return new Sample(
                name,
                labels,
                value.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(value));
    }

    /** The value of the only sample of that name, or 0. */
    double value(String name) {
        return samples.stream()
                .filter(s -> s.name.equals(name))
                .mapToDouble(Sample::value)
                .findFirst()
                .orElse(0);
    }

    double sum(String name) {
        return samples.stream().filter(s -> s.name.equals(name)).mapToDouble(Sample::value).sum();
    }
}
