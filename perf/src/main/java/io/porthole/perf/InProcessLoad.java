package io.porthole.perf;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;

/** One row of the comparison, for a caller that measures by itself. */
public final class InProcessLoad implements AutoCloseable {
    private final Session session;
    private final Workload workload;
    private final Slot[] slots;
    private final Histogram latencies = new Histogram(60_000_000_000L, 3);

    /** Made once: a run allocates nothing. */
    private final BooleanSupplier enough = this::hasEnough;

    private long until;

    private InProcessLoad(Session session, Workload workload, Slot[] slots) {
        this.session = session;
        this.workload = workload;
        this.slots = slots;
    }

    /**
     * Connects to a daemon and prepares a row.
     *
     * @param share what the daemon shares; empty
     * @param rowId of {@link Row}
     */
    public static InProcessLoad begin(Path socket, Path share, String rowId) throws IOException {
        Row row =
                Row.all().stream()
                        .filter(r -> r.id().equals(rowId))
                        .findFirst()
                        .orElseThrow(() -> new IllegalArgumentException("no row " + rowId));
        // No tree: no row that wants one is run here.
        Path none = Files.createDirectory(share.resolve("none"));
        Fixture fixture = Fixture.prepare(share, none);
        Session session = Session.connect(socket.toString(), row.queues());
        session.init();
        Slot[] slots = new Slot[row.depth()];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = new Slot(i, 1 + i % row.queues());
        }
        Workload workload = row.workload().apply(fixture);
        workload.setUp(session, slots);
        return new InProcessLoad(session, workload, slots);
    }

    /** Runs at least {@code operations} operations; returns how many it were. */
    public long run(long operations) {
        latencies.reset();
        until = operations - slots.length;
        return session.run(workload, slots, enough, latencies);
    }

    private boolean hasEnough() {
        return latencies.getTotalCount() >= until;
    }

    /** Removes a directory and all below it. */
    public static void removeTree(Path directory) throws IOException {
        Files.walkFileTree(
                directory,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes a)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(Path dir, java.io.IOException e)
                            throws IOException {
                        Files.delete(dir);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    @Override
    public void close() throws IOException {
        workload.tearDown(session, slots);
        session.close();
    }
}
