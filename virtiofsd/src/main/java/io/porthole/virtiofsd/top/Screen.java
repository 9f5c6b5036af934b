package io.porthole.virtiofsd.top;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Draws an activity as lines of text that fit a terminal. */
final class Screen {
    /** The first column is the mark and the tag; all come to 80. */
    private static final String SHARE_LINE = "%-14s %6s %7s %7s %6s %6s %6s %7s %7s %5s";

    private static final String SHARE_HEAD =
            SHARE_LINE.formatted(
                    "SHARE", "REQ/S", " READ/S", "WRITE/S", "ERR/S", "P50", "P99", "INODES",
                    "PINNED", "OPEN");

    private static final String OPERATION_HEAD =
            "OPERATION           SHARE            REQ/S  BYTES/S   ERR/S     P50     P99";

    /** Lines besides those of shares and operations. */
    private static final int FRAME_LINES = 6;

    private Screen() {}

    /**
     * The lines, none wider than {@code columns} and no more than {@code rows}; those at {@link
     * #isHead} are headings.
     */
    static List<String> lines(Activity now, String clock, int columns, int rows) {
        List<String> lines = new ArrayList<>();
        Activity.DaemonState p = now.process();
        lines.add(
                String.format(
                        Locale.ROOT,
                        "virtiofsd %s  up %s  heap %s of %s  gc %.1f%%  %s",
                        p.version(),
                        duration((long) p.uptime()),
                        size(p.heapUsed()),
                        size(p.heapMax()),
                        100 * p.gcShare(),
                        clock));
        lines.add("");
        lines.add(SHARE_HEAD);
        // Half of the room, and at least one line, is for shares.
        int room = Math.max(2, rows - FRAME_LINES);
        List<Activity.Share> shares = now.shares();
        int shown = Math.min(shares.size(), Math.max(1, room / 2));
        for (Activity.Share s : shares.subList(0, shown)) {
            lines.add(
                    String.format(
                            Locale.ROOT,
                            SHARE_LINE,
                            (s.connected() ? "* " : "  ") + name(s.tag(), 12),
                            count(s.requests()),
                            size(s.readBytes()),
                            size(s.writtenBytes()),
                            count(s.errors()),
                            time(s.median()),
                            time(s.slowest()),
                            count((double) s.inodes()),
                            count((double) s.pinned()),
                            count((double) s.open())));
        }
        if (shown < shares.size()) {
            lines.add("  and " + (shares.size() - shown) + " more");
        }
        lines.add("");
        lines.add(OPERATION_HEAD);
        for (Activity.Operation o : now.operations()) {
            if (lines.size() >= rows - 1) {
                break;
            }
            lines.add(
                    String.format(
                            Locale.ROOT,
                            "%-19s %-13s %8s %8s %7s %7s %7s",
                            o.name(),
                            name(o.share(), 13),
                            count(o.requests()),
                            size(o.bytes()),
                            count(o.errors()),
                            time(o.median()),
                            time(o.slowest())));
        }
        if (now.operations().isEmpty()) {
            lines.add("no requests in this interval");
        }
        List<String> fitting = new ArrayList<>();
        for (String line : lines.subList(0, Math.min(lines.size(), rows))) {
            fitting.add(line.length() > columns ? line.substring(0, columns) : line);
        }
        return fitting;
    }

    static boolean isHead(String line) {
        return line.startsWith("SHARE ") || line.startsWith("OPERATION ");
    }

    /** A tag cut to a width, without what would move the cursor. */
    private static String name(String tag, int width) {
        String clean = tag.isEmpty() ? "-" : tag.replaceAll("\\p{Cntrl}", "?");
        return clean.length() > width ? clean.substring(0, width - 1) + "+" : clean;
    }

    /** At most six characters. */
    static String count(double n) {
        if (n < 9.95) {
            return n == Math.rint(n)
                    ? Long.toString((long) n)
                    : String.format(Locale.ROOT, "%.1f", n);
        }
        String[] units = {"", "k", "M", "G", "T"};
        int unit = 0;
        double scaled = n;
        while (scaled >= 99_999.5 && unit < units.length - 1) {
            scaled /= 1e3;
            unit++;
        }
        return Math.round(scaled) + units[unit];
    }

    /** Bytes in at most six characters. */
    static String size(double bytes) {
        String[] units = {"", "K", "M", "G", "T"};
        int unit = 0;
        double n = bytes;
        while (n >= 999.5 && unit < units.length - 1) {
            n /= 1024;
            unit++;
        }
        return unit > 0 && n < 9.95
                ? String.format(Locale.ROOT, "%.1f%s", n, units[unit])
                : Math.round(n) + units[unit];
    }

    /** Seconds as at most six characters; "-" for none. */
    static String time(double seconds) {
        if (Double.isNaN(seconds)) {
            return "-";
        }
        double micros = seconds * 1e6;
        if (micros < 9.95) {
            return String.format(Locale.ROOT, "%.1fus", micros);
        }
        if (micros < 999.5) {
            return Math.round(micros) + "us";
        }
        double millis = micros / 1e3;
        if (millis < 9.95) {
            return String.format(Locale.ROOT, "%.1fms", millis);
        }
        return millis < 999.5
                ? Math.round(millis) + "ms"
                : String.format(Locale.ROOT, "%.1fs", seconds);
    }

    private static String duration(long seconds) {
        long days = seconds / 86_400;
        String clock =
                String.format(
                        Locale.ROOT,
                        "%02d:%02d:%02d",
                        seconds / 3600 % 24,
                        seconds / 60 % 60,
                        seconds % 60);
        return days == 0 ? clock : days + "d " + clock;
    }
}
