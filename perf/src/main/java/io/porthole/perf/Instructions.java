package io.porthole.perf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * Counts the instructions that a daemon takes in user space for an operation, and where, by
 * single-stepping the thread that serves the queue. A count does not depend on what else the
 * machine does, as every time does.
 */
final class Instructions {
    /** To be stepped through, or as many as fit in {@link #LONGEST_NANOS}. */
    private static final long OPERATIONS = 400;

    private static final long LONGEST_NANOS = 15_000_000_000L;

    /** Operations before, twice: what the JVM's compilers want to see. */
    private static final long WARM_UP = 500_000;

    private static final int LINES = 20;

    private final Target target;
    private final Path stepper;
    private final Path work;

    /**
     * @param stepper the program made of steps.c
     * @param work for what it finds
     */
    Instructions(Target target, Path stepper, Path work) {
        this.target = target;
        this.stepper = stepper;
        this.work = work;
    }

    /**
     * Runs the workload, which is set up, and prints what it took. The daemon is of no use then.
     */
    void count(Row row, Workload workload, Slot[] slots) throws IOException, InterruptedException {
        Session session = target.session();
        Histogram latencies = new Histogram(60_000_000_000L, 3);
        session.run(workload, slots, () -> latencies.getTotalCount() >= WARM_UP, latencies);
        Map<Long, Long> before = processorTimes();
        session.run(workload, slots, () -> latencies.getTotalCount() >= 2 * WARM_UP, latencies);
        long thread = busiest(before, processorTimes());

        CodeMap code = CodeMap.of(target.pids().getLast());
        Path found = work.resolve("steps.addresses");
        Process steps =
                new ProcessBuilder(stepper.toString(), Long.toString(thread), found.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        latencies.reset();
        try {
            long done = follow(session, workload, slots, latencies, steps);
            LongBuffer addresses =
                    ByteBuffer.wrap(Files.readAllBytes(found))
                            .order(ByteOrder.nativeOrder())
                            .asLongBuffer();
            print(row, addresses, operations(addresses.duplicate(), done, slots.length), code);
        } finally {
            steps.destroy();
        }
    }

    /**
     * How many operations the steps are of. Those that the driver saw are too many or too few by
     * what was on its way; but most instructions are executed once in each.
     *
     * @param seen what the driver saw
     * @param depth how many are on their way at most
     */
    private static long operations(LongBuffer addresses, long seen, int depth) {
        Map<Long, Integer> executed = new HashMap<>();
        while (addresses.hasRemaining()) {
            executed.merge(addresses.get(), 1, Integer::sum);
        }
        Map<Integer, Integer> instructions = new HashMap<>();
        executed.values().forEach(times -> instructions.merge(times, 1, Integer::sum));
        return instructions.entrySet().stream()
                .filter(e -> Math.abs(e.getKey() - seen) <= depth + depth / 4)
                .max(Map.Entry.comparingByValue())
                .map(e -> (long) e.getKey())
                .orElse(seen);
    }

    /** Returns the operations that were done while the thread was stepped. */
    private static long follow(
            Session session, Workload workload, Slot[] slots, Histogram latencies, Process steps)
            throws IOException, InterruptedException {
        long[] begun = {-1, 0};
        try {
            session.run(
                    workload,
                    slots,
                    () -> {
                        long done = latencies.getTotalCount();
                        if (begun[0] < 0 && saysSomething(steps)) {
                            begun[0] = done;
                            begun[1] = System.nanoTime();
                        }
                        if (begun[0] >= 0
                                && (done - begun[0] >= OPERATIONS
                                        || System.nanoTime() - begun[1] > LONGEST_NANOS)) {
                            throw new Enough(done - begun[0]);
                        }
                        return !steps.isAlive();
                    },
                    latencies);
        } catch (Enough enough) {
            steps.getOutputStream().close();
            if (steps.waitFor(10, TimeUnit.SECONDS) && steps.exitValue() == 0) {
                return enough.operations;
            }
        }
        throw new IOException("the daemon's thread could not be followed to the end");
    }

    /** Leaves a run with requests under way: who was stepped is not waited for. */
    private static final class Enough extends RuntimeException {
        private static final long serialVersionUID = 1;

        final long operations;

        Enough(long operations) {
            super(null, null, false, false);
            this.operations = operations;
        }
    }

    private static boolean saysSomething(Process steps) {
        try {
            return steps.getInputStream().available() > 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Processor time in ns of each thread that may serve a queue (proc(5), schedstat). */
    private Map<Long, Long> processorTimes() throws IOException {
        Map<Long, Long> times = new TreeMap<>();
        for (long pid : target.pids()) {
            try (var tasks = Files.newDirectoryStream(Path.of("/proc/" + pid + "/task"))) {
                for (Path task : tasks) {
                    try {
                        if (!Files.readString(task.resolve("comm")).contains("Compiler")) {
                            long thread = Long.parseLong(task.getFileName().toString());
                            times.put(thread, ProcessStats.cpuNanos(task));
                        }
                    } catch (NoSuchFileException e) {
                        // The thread has ended meanwhile.
                    }
                }
            }
        }
        return times;
    }

    private static long busiest(Map<Long, Long> before, Map<Long, Long> after) {
        long thread = 0;
        long most = -1;
        for (Map.Entry<Long, Long> e : after.entrySet()) {
            long spent = e.getValue() - before.getOrDefault(e.getKey(), 0L);
            if (spent > most) {
                most = spent;
                thread = e.getKey();
            }
        }
        return thread;
    }

    private void print(Row row, LongBuffer addresses, long operations, CodeMap code) {
        Map<String, Long> counts = new TreeMap<>();
        while (addresses.hasRemaining()) {
            counts.merge(code.name(addresses.get()), 1L, Long::sum);
        }
        System.out.printf(
                "%s, %s (%s), instructions in user space per operation:%n",
                target.daemon().title(), row.title(), row.id());
        System.out.printf("  %9.1f  all%n", addresses.limit() / (double) operations);
        List<Map.Entry<String, Long>> most =
                counts.entrySet().stream()
                        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                        .limit(LINES)
                        .toList();
        for (Map.Entry<String, Long> e : most) {
            double each = e.getValue() / (double) operations;
            if (each >= 1) {
                System.out.printf("  %9.1f  %s%n", each, e.getKey());
            }
        }
    }
}
