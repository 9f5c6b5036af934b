package io.porthole.perf;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * The result as tables for docs/performance.md: medians, ratios to the reference daemon. Each has a
 * name, in a comment before it, by which {@code dev/bench-docs} takes it there.
 */
final class MarkdownReport {
    private static final String REFERENCE = "rust";
    private static final String BARE = "bare";

    private final List<Row> rows;
    private final List<Daemon> daemons;
    private final List<Sample> samples;
    private final StringBuilder out = new StringBuilder();

    private MarkdownReport(List<Row> rows, List<Daemon> daemons, List<Sample> samples) {
        this.rows = rows;
        this.daemons = daemons;
        this.samples = samples;
    }

    /**
     * @param caption of what run this is: a sentence
     * @param starts maps with "target", "socketMillis", "initMillis", "cpuMillis", "pssBytes", and
     *     of the first visit of the tree "firstVisitMillis", "firstVisitCpuMillis",
     *     "firstVisitPssBytes"
     * @param memories maps with "target", "when", "pssBytes"
     */
    static String of(
            String caption,
            List<Row> rows,
            List<Daemon> daemons,
            List<Sample> samples,
            List<Map<String, Object>> starts,
            List<Map<String, Object>> memories) {
        MarkdownReport report = new MarkdownReport(rows, daemons, samples);
        if (!samples.isEmpty()) {
            report.name("summary");
            report.out.append(caption).append("\n\n");
            report.summary();
            report.name("cpu");
            report.table("CPU, µs per operation", s -> s.cpuNanosPerOp() / 1000);
            report.name("throughput");
            report.table("Thousands of operations a second", s -> s.opsPerSecond() / 1000);
            report.name("p99");
            report.table("p99, µs", s -> s.p99Nanos() / 1000.0);
            report.name("switches");
            report.table("Context switches per operation", Sample::switchesPerOp);
        }
        report.name("start");
        report.out.append(caption).append("\n\n");
        report.starts(starts, memories);
        return report.out.toString();
    }

    private void name(String name) {
        out.append("<!-- ").append(name).append(" -->\n");
    }

    private double[] values(Row row, Daemon daemon, ToDoubleFunction<Sample> key) {
        return samples.stream()
                .filter(s -> s.row().equals(row.id()) && s.target().equals(daemon.name()))
                .mapToDouble(key)
                .toArray();
    }

    /** The median of the ratios to a daemon's within a round. */
    private double ratio(Row row, ToDoubleFunction<Sample> key, String reference) {
        List<Double> ratios = new ArrayList<>();
        for (Sample mine : samples) {
            if (!mine.row().equals(row.id()) || !mine.target().equals(daemons.get(0).name())) {
                continue;
            }
            for (Sample base : samples) {
                if (base.row().equals(row.id())
                        && base.round() == mine.round()
                        && base.target().equals(reference)
                        && key.applyAsDouble(base) > 0) {
                    ratios.add(key.applyAsDouble(mine) / key.applyAsDouble(base));
                }
            }
        }
        return Statistics.median(ratios.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /** The geometric mean of the rows' ratios to the reference, of those that have one. */
    private double meanRatio(ToDoubleFunction<Sample> key) {
        return Statistics.geometricMean(
                rows.stream()
                        .mapToDouble(row -> ratio(row, key, REFERENCE))
                        .filter(ratio -> ratio > 0)
                        .toArray());
    }

    /** One row for what four tables have at length. */
    private void summary() {
        List<ToDoubleFunction<Sample>> keys =
                List.of(Sample::cpuNanosPerOp, Sample::opsPerSecond, Sample::p99Nanos);
        out.append("| µs of daemon CPU per operation");
        daemons.forEach(d -> out.append(" | ").append(d.title()));
        out.append(" | CPU, to Rust | throughput, to Rust | p99, to Rust | CPU, to bare |\n|---");
        out.append("|---".repeat(daemons.size() + keys.size() + 1)).append("|\n");
        for (Row row : rows) {
            out.append("| ").append(row.title()).append(", depth ").append(row.depth());
            for (Daemon daemon : daemons) {
                double[] cpu = values(row, daemon, s -> s.cpuNanosPerOp() / 1000);
                out.append(" | ").append(number(Statistics.median(cpu)));
            }
            keys.forEach(key -> out.append(" | ").append(number(ratio(row, key, REFERENCE))));
            out.append(" | ").append(number(ratio(row, Sample::cpuNanosPerOp, BARE)));
            out.append(" |\n");
        }
        out.append("| geometric mean").append(" |".repeat(daemons.size()));
        keys.forEach(key -> out.append(" | ").append(number(meanRatio(key))));
        out.append(" | |\n\n");
    }

    private void table(String title, ToDoubleFunction<Sample> key) {
        out.append("| ").append(title);
        daemons.forEach(d -> out.append(" | ").append(d.title()));
        out.append(" | ratio to Rust |\n|---").append("|---".repeat(daemons.size() + 1));
        out.append("|\n");
        for (Row row : rows) {
            out.append("| ").append(row.title()).append(", depth ").append(row.depth());
            for (Daemon daemon : daemons) {
                out.append(" | ").append(number(Statistics.median(values(row, daemon, key))));
            }
            out.append(" | ").append(number(ratio(row, key, REFERENCE))).append(" |\n");
        }
        if (rows.size() > 1) {
            out.append("| geometric mean").append(" |".repeat(daemons.size()));
            out.append(" | ").append(number(meanRatio(key))).append(" |\n");
        }
        out.append('\n');
    }

    private void starts(List<Map<String, Object>> starts, List<Map<String, Object>> memories) {
        out.append("| start and memory, medians");
        daemons.forEach(d -> out.append(" | ").append(d.title()));
        out.append(" |\n|---").append("|---".repeat(daemons.size())).append("|\n");
        line("exec to the socket, ms", starts, "socketMillis", 1, null);
        line("exec to FUSE_INIT, ms", starts, "initMillis", 1, null);
        line("CPU until then, ms", starts, "cpuMillis", 1, null);
        line("own PSS, just mounted, MiB", starts, "pssBytes", 1 << 20, null);
        line("first visit of the tree, ms", starts, "firstVisitMillis", 1, null);
        line("CPU for it, ms", starts, "firstVisitCpuMillis", 1, null);
        line("own PSS after it, MiB", starts, "firstVisitPssBytes", 1 << 20, null);
        memories.stream()
                .map(m -> String.valueOf(m.get("when")))
                .distinct()
                .forEach(when ->
                        line("own PSS, " + when + ", MiB", memories, "pssBytes", 1 << 20, when));
    }

    private void line(
            String title,
            List<Map<String, Object>> entries,
            String key,
            double unit,
            @org.jspecify.annotations.Nullable String when) {
        out.append("| ").append(title);
        for (Daemon daemon : daemons) {
            double[] values =
                    entries.stream()
                            .filter(e -> daemon.name().equals(e.get("target")))
                            .filter(e -> when == null || when.equals(e.get("when")))
                            .filter(e -> e.get(key) instanceof Number)
                            .mapToDouble(
                                    e -> ((Number) e.getOrDefault(key, 0)).doubleValue() / unit)
                            .toArray();
            out.append(" | ").append(number(Statistics.median(values)));
        }
        out.append(" |\n");
    }

    private static String number(double value) {
        if (Double.isNaN(value)) {
            return "-";
        }
        int digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3;
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }
}
