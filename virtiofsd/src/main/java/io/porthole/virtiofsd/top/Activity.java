package io.porthole.virtiofsd.top;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What happened between two scrapes, as rates. */
record Activity(
        double seconds, List<Share> shares, List<Operation> operations, DaemonState process) {
    /**
     * A share. Times in seconds, NaN where nothing was timed.
     *
     * @param readBytes a second, to the guest
     * @param writtenBytes a second, from it
     */
    record Share(
            String tag,
            boolean connected,
            double requests,
            double readBytes,
            double writtenBytes,
            double errors,
            double median,
            double slowest,
            long inodes,
            long pinned,
            long open) {}

    /** One operation of one share; the busiest come first. */
    record Operation(
            String share,
            String name,
            double requests,
            double bytes,
            double errors,
            double median,
            double slowest) {}

    record DaemonState(
            String version, double uptime, double heapUsed, double heapMax, double gcShare) {}

    private static final double MEDIAN = 0.5;
    private static final double SLOWEST = 0.99;

    /** Differences of a family of counters, summed by a key. */
    private static final class Sums {
        private final Map<String, Double> sums = new TreeMap<>();

        double of(String key) {
            return sums.getOrDefault(key, 0.0);
        }

        void add(String key, double value) {
            sums.merge(key, value, Double::sum);
        }
    }

    /** Cumulative counts by upper bound, summed over series. */
    private static final class Times {
        private final TreeMap<Double, Double> below = new TreeMap<>();

        void add(double bound, double count) {
            below.merge(bound, count, Double::sum);
        }

        /** Below what time this part of the requests ended, interpolated within its bucket. */
        double quantile(double part) {
            double total = below.isEmpty() ? 0 : below.lastEntry().getValue();
            if (total <= 0) {
                return Double.NaN;
            }
            double wanted = part * total;
            double fromBound = 0;
            double fromCount = 0;
            for (Map.Entry<Double, Double> bucket : below.entrySet()) {
                double bound = bucket.getKey();
                double count = bucket.getValue();
                if (count >= wanted) {
                    return Double.isInfinite(bound)
                            ? fromBound
                            : fromBound
                                    + (bound - fromBound)
                                            * (wanted - fromCount)
                                            / Math.max(count - fromCount, 1e-9);
                }
                fromBound = bound;
                fromCount = count;
            }
            return fromBound;
        }
    }

    static Activity between(Scrape before, Scrape now) {
        double seconds = Math.max((now.nanos() - before.nanos()) / 1e9, 1e-6);
        Map<String, Double> old = new TreeMap<>();
        for (Scrape.Sample s : before.samples()) {
            old.put(series(s), s.value());
        }
        Sums requests = new Sums();
        Sums bytes = new Sums();
        Sums errors = new Sums();
        Map<String, Times> times = new TreeMap<>();
        for (Scrape.Sample s : now.samples()) {
            double difference = s.value() - old.getOrDefault(series(s), 0.0);
            // A share that was removed and came back begins anew.
            double delta = difference < 0 ? s.value() : difference;
            String share = s.label("share");
            String operation = share + '\0' + s.label("operation");
            switch (s.name()) {
                case "porthole_requests_total" -> {
                    requests.add(operation, delta);
                    requests.add(share, delta);
                }
                case "porthole_request_errors_total" -> {
                    errors.add(operation, delta);
                    errors.add(share, delta);
                }
                case "porthole_request_bytes_total" -> bytes.add(operation, delta);
                case "porthole_request_duration_seconds_bucket" -> {
                    String le = s.label("le");
                    double bound =
                            le.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(le);
                    times.computeIfAbsent(operation, k -> new Times()).add(bound, delta);
                    times.computeIfAbsent(share, k -> new Times()).add(bound, delta);
                }
                default -> {}
            }
        }
        List<Share> shares = new ArrayList<>();
        for (Scrape.Sample s : now.samples()) {
            if (s.name().equals("porthole_share_connected")) {
                String tag = s.label("share");
                Times t = times.getOrDefault(tag, new Times());
                shares.add(
                        new Share(
                                tag,
                                s.value() != 0,
                                requests.of(tag) / seconds,
                                bytes.of(tag + "\0READ") / seconds,
                                bytes.of(tag + "\0WRITE") / seconds,
                                errors.of(tag) / seconds,
                                t.quantile(MEDIAN),
                                t.quantile(SLOWEST),
                                gauge(now, "porthole_inodes", tag),
                                gauge(now, "porthole_inodes_pinned", tag),
                                gauge(now, "porthole_open_handles", tag)));
            }
        }
        List<Operation> operations = new ArrayList<>();
        requests.sums.forEach((key, count) -> {
            int nul = key.indexOf('\0');
            if (nul >= 0 && count > 0) {
                Times t = times.getOrDefault(key, new Times());
                operations.add(
                        new Operation(
                                key.substring(0, nul),
                                key.substring(nul + 1),
                                count / seconds,
                                bytes.of(key) / seconds,
                                errors.of(key) / seconds,
                                t.quantile(MEDIAN),
                                t.quantile(SLOWEST)));
            }
        });
        operations.sort(Comparator.comparingDouble(Operation::requests).reversed());
        return new Activity(seconds, shares, operations, process(before, now, seconds));
    }

    private static DaemonState process(Scrape before, Scrape now, double seconds) {
        String version =
                now.samples().stream()
                        .filter(s -> s.name().equals("porthole_info"))
                        .map(s -> s.label("version"))
                        .findFirst()
                        .orElse("");
        double gc = now.sum("jvm_gc_seconds_total") - before.sum("jvm_gc_seconds_total");
        return new DaemonState(
                version,
                now.value("porthole_uptime_seconds"),
                now.value("jvm_heap_used_bytes"),
                now.value("jvm_heap_max_bytes"),
                Math.max(gc, 0) / seconds);
    }

    private static long gauge(Scrape scrape, String name, String share) {
        return scrape.samples().stream()
                .filter(s -> s.name().equals(name) && s.label("share").equals(share))
                .mapToLong(s -> (long) s.value())
                .findFirst()
                .orElse(0);
    }

    private static String series(Scrape.Sample s) {
        return s.name() + new TreeMap<>(s.labels());
    }
}
