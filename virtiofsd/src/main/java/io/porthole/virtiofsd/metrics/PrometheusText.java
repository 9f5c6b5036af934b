package io.porthole.virtiofsd.metrics;

/**
 * Prometheus's text exposition format, version 0.0.4: families of samples, each family announced
 * once.
 */
final class PrometheusText {
    static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private final StringBuilder text = new StringBuilder(16 * 1024);
    private String family = "";

    /** Begins a family; its samples follow. */
    PrometheusText family(String name, String type, String help) {
        family = name;
        text.append("# HELP ").append(name).append(' ').append(help).append('\n');
        text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
        return this;
    }

    /**
     * @param labels names and values in turn
     */
    void sample(long value, String... labels) {
        head("", labels).append(value).append('\n');
    }

    void sample(double value, String... labels) {
        head("", labels).append(value).append('\n');
    }

    /**
     * A histogram of times.
     *
     * @param counts for every bucket of {@link RequestCounters}, from {@code at} on
     */
    void histogram(long[] counts, int at, long sumNanos, String... labels) {
        long total = 0;
        for (int i = 0; i < RequestCounters.BUCKETS; i++) {
            total += counts[at + i];
            boolean last = i == RequestCounters.BUCKETS - 1;
            String[] withBound = new String[labels.length + 2];
            System.arraycopy(labels, 0, withBound, 0, labels.length);
            withBound[labels.length] = "le";
            withBound[labels.length + 1] = last ? "+Inf" : seconds(1000L << i);
            head("_bucket", withBound).append(total).append('\n');
        }
        head("_sum", labels).append(seconds(sumNanos)).append('\n');
        head("_count", labels).append(total).append('\n');
    }

    private static String seconds(long nanos) {
        return Double.toString(nanos / 1e9);
    }

    private StringBuilder head(String suffix, String... labels) {
        text.append(family).append(suffix);
        for (int i = 0; i < labels.length; i += 2) {
            text.append(i == 0 ? '{' : ',').append(labels[i]).append("=\"");
            escape(labels[i + 1]);
            text.append('"');
        }
        return text.append(labels.length == 0 ? " " : "} ");
    }

    private void escape(String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '\\' -> text.append("\\\\");
                case '"' -> text.append("\\\"");
                case '\n' -> text.append("\\n");
                default -> text.append(c);
            }
        }
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
