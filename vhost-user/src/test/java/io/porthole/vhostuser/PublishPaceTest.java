package io.porthole.vhostuser;

import static io.porthole.vhostuser.PublishPace.BATCH;
import static io.porthole.vhostuser.PublishPace.LOOK_EVERY;
import static io.porthole.vhostuser.PublishPace.PATIENCE_NANOS;
import static io.porthole.vhostuser.PublishPace.QUICK_WANTED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class PublishPaceTest {
    private static final long QUICK = 1_000;
    private static final long SLOW = PATIENCE_NANOS / 2;

    private long clock = 1;
    private int looks;
    private int waiting;
    private final PublishPace pace =
            new PublishPace() {
                @Override
                long now() {
                    looks++;
                    return clock;
                }
            };

    /** A request that takes this long; answers shown by it, or 0. */
    private int serve(long nanos) {
        clock += nanos;
        return pace.answered(++waiting) ? show() : 0;
    }

    private int show() {
        int shown = waiting;
        waiting = 0;
        if (shown > 0) {
            pace.showing(shown);
        }
        return shown;
    }

    /** The ring is empty for a while. */
    private void sleep() {
        show();
        pace.idle();
        clock += 1_000_000_000;
    }

    private void becomeSlow() {
        for (int i = 0; i < BATCH * (LOOK_EVERY + 1); i++) {
            serve(SLOW);
        }
        show();
        assertEquals(1, serve(SLOW));
    }

    @Test
    void quickAnswersAreCollected() {
        for (int i = 1; i <= 100 * BATCH; i++) {
            assertEquals(i % BATCH == 0 ? BATCH : 0, serve(QUICK));
        }
        assertTrue(looks <= 2 * 100 / LOOK_EVERY + 2, () -> looks + " looks at the clock");
    }

    @Test
    void slowOnesAreShownOneByOne() {
        becomeSlow();
        for (int i = 0; i < 1000; i++) {
            assertEquals(1, serve(SLOW));
        }
    }

    @Test
    void slownessIsSeenInSmallBatches() {
        for (int i = 0; i < LOOK_EVERY + 1; i++) {
            serve(SLOW);
            serve(SLOW);
            serve(2 * SLOW);
            sleep();
        }
        assertEquals(1, serve(SLOW));
    }

    @Test
    void timeAsleepIsNobodysWait() {
        for (int i = 0; i < 10 * LOOK_EVERY; i++) {
            serve(QUICK);
            serve(QUICK);
            sleep();
        }
        assertEquals(0, serve(QUICK));
    }

    @Test
    void oneSlowRequestAtATimeLetsNobodyWait() {
        for (int i = 0; i < 10 * LOOK_EVERY; i++) {
            serve(100 * PATIENCE_NANOS);
            sleep();
        }
        assertEquals(0, serve(QUICK));
    }

    @Test
    void quickOnesAreCollectedAgainAfterAWhile() {
        becomeSlow();
        for (int i = 1; i < QUICK_WANTED; i++) {
            assertEquals(1, serve(QUICK));
        }
        assertEquals(1, serve(QUICK), "the one that shows it");
        for (int i = 1; i <= 10 * BATCH; i++) {
            assertEquals(i % BATCH == 0 ? BATCH : 0, serve(QUICK));
        }
    }

    @Test
    void aSlowOneAmongQuickOnesBeginsTheCountAnew() {
        becomeSlow();
        for (int i = 0; i < 10 * QUICK_WANTED; i++) {
            assertEquals(1, serve(i % (QUICK_WANTED / 2) == 0 ? SLOW : QUICK));
        }
    }
}
