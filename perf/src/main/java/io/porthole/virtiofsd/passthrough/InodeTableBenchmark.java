package io.porthole.virtiofsd.passthrough;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What LOOKUP, GETATTR and FORGET need of the inode table. In the daemon's package, because nobody
 * else may use the table.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class InodeTableBenchmark {
    private static final int REGULAR = 0100000;
    private static final long FIRST_INO = 1_000_003;

    /** Inodes in the table. */
    @Param({"1000", "200000"})
    public int inodes;

    // A disposed slot is free again; there is no descriptor to close.
    private final Reclaimer reclaimer = new Reclaimer(this::dispose);
    private final Reclaimer.Participant self = reclaimer.join(false);
    private final InodeTable table = new InodeTable(1 << 20, reclaimer, 0);
    private long[] nodeIds = {};
    private int next;

    @Setup
    public void fill() {
        nodeIds = new long[inodes];
        table.insert(2, 0, 0, 0040000, 3, 0);
        for (int i = 0; i < inodes; i++) {
            nodeIds[i] = table.insert(FIRST_INO + i, 0, 0, REGULAR, 4, 0);
        }
    }

    private void dispose(long slot) {
        table.release((int) slot);
    }

    private int pick() {
        // A stride that shares no factor with the sizes: no two accesses are neighbours.
        next += 7_919;
        if (next >= inodes) {
            next %= inodes;
        }
        return next;
    }

    /** GETATTR: from node id to descriptor. */
    @Benchmark
    public int descriptorOfNode() {
        return table.fd(table.slot(nodeIds[pick()]));
    }

    /** LOOKUP of a known name, after the statx, with the FORGET that takes the count back. */
    @Benchmark
    public long findCountAndForget() {
        long nodeId = table.findAndCount(FIRST_INO + pick(), 0, 0, self);
        table.forget(nodeId, 1, self);
        return nodeId;
    }

    /** LOOKUP of a new name and the FORGET that ends the inode. */
    @Benchmark
    public long insertAndEnd() {
        long nodeId = table.insert(1, 0, 0, REGULAR, 5, 0);
        table.forget(nodeId, 1, self);
        return nodeId;
    }

    /** What each request pays so that descriptors stay open while it runs. */
    @Benchmark
    public void enterAndLeave() {
        reclaimer.enter(self);
        reclaimer.leave(self);
    }
}
