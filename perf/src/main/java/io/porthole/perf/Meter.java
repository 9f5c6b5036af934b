package io.porthole.perf;

import java.io.IOException;
import org.HdrHistogram.Histogram;

/** Runs one row against one daemon and measures it. */
final class Meter {
    private final Fixture fixture;
    private final Histogram latencies = new Histogram(60_000_000_000L, 3);
    private final Histogram discarded = new Histogram(60_000_000_000L, 3);

    Meter(Fixture fixture) {
        this.fixture = fixture;
    }

    /**
     * @param warmUpNanos before the window, of the daemon's processor time
     * @param windowNanos at least so long
     * @throws WrongReplyException if the daemon answered wrongly; its session is of no more use
     */
    Sample measure(Target target, Row row, int round, long warmUpNanos, long windowNanos)
            throws IOException {
        Session session = target.session();
        Session.Mark mark = session.mark();
        Slot[] slots = new Slot[row.depth()];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = new Slot(i, 1 + i % row.queues());
        }
        Workload workload = row.workload().apply(fixture);
        workload.setUp(session, slots);
        warmUp(target, workload, slots, warmUpNanos);

        latencies.reset();
        ProcessStats before = target.stats();
        long idle = session.idleNanos();
        long kicks = session.kicks();
        long begin = System.nanoTime();
        long done =
                session.run(
                        workload, slots, () -> System.nanoTime() - begin >= windowNanos, latencies);
        long nanos = System.nanoTime() - begin;
        ProcessStats after = target.stats();
        idle = session.idleNanos() - idle;
        kicks = session.kicks() - kicks;

        workload.tearDown(session, slots);
        session.release(mark);
        return new Sample(
                row.id(),
                target.daemon().name(),
                round,
                done * 1e9 / nanos,
                (double) (after.cpuNanos() - before.cpuNanos()) / done,
                (double) (after.switches() - before.switches()) / done,
                latencies.getValueAtPercentile(50),
                latencies.getValueAtPercentile(99),
                latencies.getValueAtPercentile(99.9),
                latencies.getMaxValue(),
                1 - (double) idle / nanos,
                (double) kicks / done);
    }

    /**
     * One visit of each file of the tree, one after the other, asked of a daemon that has served
     * nothing before: what the first container waits for.
     *
     * @param millis until the last file was forgotten
     * @param cpuMillis of the daemon in that time
     */
    record FirstVisit(double millis, double cpuMillis) {}

    /**
     * Visits each file of the tree once.
     *
     * @throws WrongReplyException if the daemon answered wrongly
     */
    FirstVisit firstVisit(Target target) throws IOException {
        Session session = target.session();
        Session.Mark mark = session.mark();
        Slot[] slots = {new Slot(0, 1)};
        ContainerStart workload = new ContainerStart(fixture);
        long cpu = target.stats().cpuNanos();
        long begin = System.nanoTime();
        workload.setUp(session, slots);
        session.run(workload, slots, workload::visitedAll, discarded);
        double millis = (System.nanoTime() - begin) / 1e6;
        double cpuMillis = (target.stats().cpuNanos() - cpu) / 1e6;
        workload.tearDown(session, slots);
        session.release(mark);
        return new FirstVisit(millis, cpuMillis);
    }

    /**
     * Compilers go by how often code has run, so on a busy machine the clock would not do; a row
     * that mostly sleeps ends it by the clock all the same.
     */
    private void warmUp(Target target, Workload workload, Slot[] slots, long nanos)
            throws IOException {
        long cpuBefore = target.stats().cpuNanos();
        long begin = System.nanoTime();
        long step = nanos / 4;
        long ran;
        discarded.reset();
        do {
            long until = System.nanoTime() + step;
            target.session().run(workload, slots, () -> System.nanoTime() >= until, discarded);
            ran = System.nanoTime() - begin;
        } while (ran < nanos
                || (target.stats().cpuNanos() - cpuBefore < nanos * 8 / 10 && ran < 8 * nanos));
    }
}
