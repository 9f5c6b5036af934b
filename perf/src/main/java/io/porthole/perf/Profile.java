package io.porthole.perf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Counts a daemon's system calls per operation with strace(1), or its instructions by
 * single-stepping it; {@code dev/profile} is its front.
 */
@Command(
        name = "profile",
        mixinStandardHelpOptions = true,
        description = "Shows the system calls or the instructions that an operation takes.")
public final class Profile implements Callable<Integer> {
    /** A line of strace -c: its fourth column counts the calls, the last names them. */
    private static final Pattern LINE =
            Pattern.compile("^ *[0-9.]+ +[0-9.]+ +[0-9]+ +([0-9]+) +(?:([0-9]+) +)?([a-z_0-9]+)$");

    @Option(names = "--target", required = true, description = "A daemon: NAME=COMMAND.")
    List<String> targetTexts = List.of();

    @Option(names = "--share", required = true, description = "An empty directory to share.")
    Path share = Path.of(".");

    @Option(names = "--work", required = true, description = "For sockets and logs.")
    Path work = Path.of(".");

    @Option(names = "--tree", required = true, description = "A real tree to copy files from.")
    Path tree = Path.of("/usr/share");

    @Option(names = "--operations", defaultValue = "2000")
    int operations = 2000;

    @Option(
            names = "--instructions",
            description = "Count instructions instead: the program made of steps.c.")
    @Nullable Path stepper;

    @Parameters(arity = "1..*", paramLabel = "ROW", description = "Ids of rows.")
    List<String> rowIds = List.of();

    public static void main(String[] args) {
        CommandLine line = new CommandLine(new Profile());
        line.setExecutionExceptionHandler((e, command, parsed) -> {
            System.err.println("profile: " + e.getMessage());
            return 1;
        });
        System.exit(line.execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<Row> rows =
                Row.all().stream()
                        .filter(r -> r.queues() == 1 && rowIds.stream().anyMatch(r.id()::contains))
                        .toList();
        if (rows.isEmpty()) {
            System.err.println("profile: no row is called " + String.join(" or ", rowIds));
            return 2;
        }
        Fixture fixture = Fixture.prepare(share.toAbsolutePath(), tree);
        for (String text : targetTexts) {
            Daemon daemon = Daemon.parse(text);
            for (Row row : rows) {
                try (Target target = Target.start(daemon, share.toAbsolutePath(), work, "", 1)) {
                    count(target, row, row.workload().apply(fixture));
                }
            }
        }
        return 0;
    }

    private void count(Target target, Row row, Workload workload)
            throws IOException, InterruptedException {
        Session session = target.session();
        Session.Mark mark = session.mark();
        Slot[] slots = new Slot[row.depth()];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = new Slot(i, 1);
        }
        workload.setUp(session, slots);
        if (stepper != null) {
            new Instructions(target, stepper, work).count(row, workload, slots);
            return;
        }
        countCalls(target, row, workload, slots);
        workload.tearDown(session, slots);
        session.release(mark);
    }

    private void countCalls(Target target, Row row, Workload workload, Slot[] slots)
            throws IOException, InterruptedException {
        Session session = target.session();
        Histogram latencies = new Histogram(60_000_000_000L, 3);
        run(session, workload, slots, latencies);
        Path table = work.resolve("strace");
        Files.deleteIfExists(table);
        Process strace = attach(target, table);
        long done = run(session, workload, slots, latencies);
        strace.destroy();
        if (!strace.waitFor(10, TimeUnit.SECONDS)) {
            strace.destroyForcibly();
        }
        System.out.printf(
                "%s, %s (%s), calls per operation:%n",
                target.daemon().title(), row.title(), row.id());
        Map<String, Long> calls = new TreeMap<>();
        for (String line : Files.readAllLines(table)) {
            Matcher m = LINE.matcher(line);
            if (m.matches() && !m.group(3).equals("total")) {
                calls.merge(m.group(3), Long.parseLong(m.group(1)), Long::sum);
            }
        }
        calls.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .forEach(e ->
                        System.out.printf(
                                "  %-20s %8.3f%n", e.getKey(), e.getValue() / (double) done));
    }

    private long run(Session session, Workload workload, Slot[] slots, Histogram latencies) {
        latencies.reset();
        int until = operations - slots.length;
        return session.run(workload, slots, () -> latencies.getTotalCount() >= until, latencies);
    }

    /** Returns when strace follows all threads. */
    private static Process attach(Target target, Path table)
            throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of("strace", "-f", "-c", "-o", table.toString()));
        for (long pid : target.pids()) {
            command.add("-p");
            command.add(Long.toString(pid));
        }
        Process strace =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (!isTraced(target)) {
            if (!strace.isAlive() || System.nanoTime() > deadline) {
                throw new IOException("strace cannot follow the daemon: is ptrace allowed?");
            }
            Thread.sleep(20);
        }
        Thread.sleep(200);
        return strace;
    }

    private static boolean isTraced(Target target) throws IOException {
        for (long pid : target.pids()) {
            for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
                if (line.startsWith("TracerPid:") && line.strip().endsWith("\t0")) {
                    return false;
                }
            }
        }
        return true;
    }
}
