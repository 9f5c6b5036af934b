package io.porthole.virtiofsd.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The rules of Prometheus's text exposition format 0.0.4, as far as a scraper relies on them. */
public final class ExpositionGrammar {
    private static final String NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
    private static final String LABEL = "[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\"\\\\\n]|\\\\[\\\\\"n])*\"";
    private static final Pattern HELP = Pattern.compile("# HELP (" + NAME + ") [^\n]+");
    private static final Pattern TYPE =
            Pattern.compile("# TYPE (" + NAME + ") (counter|gauge|histogram)");
    private static final Pattern SAMPLE =
            Pattern.compile(
                    "("
                            + NAME
                            + ")(?:\\{("
                            + LABEL
                            + "(?:,"
                            + LABEL
                            + ")*)\\})? "
                            + "(-?[0-9]+(?:\\.[0-9]+)?(?:E-?[0-9]+)?|[+-]Inf|NaN)");
    private static final Pattern BOUND = Pattern.compile(",?le=\"([^\"]*)\"");

    private ExpositionGrammar() {}

    /** Fails on the first line that breaks a rule; the samples by series. */
    public static Map<String, Double> check(String text) {
        assertTrue(text.endsWith("\n"), "the last line ends");
        Map<String, Double> samples = new HashMap<>();
        Map<String, TreeMap<Double, Double>> buckets = new HashMap<>();
        Set<String> families = new HashSet<>();
        String helped = "";
        String family = "";
        String type = "";
        for (String line : text.substring(0, text.length() - 1).split("\n", -1)) {
            Matcher help = HELP.matcher(line);
            Matcher typed = TYPE.matcher(line);
            Matcher sample = SAMPLE.matcher(line);
            if (help.matches()) {
                helped = help.group(1);
            } else if (typed.matches()) {
                family = typed.group(1);
                type = typed.group(2);
                assertEquals(helped, family, line);
                assertTrue(families.add(family), "announced twice: " + line);
                assertEquals(type.equals("counter"), family.endsWith("_total"), line);
            } else {
                assertTrue(sample.matches(), "not a line of the format: " + line);
                String name = sample.group(1);
                String labels = sample.group(2) == null ? "" : sample.group(2);
                boolean ofFamily =
                        type.equals("histogram")
                                ? name.matches(family + "_(bucket|sum|count)")
                                : name.equals(family);
                assertTrue(ofFamily, "outside of its family: " + line);
                double value =
                        sample.group(3).endsWith("Inf") ? 0 : Double.parseDouble(sample.group(3));
                if (type.equals("counter") || type.equals("histogram")) {
                    assertTrue(value >= 0, line);
                }
                assertFalse(samples.containsKey(name + "{" + labels + "}"), "twice: " + line);
                samples.put(name + "{" + labels + "}", value);
                Matcher bound = BOUND.matcher(labels);
                if (name.endsWith("_bucket") && bound.find()) {
                    String le = bound.group(1);
                    buckets.computeIfAbsent(
                                    family + "{" + bound.replaceFirst("") + "}",
                                    key -> new TreeMap<>())
                            .put(
                                    le.equals("+Inf")
                                            ? Double.POSITIVE_INFINITY
                                            : Double.parseDouble(le),
                                    value);
                }
            }
        }
        buckets.forEach((series, counts) -> {
            double before = 0;
            for (double count : counts.values()) {
                assertTrue(count >= before, series + " is not cumulative");
                before = count;
            }
            assertTrue(counts.containsKey(Double.POSITIVE_INFINITY), series);
            String labels = series.substring(series.indexOf('{'));
            String name = series.substring(0, series.indexOf('{'));
            assertEquals(before, samples.get(name + "_count" + labels), series);
            assertNotNull(samples.get(name + "_sum" + labels), series);
        });
        return samples;
    }
}
