package io.porthole.sandbox.orchestrator.process;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Keeps the end of a stream that an untrusted party writes: the last {@value #KEPT_BYTES} bytes in
 * memory, and up to {@value #FILE_BYTES} bytes, then the same again in a second file, on disk, so
 * that a guest which floods its console fills neither.
 */
public final class TailBuffer implements AutoCloseable {
    private static final int KEPT_BYTES = 64 << 10;
    private static final long FILE_BYTES = 1 << 20;

    private final byte[] ring = new byte[KEPT_BYTES];
    private final Path file;
    private final Thread reader;
    private long written;
    private long firstByteNanos = -1;

    /** Reads {@code source} on a thread of its own until its end. */
    public TailBuffer(String threadName, InputStream source, Path file) {
        this.file = file;
        this.reader = Thread.ofVirtual().name(threadName).unstarted(() -> drain(source));
        reader.start();
    }

    /** {@link System#nanoTime} when the first byte came, or -1. */
    public synchronized long firstByteNanos() {
        return firstByteNanos;
    }

    /** The last lines, oldest first; control and non-ASCII characters shown as '?'. */
    public List<String> lastLines(int count) {
        byte[] kept;
        synchronized (this) {
            int length = (int) Math.min(written, KEPT_BYTES);
            kept = new byte[length];
            for (int i = 0; i < length; i++) {
                kept[i] = ring[(int) ((written - length + i) % KEPT_BYTES)];
            }
        }
        return lastLines(kept, count);
    }

    static List<String> lastLines(byte[] bytes, int count) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        List<String> lines = new ArrayList<>();
        // Escape sequences first: a console tail must not repaint the reader's terminal.
        String plain = text.replaceAll("\u001b\\[[0-9;?]*[A-Za-z]|\u001b[c78=>]", "");
        for (String line : plain.split("\n", -1)) {
            String clean = line.strip().replaceAll("[^\\x20-\\x7e]", "?");
            if (!clean.isEmpty()) {
                lines.add(clean);
            }
        }
        return List.copyOf(lines.subList(Math.max(0, lines.size() - count), lines.size()));
    }

    /** Waits until the stream's end was read, for at most {@code millis}. */
    public void awaitEnd(long millis) throws InterruptedException {
        reader.join(millis);
    }

    @Override
    public void close() {
        reader.interrupt();
    }

    private void drain(InputStream source) {
        byte[] buffer = new byte[8192];
        try (source) {
            OutputStream out = Files.newOutputStream(file);
            try {
                long inFile = 0;
                for (int n = source.read(buffer); n >= 0; n = source.read(buffer)) {
                    keep(buffer, n);
                    if (inFile + n > FILE_BYTES) {
                        out.close();
                        Files.move(
                                file,
                                file.resolveSibling(file.getFileName() + ".1"),
                                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
                        out = Files.newOutputStream(file);
                        inFile = 0;
                    }
                    out.write(buffer, 0, n);
                    inFile += n;
                }
            } finally {
                out.close();
            }
        } catch (IOException e) {
            // The writer has gone or the log cannot be kept; what was read stays readable.
        }
    }

    private synchronized void keep(byte[] bytes, int length) {
        if (firstByteNanos < 0) {
            firstByteNanos = System.nanoTime();
        }
        for (int i = 0; i < length; i++) {
            ring[(int) ((written + i) % KEPT_BYTES)] = bytes[i];
        }
        written += length;
    }
}
