package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class AdaptiveSpinTest {
    private static final long MAX = 20_000;

    private final AdaptiveSpin spin = new AdaptiveSpin(MAX);

    private void sleepShortly(int times) {
        for (int i = 0; i < times; i++) {
            spin.slept(3_000);
        }
    }

    @Test
    void nothingIsSpentAtFirst() {
        assertEquals(0, spin.budgetNanos());
    }

    @Test
    void shortSleepsMakeItSpin() {
        sleepShortly(4);
        assertTrue(spin.budgetNanos() > 0);
    }

    @Test
    void longSleepsDoNot() {
        for (int i = 0; i < 1000; i++) {
            sleepShortly(3);
            spin.slept(1_000_000);
        }
        assertEquals(0, spin.budgetNanos());
    }

    @Test
    void successMakesItSpinLongerUpToTheLimit() {
        sleepShortly(4);
        for (int i = 0; i < 10; i++) {
            spin.hit();
        }
        assertEquals(MAX, spin.budgetNanos());
    }

    @Test
    void itStopsWhenItDoesNotPay() {
        sleepShortly(4);
        for (int i = 0; i < 10; i++) {
            spin.hit();
        }
        for (int i = 0; i < 10; i++) {
            spin.miss();
        }
        assertEquals(0, spin.budgetNanos());
    }

    @Test
    void itTriesAgainEverMoreRarely() {
        long spent = 0;
        int sleeps = 100_000;
        for (int i = 0; i < sleeps; i++) {
            // Wake-ups look fast, and yet no spin is ever long enough.
            if (spin.budgetNanos() > 0) {
                spent += spin.budgetNanos();
                spin.miss();
            }
            spin.slept(3_000);
        }
        assertTrue(spent / sleeps < 10, () -> "ns a sleep wasted on average");
    }

    @Test
    void itCanBeSwitchedOff() {
        AdaptiveSpin off = new AdaptiveSpin(0);
        for (int i = 0; i < 100; i++) {
            off.slept(1);
        }
        assertEquals(0, off.budgetNanos());
    }
}
