package io.porthole.perf;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The side-by-side comparison; {@code dev/bench} is its front. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Compares virtiofs daemons, without a VM.")
public final class Bench implements Callable<Integer> {
    @Option(
            names = "--target",
            required = true,
            description =
                    "A daemon: NAME=COMMAND, where {socket}, {share} and {queues} are filled in. The"
                            + " first is compared with the others.")
    List<String> targetTexts = List.of();

    @Option(names = "--share", required = true, description = "An empty directory to share.")
    Path share = Path.of(".");

    @Option(names = "--work", required = true, description = "For sockets and logs.")
    Path work = Path.of(".");

    @Option(names = "--tree", required = true, description = "A real tree to copy files from.")
    Path tree = Path.of("/usr/share");

    @Option(names = "--out", required = true, description = "Where the results go.")
    Path out = Path.of(".");

    @Option(names = "--daemon-cpus", defaultValue = "", description = "As for taskset -c.")
    String daemonCpus = "";

    @Option(names = "--rows", split = ",", description = "Ids or parts of ids of rows.")
    List<String> wanted = List.of();

    @Option(names = "--quick", description = "Only the rows of the short run.")
    boolean quick;

    @Option(names = "--rounds", defaultValue = "5")
    int rounds = 5;

    @Option(
            names = "--warm-up",
            defaultValue = "3000",
            description = "Milliseconds of a daemon's processor time before a row's first round.")
    int warmUpMillis = 3000;

    @Option(
            names = "--settle",
            defaultValue = "100",
            description = "The same before each later round, when the compilers know the row.")
    int settleMillis = 100;

    @Option(names = "--window", defaultValue = "1000", description = "Milliseconds.")
    int windowMillis = 1000;

    @Option(names = "--starts", defaultValue = "10", description = "How often each is started.")
    int starts = 10;

    @Option(names = "--starts-only", description = "No rows: how fast and how small they start.")
    boolean startsOnly;

    @Option(names = "--list", description = "Print the rows and end.")
    boolean list;

    private static final int UNCOUNTED_STARTS = 2;

    private final List<Daemon> daemons = new ArrayList<>();
    private final List<Sample> samples = new ArrayList<>();
    private final List<Map<String, Object>> startups = new ArrayList<>();
    private final List<Map<String, Object>> memories = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();
    private final PrintStream progress = System.err;

    public static void main(String[] args) {
        CommandLine line = new CommandLine(new Bench());
        line.setExecutionExceptionHandler((e, command, parsed) -> {
            System.err.println("bench: " + e.getMessage());
            return 1;
        });
        System.exit(line.execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<Row> rows = new ArrayList<>();
        for (Row row : Row.all()) {
            boolean named = wanted.stream().anyMatch(row.id()::contains);
            if (wanted.isEmpty() ? !quick || row.quick() : named) {
                rows.add(row);
            }
        }
        if (list) {
            rows.forEach(row -> System.out.printf("%-24s %s%n", row.id(), row.title()));
            return 0;
        }
        if (rows.isEmpty()) {
            progress.println("bench: no row is called " + String.join(" or ", wanted));
            return 2;
        }
        for (String text : targetTexts) {
            daemons.add(Daemon.parse(text));
        }
        Files.createDirectories(out);
        Fixture fixture = Fixture.prepare(share.toAbsolutePath(), tree);
        Meter meter = new Meter(fixture);
        measureStarts(meter);
        if (startsOnly) {
            rows.clear();
        } else {
            measureRows(meter, fixture, rows);
        }
        write(rows);
        for (String failure : failures) {
            progress.println("FAILED " + failure);
        }
        return failures.isEmpty() ? 0 : 1;
    }

    private Target start(Daemon daemon, int queues) throws IOException, InterruptedException {
        return Target.start(daemon, share.toAbsolutePath(), work, daemonCpus, queues);
    }

    private void measureStarts(Meter meter) throws IOException, InterruptedException {
        // The first turns are not counted: in them the driver itself is slow, being new.
        for (int i = -UNCOUNTED_STARTS; i < starts; i++) {
            for (Daemon daemon : daemons) {
                try (Target target = start(daemon, 1)) {
                    long cpuNanos = target.stats().cpuNanos();
                    Thread.sleep(300);
                    ProcessStats.Memory memory = target.memory();
                    Meter.FirstVisit visit = meter.firstVisit(target);
                    if (i < 0) {
                        continue;
                    }
                    Map<String, Object> entry = new LinkedHashMap<>();
                    entry.put("target", daemon.name());
                    entry.put("socketMillis", target.socketMillis());
                    entry.put("initMillis", target.initMillis());
                    entry.put("cpuMillis", cpuNanos / 1e6);
                    entry.put("rssBytes", memory.rss());
                    entry.put("pssBytes", memory.pss());
                    entry.put("firstVisitMillis", visit.millis());
                    entry.put("firstVisitCpuMillis", visit.cpuMillis());
                    entry.put("firstVisitPssBytes", target.memory().pss());
                    startups.add(entry);
                }
            }
        }
        for (Daemon daemon : daemons) {
            if (starts > 0) {
                progress.printf(
                        "%-10s socket %6.1f ms, FUSE_INIT %6.1f ms (%5.1f ms of CPU), own PSS"
                                + " %5.1f MiB; first visit of the tree %6.1f ms (%6.1f ms of"
                                + " CPU), then %5.1f MiB%n",
                        daemon.name(),
                        startMedian(daemon, "socketMillis"),
                        startMedian(daemon, "initMillis"),
                        startMedian(daemon, "cpuMillis"),
                        startMedian(daemon, "pssBytes") / (1 << 20),
                        startMedian(daemon, "firstVisitMillis"),
                        startMedian(daemon, "firstVisitCpuMillis"),
                        startMedian(daemon, "firstVisitPssBytes") / (1 << 20));
            }
        }
    }

    private double startMedian(Daemon daemon, String key) {
        return Statistics.median(
                startups.stream()
                        .filter(s -> daemon.name().equals(s.get("target")))
                        .mapToDouble(s ->
                                ((Number) java.util.Objects.requireNonNull(s.get(key)))
                                        .doubleValue())
                        .toArray());
    }

    private void measureRows(Meter meter, Fixture fixture, List<Row> rows)
            throws IOException, InterruptedException {
        int queues = rows.stream().mapToInt(Row::queues).max().orElse(1);
        Target[] targets = new Target[daemons.size()];
        try {
            for (int i = 0; i < targets.length; i++) {
                targets[i] = start(daemons.get(i), queues);
            }
            remember(targets, "idle");
            header();
            for (Row row : rows) {
                for (int round = 0; round < rounds; round++) {
                    for (int turn = 0; turn < targets.length; turn++) {
                        // Each begins a round as often as the others.
                        int i = (turn + round) % targets.length;
                        if (targets[i].session().requestQueues() < row.queues()) {
                            continue;
                        }
                        long warmUp = (round == 0 ? warmUpMillis : settleMillis) * 1_000_000L;
                        try {
                            samples.add(
                                    meter.measure(
                                            targets[i],
                                            row,
                                            round,
                                            warmUp,
                                            windowMillis * 1_000_000L));
                        } catch (WrongReplyException e) {
                            failures.add(
                                    row.id()
                                            + " with "
                                            + daemons.get(i).title()
                                            + ": "
                                            + e.getMessage()
                                            + "\n"
                                            + targets[i].lastWords());
                            targets[i].close();
                            fixture.clearScratch();
                            targets[i] = start(daemons.get(i), queues);
                        }
                    }
                }
                line(row);
                if (row.group().equals("mix")) {
                    remember(targets, "after " + row.title());
                }
            }
            remember(targets, "after all rows");
        } finally {
            for (Target target : targets) {
                if (target != null) {
                    target.close();
                }
            }
        }
    }

    private void remember(Target[] targets, String when) throws IOException {
        for (Target target : targets) {
            ProcessStats.Memory memory = target.memory();
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("target", target.daemon().name());
            entry.put("when", when);
            entry.put("rssBytes", memory.rss());
            entry.put("pssBytes", memory.pss());
            memories.add(entry);
        }
    }

    // Progress: a line a row, medians.

    private void header() {
        progress.printf(
                "%nDaemon CPU per operation in us (thousands of operations a second)%n%-24s", "");
        for (Daemon daemon : daemons) {
            progress.printf("%19s", daemon.name());
        }
        progress.println();
    }

    private void line(Row row) {
        progress.printf("%-24s", row.id());
        for (Daemon daemon : daemons) {
            double[] cpu =
                    samples.stream()
                            .filter(s ->
                                    s.row().equals(row.id()) && s.target().equals(daemon.name()))
                            .mapToDouble(Sample::cpuNanosPerOp)
                            .toArray();
            double[] ops =
                    samples.stream()
                            .filter(s ->
                                    s.row().equals(row.id()) && s.target().equals(daemon.name()))
                            .mapToDouble(Sample::opsPerSecond)
                            .toArray();
            if (cpu.length == 0) {
                progress.printf("%19s", "-");
            } else {
                progress.printf(
                        "%9.2f (%7.1f)",
                        Statistics.median(cpu) / 1000, Statistics.median(ops) / 1000);
            }
        }
        progress.println();
    }

    private void write(List<Row> rows) throws IOException {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("when", java.time.Instant.now().toString());
        all.put("machine", Machine.describe());
        all.put("daemonCpus", daemonCpus);
        all.put("rounds", rounds);
        all.put("warmUpMillis", warmUpMillis);
        all.put("settleMillis", settleMillis);
        all.put("windowMillis", windowMillis);
        List<Object> kinds = new ArrayList<>();
        for (Daemon daemon : daemons) {
            Map<String, Object> kind = new LinkedHashMap<>();
            kind.put("name", daemon.name());
            kind.put("title", daemon.title());
            kinds.add(kind);
        }
        all.put("targets", kinds);
        List<Object> lines = new ArrayList<>();
        for (Row row : rows) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("id", row.id());
            line.put("group", row.group());
            line.put("title", row.title());
            line.put("depth", row.depth());
            line.put("queues", row.queues());
            line.put("bytes", row.bytes());
            lines.add(line);
        }
        all.put("rows", lines);
        List<Object> measured = new ArrayList<>();
        for (Sample sample : samples) {
            measured.add(fields(sample));
        }
        all.put("samples", measured);
        all.put("starts", startups);
        all.put("memory", memories);
        all.put("failures", failures);
        String json = Json.of(all);
        Path raw = out.resolve("bench.json");
        Files.writeString(raw, json);
        Path page = Report.write(out);
        Path tables = out.resolve("bench.md");
        String caption =
                LocalDate.now(ZoneOffset.UTC)
                        + ", "
                        + rounds
                        + " rounds of "
                        + windowMillis
                        + " ms, the daemons in turn: "
                        + Machine.describe()
                        + ".";
        Files.writeString(
                tables, MarkdownReport.of(caption, rows, daemons, samples, startups, memories));
        progress.printf("%nRaw data: %s%nReport:   %s%nTables:   %s%n", raw, page, tables);
    }

    static Map<String, Object> fields(Sample s) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("row", s.row());
        map.put("target", s.target());
        map.put("round", s.round());
        map.put("opsPerSecond", s.opsPerSecond());
        map.put("cpuNanosPerOp", s.cpuNanosPerOp());
        map.put("switchesPerOp", s.switchesPerOp());
        map.put("p50Nanos", s.p50Nanos());
        map.put("p99Nanos", s.p99Nanos());
        map.put("p999Nanos", s.p999Nanos());
        map.put("maxNanos", s.maxNanos());
        map.put("driverBusy", s.driverBusy());
        map.put("kicksPerOp", s.kicksPerOp());
        return map;
    }
}
