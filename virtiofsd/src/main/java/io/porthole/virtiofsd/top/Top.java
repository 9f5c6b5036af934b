package io.porthole.virtiofsd.top;

import io.porthole.virtiofsd.cli.UsageException;
import java.io.IOException;
import java.io.PrintStream;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The command: asks at intervals, shows the difference, ends with q or Ctrl-C. */
public final class Top {
    private static final String USAGE =
            """
            Shows what a running virtiofsd does.

            Usage: virtiofsd top --metrics unix:PATH|127.0.0.1:PORT [--interval SECONDS] [--once] [--json]

              --metrics ADDRESS    What the daemon was given as --metrics
              --interval SECONDS   Between two looks (default 2)
              --once               Show one interval and end
              --json               One JSON object a line instead of a screen

            A * marks a share whose virtual machine is connected. READ is what the guest reads, P50 and
            P99 are the times that half and 99 of 100 requests stayed below. PINNED counts inodes with a
            descriptor, OPEN files and directories that the guest has open. q or Ctrl-C ends.
            """;

    private static final String BOLD = "\033[1m";
    private static final String INVERSE = "\033[7m";
    private static final String PLAIN = "\033[0m";
    private static final String CLEAR_TO_END_OF_LINE = "\033[K";
    private static final String CLEAR_BELOW = "\033[J";
    private static final String ENTER = "\033[?1049h\033[?25l\033[2J";
    private static final String LEAVE = "\033[?25h\033[?1049l";

    private static final int COLUMNS = 80;
    private static final int ROWS = 24;
    private static final double SHORTEST = 0.1;
    private static final double LONGEST = 3600;

    private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    private String metrics = "";
    private double interval = 2;
    private boolean once;
    private boolean json;

    private Top() {}

    /** Does what the arguments after {@code top} say. */
    public static void run(String[] args) throws UsageException, IOException {
        Top top = new Top();
        if (!top.read(args)) {
            return;
        }
        SocketAddress address = Scrape.address(top.metrics);
        if (top.json || top.once) {
            top.print(address);
        } else {
            top.live(address);
        }
    }

    private boolean read(String[] args) throws UsageException {
        for (int i = 1; i < args.length; i++) {
            String arg = args[i];
            int equals = arg.indexOf('=');
            String name = equals < 0 ? arg : arg.substring(0, equals);
            switch (name) {
                case "--help", "-h" -> {
                    System.out.print(USAGE);
                    return false;
                }
                case "--once" -> once = true;
                case "--json" -> json = true;
                case "--metrics", "--interval" -> {
                    if (equals < 0 && i + 1 == args.length) {
                        throw new UsageException(name + " needs a value; see virtiofsd top --help");
                    }
                    String value = equals < 0 ? args[++i] : arg.substring(equals + 1);
                    if (name.equals("--metrics")) {
                        metrics = value;
                    } else {
                        interval = seconds(value);
                    }
                }
                default ->
                        throw new UsageException(
                                "unknown argument '" + arg + "'; see virtiofsd top --help");
            }
        }
        if (metrics.isEmpty()) {
            throw new UsageException(
                    "--metrics is missing: what was the daemon given? See virtiofsd top --help");
        }
        return true;
    }

    private static double seconds(String value) throws UsageException {
        try {
            double seconds = Double.parseDouble(value);
            if (seconds >= SHORTEST && seconds <= LONGEST) {
                return seconds;
            }
        } catch (NumberFormatException e) {
            // Said below, as for a number out of range.
        }
        throw new UsageException("--interval takes seconds from 0.1 to 3600, not '" + value + "'");
    }

    private void print(SocketAddress address) throws IOException {
        Scrape before = Scrape.fetch(address);
        do {
            pause(interval);
            Scrape now = Scrape.fetch(address);
            Activity activity = Activity.between(before, now);
            if (json) {
                out.println(Json.of(activity));
            } else {
                Screen.lines(activity, clock(), COLUMNS, ROWS)
                        .forEach(line -> out.println(line.stripTrailing()));
            }
            out.flush();
            before = now;
        } while (!once && !out.checkError());
    }

    private void live(SocketAddress address) throws IOException {
        if (!Objects.requireNonNull(System.console()).isTerminal()) {
            throw new IOException("standard output is no terminal: use --once or --json");
        }
        // The first answer, so that a wrong address is told on the usual screen.
        Scrape before = Scrape.fetch(address);
        String saved = terminal("stty -g");
        Thread restore = new Thread(() -> leave(saved), "restore");
        Runtime.getRuntime().addShutdownHook(restore);
        terminal("stty -icanon -echo min 0 time 0");
        out.print(ENTER);
        try {
            draw(Activity.between(before, before), null);
            while (!waitForQuit()) {
                try {
                    Scrape now = Scrape.fetch(address);
                    draw(Activity.between(before, now), null);
                    before = now;
                } catch (IOException e) {
                    draw(Activity.between(before, before), "no answer: " + e.getMessage());
                }
            }
        } finally {
            leave(saved);
        }
    }

    private void leave(String saved) {
        out.print(LEAVE);
        out.flush();
        terminal("stty " + saved);
    }

    /** Waits an interval; true if the person wants to end. */
    private boolean waitForQuit() throws IOException {
        long end = System.nanoTime() + (long) (interval * 1e9);
        while (System.nanoTime() < end) {
            while (System.in.available() > 0) {
                int key = System.in.read();
                if (key == 'q' || key == 'Q') {
                    return true;
                }
            }
            pause(0.05);
        }
        return false;
    }

    private void draw(Activity activity, @Nullable String trouble) {
        String[] size = terminal("stty size").split(" ", -1);
        int rows = ROWS;
        int columns = COLUMNS;
        if (size.length == 2 && size[0].matches("[1-9][0-9]*") && size[1].matches("[1-9][0-9]*")) {
            rows = Integer.parseInt(size[0]);
            columns = Integer.parseInt(size[1]);
        }
        List<String> lines = Screen.lines(activity, clock(), columns, rows);
        StringBuilder frame = new StringBuilder("\033[H");
        for (int i = 0; i < lines.size(); i++) {
            String line = i == 1 && trouble != null ? trouble : lines.get(i);
            if (i == 0) {
                frame.append(BOLD).append(line).append(PLAIN);
            } else if (Screen.isHead(line)) {
                frame.append(INVERSE).append(line);
                frame.append(" ".repeat(Math.max(0, columns - line.length()))).append(PLAIN);
            } else {
                frame.append(line.length() > columns ? line.substring(0, columns) : line);
            }
            frame.append(CLEAR_TO_END_OF_LINE);
            frame.append(i < lines.size() - 1 ? "\r\n" : "");
        }
        out.print(frame.append(CLEAR_BELOW));
        out.flush();
    }

    private static String clock() {
        return LocalTime.now(ZoneId.systemDefault()).truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /** Runs a command on the terminal; what it printed, or nothing where it failed. */
    private static String terminal(String command) {
        try {
            Process process =
                    new ProcessBuilder("sh", "-c", command + " </dev/tty 2>/dev/null").start();
            process.getOutputStream().close();
            String text =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor();
            return text.strip();
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    private static void pause(double seconds) {
        try {
            Thread.sleep((long) (seconds * 1e3));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
