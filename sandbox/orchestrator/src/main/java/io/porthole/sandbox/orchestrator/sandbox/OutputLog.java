package io.porthole.sandbox.orchestrator.sandbox;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;

/**
 * A container's output on disk, in Kubernetes' log format, which keeps bytes as they are: {@code
 * TIME stdout|stderr F|P BYTES} a line, P where the line goes on. Two files of at most {@value
 * #FILE_BYTES} bytes: the older half of a long log is dropped.
 */
public final class OutputLog implements AutoCloseable {
    static final long FILE_BYTES = 32L << 20;
    private static final int LINE_BYTES = 16 << 10;

    private final Path file;
    private final long limit;
    private OutputStream out;
    private long size;

    public OutputLog(Path file) throws IOException {
        this(file, FILE_BYTES);
    }

    OutputLog(Path file, long limit) throws IOException {
        this.file = file;
        this.limit = limit;
        this.out = open();
        this.size = Files.size(file);
    }

    private OutputStream open() throws IOException {
        return Files.newOutputStream(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND,
                StandardOpenOption.WRITE);
    }

    /** The older part of a log. */
    public static Path older(Path file) {
        return file.resolveSibling(file.getFileName() + ".1");
    }

    public synchronized void write(boolean stderr, byte[] data) throws IOException {
        ByteArrayOutputStream lines = new ByteArrayOutputStream(data.length + 64);
        String head = Instant.now() + (stderr ? " stderr " : " stdout ");
        for (int at = 0; at < data.length; ) {
            int end = at;
            while (end < data.length && data[end] != '\n' && end - at < LINE_BYTES) {
                end++;
            }
            boolean whole = end < data.length && data[end] == '\n';
            lines.writeBytes((head + (whole ? "F " : "P ")).getBytes(StandardCharsets.US_ASCII));
            lines.write(data, at, end - at);
            lines.write('\n');
            at = whole ? end + 1 : end;
        }
        if (size + lines.size() > limit) {
            out.close();
            Files.move(file, older(file), StandardCopyOption.REPLACE_EXISTING);
            out = open();
            size = 0;
        }
        lines.writeTo(out);
        out.flush();
        size += lines.size();
    }

    @Override
    public synchronized void close() throws IOException {
        out.close();
    }
}
