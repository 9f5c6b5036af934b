package io.porthole.perf;

import java.io.IOException;
import java.nio.file.Path;
import org.HdrHistogram.Histogram;

/**
 * Exercises a daemon that is already listening, a little of everything and then away: the run that
 * its AOT cache is recorded from. Nothing is measured.
 */
public final class Train {
    private static final long ROW_NANOS = 60_000_000;
    private static final int QUEUES = 2;

    private Train() {}

    /**
     * Arguments: the socket, the (empty) directory that the daemon shares, a real tree.
     *
     * @throws IOException if the daemon fails
     */
    public static void main(String[] args) throws IOException {
        if (args.length != 3) {
            System.err.println("usage: Train SOCKET SHARE TREE");
            System.exit(2);
        }
        Fixture fixture = Fixture.prepare(Path.of(args[1]), Path.of(args[2]));
        Histogram unused = new Histogram(3);
        try (Session session = Session.connect(args[0], QUEUES)) {
            session.init();
            for (Row row : Row.all()) {
                if (!row.quick() || row.queues() > QUEUES) {
                    continue;
                }
                Session.Mark mark = session.mark();
                Slot[] slots = new Slot[row.depth()];
                for (int i = 0; i < slots.length; i++) {
                    slots[i] = new Slot(i, 1 + i % row.queues());
                }
                Workload workload = row.workload().apply(fixture);
                workload.setUp(session, slots);
                long until = System.nanoTime() + ROW_NANOS;
                session.run(workload, slots, () -> System.nanoTime() >= until, unused);
                workload.tearDown(session, slots);
                session.release(mark);
            }
        }
    }
}
