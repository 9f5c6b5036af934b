package io.porthole.perf;

import io.porthole.fuse.FuseRemovemappingIn;
import io.porthole.fuse.FuseRemovemappingOne;
import io.porthole.fuse.FuseSetupmappingIn;
import io.porthole.fuse.Opcode;
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

    /** What Linux asks for in a SETUPMAPPING. */
    private static final long RANGE_BYTES = 2 << 20;

    /** Where a guest could have the window: behind all of its memory. */
    private static final long WINDOW_ADDRESS = 1L << 36;

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
            map(session);
        }
    }

    /** Maps a file through a DAX window and unmaps it again; a daemon without one is left alone. */
    private static void map(Session session) throws IOException {
        if (!session.provideWindow(WINDOW_ADDRESS)) {
            return;
        }
        long node = session.lookup(Session.ROOT, Fixture.DATA).nodeId();
        for (long at = 0; at < Fixture.DATA_BYTES; at += RANGE_BYTES) {
            Session.Mark mark = session.mark();
            Message m =
                    Message.plain(session.space(), Opcode.SETUPMAPPING, FuseSetupmappingIn.BYTES);
            FuseSetupmappingIn.foffset(m.memory(), m.argument(), at);
            FuseSetupmappingIn.moffset(m.memory(), m.argument(), at);
            FuseSetupmappingIn.len(m.memory(), m.argument(), RANGE_BYTES);
            FuseSetupmappingIn.flags(
                    m.memory(), m.argument(), FuseSetupmappingIn.FUSE_SETUPMAPPING_FLAG_READ);
            session.call(m.node(node));
            session.release(mark);
        }
        // Half of it by name; the end of the session unmaps the rest.
        for (long at = 0; at < Fixture.DATA_BYTES / 2; at += RANGE_BYTES) {
            Session.Mark mark = session.mark();
            int bytes = FuseRemovemappingIn.BYTES + FuseRemovemappingOne.BYTES;
            Message m = Message.plain(session.space(), Opcode.REMOVEMAPPING, bytes);
            FuseRemovemappingIn.count(m.memory(), m.argument(), 1);
            long one = m.argument() + FuseRemovemappingIn.BYTES;
            FuseRemovemappingOne.moffset(m.memory(), one, at);
            FuseRemovemappingOne.len(m.memory(), one, RANGE_BYTES);
            session.call(m.node(node));
            session.release(mark);
        }
        Session.Mark mark = session.mark();
        session.call(Message.plain(session.space(), Opcode.DESTROY, 0));
        session.release(mark);
    }
}
