package io.porthole.vhostuser;

/**
 * Decides how long a queue thread looks at an empty ring before it sleeps. A sleep and its wake-up
 * cost a few microseconds, more across CPUs; spinning costs a CPU that a virtual CPU may want. So:
 * no spinning until short sleeps show that it would have paid, more while it pays, and, each time
 * it turns out not to, a longer wait before the next try.
 */
final class AdaptiveSpin {
    private static final long FIRST_NANOS = 4_000;
    private static final int MISSES_ALLOWED = 2;
    private static final int FEWEST_SHORT_SLEEPS = 4;
    private static final int MOST_SHORT_SLEEPS = 4096;

    private final long maxNanos;
    private long budgetNanos;
    private int misses;
    private int shortSleeps;
    private int shortSleepsWanted = FEWEST_SHORT_SLEEPS;

    /**
     * @param maxNanos the most that one spin may take; 0 for none
     */
    AdaptiveSpin(long maxNanos) {
        this.maxNanos = maxNanos;
    }

    /** How long to spin now. */
    long budgetNanos() {
        return budgetNanos;
    }

    /** A spin ended with work. */
    void hit() {
        misses = 0;
        shortSleepsWanted = FEWEST_SHORT_SLEEPS;
        budgetNanos = Math.min(maxNanos, budgetNanos * 2);
    }

    /** A spin ended without. */
    void miss() {
        if (++misses < MISSES_ALLOWED) {
            return;
        }
        misses = 0;
        budgetNanos /= 2;
        if (budgetNanos < FIRST_NANOS) {
            budgetNanos = 0;
            shortSleeps = 0;
            shortSleepsWanted = Math.min(MOST_SHORT_SLEEPS, shortSleepsWanted * 2);
        }
    }

    /** The thread slept this long. */
    void slept(long nanos) {
        if (budgetNanos != 0 || maxNanos == 0) {
            return;
        }
        if (nanos > maxNanos) {
            shortSleeps = 0;
        } else if (++shortSleeps >= shortSleepsWanted) {
            shortSleeps = 0;
            budgetNanos = Math.min(maxNanos, FIRST_NANOS);
        }
    }
}
