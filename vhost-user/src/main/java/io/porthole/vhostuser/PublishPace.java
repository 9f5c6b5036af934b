package io.porthole.vhostuser;

/**
 * Decides how many answers a queue collects before the driver is shown them. To show each costs
 * more, to show them together makes the first ones wait; so they wait for one another as long as
 * that is not long. Where requests take their time, on a disk or a network, each answer is shown at
 * once.
 *
 * <p>While requests are quick the clock is read for one batch in {@link #LOOK_EVERY}, so it takes a
 * few batches to see that they no longer are. For the queue's thread only.
 */
class PublishPace {
    /** Answers in a batch. */
    static final int BATCH = 8;

    /** The longest that an answer may wait for others. */
    static final long PATIENCE_NANOS = 200_000;

    static final int LOOK_EVERY = 8;

    /** So many quick requests in a row, and answers are collected again. */
    static final int QUICK_WANTED = 64;

    private boolean collecting = true;
    private int batchesToLook = 1;
    private int quick;

    /** Whether {@link #since} holds: of the batch's first answer, or of the answer before. */
    private boolean timed;

    private long since;

    /** The time in ns. */
    long now() {
        return System.nanoTime();
    }

    /**
     * An answer is there.
     *
     * @param waiting answers that the driver has not been shown, with this one
     * @return whether to show them now
     */
    boolean answered(int waiting) {
        if (!collecting) {
            countQuick();
            return true;
        }
        if (waiting == 1 && --batchesToLook <= 0) {
            since = now();
            timed = true;
        }
        return waiting >= BATCH;
    }

    /** The driver is being shown this many answers. */
    void showing(int answers) {
        if (collecting && timed) {
            timed = false;
            batchesToLook = LOOK_EVERY;
            if (answers > 1 && now() - since > PATIENCE_NANOS) {
                collecting = false;
                quick = 0;
            }
        }
    }

    /** The ring is empty: the time until the next answer says nothing. */
    void idle() {
        timed = false;
    }

    private void countQuick() {
        long at = now();
        if (timed) {
            quick = at - since < PATIENCE_NANOS / BATCH ? quick + 1 : 0;
            if (quick >= QUICK_WANTED) {
                collecting = true;
                timed = false;
                batchesToLook = LOOK_EVERY;
                return;
            }
        }
        since = at;
        timed = true;
    }
}
