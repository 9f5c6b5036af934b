package io.porthole.perf;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** The comparison inside a guest as tables for docs/performance.md. */
final class GuestMarkdown {
    private static final String MINE = "porthole";
    private static final String REFERENCE = "rust";

    private GuestMarkdown() {}

    /**
     * @param caption of what run this is: a sentence
     * @param rows maps with "id", "group", "title", "depth"
     * @param titles by target
     */
    static String of(
            String caption,
            List<Map<String, Object>> rows,
            Map<String, String> titles,
            List<Sample> samples) {
        StringBuilder out = new StringBuilder();
        for (Object group : rows.stream().map(r -> r.get("group")).distinct().toList()) {
            // The name by which dev/bench-docs takes the table to docs/performance.md.
            out.append("<!-- ").append(group).append(" -->\n");
            out.append(caption).append("\n\n");
            out.append("| ").append(group).append(", operations a second");
            titles.values().forEach(title -> out.append(" | ").append(title));
            out.append(" | to Rust (spread) | daemon CPU to Rust (spread) |\n|---");
            out.append("|---".repeat(titles.size() + 2)).append("|\n");
            List<Double> throughput = new ArrayList<>();
            List<Double> cpu = new ArrayList<>();
            for (Map<String, Object> row : rows) {
                if (!String.valueOf(row.get("group")).equals(String.valueOf(group))) {
                    continue;
                }
                String id = String.valueOf(row.get("id"));
                out.append("| ")
                        .append(row.get("title"))
                        .append(", depth ")
                        .append(row.get("depth"));
                for (String target : titles.keySet()) {
                    double[] values =
                            samples.stream()
                                    .filter(s -> s.row().equals(id) && s.target().equals(target))
                                    .mapToDouble(Sample::opsPerSecond)
                                    .toArray();
                    out.append(String.format(Locale.ROOT, " | %.0f", Statistics.median(values)));
                }
                out.append(ratios(samples, id, Sample::opsPerSecond, throughput));
                out.append(ratios(samples, id, Sample::cpuNanosPerOp, cpu)).append(" |\n");
            }
            out.append("| geometric mean").append(" |".repeat(titles.size()));
            for (List<Double> all : List.of(throughput, cpu)) {
                double mean =
                        Statistics.geometricMean(
                                all.stream().mapToDouble(Double::doubleValue).toArray());
                out.append(String.format(Locale.ROOT, " | %.2f", mean));
            }
            out.append(" |\n\n");
        }
        return out.toString();
    }

    /** The median of the ratios within a round, and their range; adds the median to a list. */
    private static String ratios(
            List<Sample> samples, String row, ToDoubleFunction<Sample> key, List<Double> medians) {
        double[] ratios =
                samples.stream()
                        .filter(s -> s.row().equals(row) && s.target().equals(MINE))
                        .flatMapToDouble(mine ->
                                samples.stream()
                                        .filter(s ->
                                                s.row().equals(row)
                                                        && s.round() == mine.round()
                                                        && s.target().equals(REFERENCE))
                                        .mapToDouble(s ->
                                                key.applyAsDouble(mine) / key.applyAsDouble(s)))
                        .sorted()
                        .toArray();
        if (ratios.length == 0) {
            return " | -";
        }
        double median = Statistics.median(ratios);
        medians.add(median);
        return String.format(
                Locale.ROOT,
                " | %.2f (%.2f-%.2f)",
                median,
                ratios[0],
                Arrays.stream(ratios).max().orElse(median));
    }
}
