package io.porthole.virtiofsd.log;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;

/** Where log lines go, and which. One per process. */
public final class DaemonLog {
    /** Takes one finished line. */
    public interface Sink {
        void line(Level level, byte[] text, int bytes);
    }

    // The descriptor is the process's own; it is never closed.
    private static final FileOutputStream STDERR = new FileOutputStream(FileDescriptor.err);

    // 0 lets nothing through; Level.ERROR.toInt() is 40, TRACE 0.
    private static volatile int threshold = Level.INFO.toInt();
    private static volatile Sink sink = DaemonLog::toStderr;
    private static volatile boolean stamped = true;

    private DaemonLog() {}

    /** Shows events of {@code level} and above; null shows nothing. */
    public static void setLevel(@Nullable Level level) {
        threshold = level == null ? Integer.MAX_VALUE : level.toInt();
    }

    /** Sends lines elsewhere; syslog stamps them itself. */
    public static void setSink(Sink newSink) {
        sink = newSink;
        stamped = false;
    }

    static boolean isEnabled(Level level) {
        return level.toInt() >= threshold;
    }

    /** Writes one event, whatever the level that is shown. */
    public static void write(Level level, String message, @Nullable Throwable error) {
        StringBuilder line = new StringBuilder(message.length() + 48);
        if (stamped) {
            line.append('[');
            UtcStamp.append(line, System.currentTimeMillis());
            line.append(' ').append(level.name());
            line.append(level.name().length() == 4 ? "  virtiofsd] " : " virtiofsd] ");
        }
        line.append(message);
        if (error != null) {
            line.append(": ").append(error);
            if (isEnabled(Level.DEBUG)) {
                StringWriter trace = new StringWriter();
                error.printStackTrace(new PrintWriter(trace));
                line.append('\n').append(trace);
            }
        }
        line.append('\n');
        byte[] bytes = line.toString().getBytes(StandardCharsets.UTF_8);
        sink.line(level, bytes, bytes.length);
    }

    private static void toStderr(Level level, byte[] text, int bytes) {
        try {
            STDERR.write(text, 0, bytes);
        } catch (IOException e) {
            // Standard error is gone; there is nowhere left to say so.
        }
    }
}
