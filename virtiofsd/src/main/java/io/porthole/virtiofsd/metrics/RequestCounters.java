package io.porthole.virtiofsd.metrics;

import io.porthole.fuse.FileSystem;
import org.jspecify.annotations.Nullable;

/**
 * Counts one queue's requests by operation. Written by the queue's thread alone.
 *
 * <p>Every request is counted. The clock, which costs as much as a tenth of a cheap request, is
 * read for the first few requests after a sleep, which is all of them where a guest does one thing
 * at a time, and then for one in {@value #EVERY}, which stands for all of those.
 */
public final class RequestCounters {
    /** Upper bounds of the latency buckets: 1 us, 2 us, and so on to 8.4 s; then all the rest. */
    public static final int BUCKETS = 25;

    static final int COUNT = 0;
    static final int BYTES = 1;
    static final int NANOS = 2;
    static final int DEFERRED = 3;
    static final int ERRORS = 4;
    static final int BUCKET = ERRORS + ErrorClass.count();
    static final int COLUMNS = BUCKET + BUCKETS;

    /** Row of requests that are no operation. */
    static final int UNKNOWN = 0;

    /** fuse.h's opcodes and some to come. */
    static final int ROWS = 64;

    private static final int TIMED_FIRST = 4;

    /** A power of two. */
    private static final int EVERY = 64;

    private final long[] @Nullable [] rows = new long[ROWS] @Nullable [];
    private int sinceSleep;

    /**
     * A request begins.
     *
     * @return for how many its time is to stand; 0 if nobody needs to look at the clock
     */
    public int weigh() {
        int n = sinceSleep++;
        if (n < TIMED_FIRST) {
            return 1;
        }
        return ((n - TIMED_FIRST) & (EVERY - 1)) == EVERY - 1 ? EVERY : 0;
    }

    /** The queue was empty. */
    public void slept() {
        sinceSleep = 0;
    }

    /**
     * A request has ended.
     *
     * @param opcode of its header, whatever that was
     * @param result as of FuseServer.dispatch
     * @param weight of {@link #weigh}
     * @param nanos what it took, where there is a weight
     */
    public void count(int opcode, long result, int weight, long nanos) {
        int at = opcode > 0 && opcode < ROWS ? opcode : UNKNOWN;
        long[] row = rows[at];
        if (row == null) {
            row = new long[COLUMNS];
            rows[at] = row;
        }
        row[COUNT]++;
        if (result >= 0) {
            row[BYTES] += result;
        } else if (result == FileSystem.DEFERRED) {
            row[DEFERRED]++;
            return; // How long it waits says nothing about us.
        } else {
            row[ERRORS + ErrorClass.of(-result).column()]++;
        }
        if (weight != 0) {
            row[NANOS] += weight * nanos;
            row[BUCKET + bucket(nanos)] += weight;
        }
    }

    /** The first bucket whose bound is not below {@code nanos}. */
    static int bucket(long nanos) {
        if (nanos <= 1000) {
            return 0;
        }
        return Math.min(BUCKETS - 1, Long.SIZE - Long.numberOfLeadingZeros((nanos - 1) / 1000));
    }

    /** Adds what was counted so far. Any thread. */
    void addTo(long[] @Nullable [] sums) {
        for (int i = 0; i < ROWS; i++) {
            long[] row = rows[i];
            if (row == null) {
                continue;
            }
            long[] sum = sums[i];
            if (sum == null) {
                sum = new long[COLUMNS];
                sums[i] = sum;
            }
            for (int c = 0; c < COLUMNS; c++) {
                sum[c] += row[c];
            }
        }
    }
}
