package io.porthole.virtiofsd.passthrough;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is retired ends when nobody can use it any more, and not before. */
final class ReclaimerTest {
    private final List<Long> ended = new ArrayList<>();
    private final Reclaimer reclaimer = new Reclaimer(ended::add);
    private final Reclaimer.Participant self = reclaimer.join(false);
    private final Reclaimer.Participant other = reclaimer.join(false);

    @Test
    void endsAtOnceWhenNobodyElseIsInside() {
        reclaimer.enter(self);
        reclaimer.retire(self, 7);
        assertEquals(List.of(7L), ended);
        reclaimer.leave(self);
    }

    @Test
    void waitsForWhoWasInside() {
        reclaimer.enter(other);
        reclaimer.enter(self);
        reclaimer.retire(self, 7);
        reclaimer.retire(self, 8);
        reclaimer.leave(self);
        assertEquals(List.of(), ended);
        assertEquals(2, reclaimer.pendingCount());
        reclaimer.leave(other);
        assertEquals(List.of(7L, 8L), ended);
        assertEquals(0, reclaimer.pendingCount());
    }

    @Test
    void doesNotWaitForThoseWhoCameLater() {
        reclaimer.enter(other);
        reclaimer.retire(null, 7);
        reclaimer.enter(self);
        reclaimer.leave(other);
        // Self came before the epoch moved on, and may delay it: the next one does not.
        Reclaimer.Participant third = reclaimer.join(false);
        reclaimer.enter(third);
        reclaimer.leave(self);
        reclaimer.leave(third);
        assertEquals(List.of(7L), ended);
    }

    @Test
    void aThreadThatQuitsHoldsNothingUp() {
        reclaimer.enter(other);
        reclaimer.retire(null, 7);
        reclaimer.quit(other);
        assertEquals(List.of(7L), ended);
        reclaimer.retire(null, 8);
        assertEquals(List.of(7L, 8L), ended);
    }

    @Test
    void oneThatStaysHoldsOnToWhatItFoundUntilItsNextRequest() {
        Reclaimer.Participant staying = reclaimer.join(true);
        reclaimer.enter(staying);
        reclaimer.retire(null, 7);
        assertEquals(List.of(), ended);
        reclaimer.leave(staying);
        // Something is in limbo, so it looked after that instead of staying.
        assertEquals(List.of(7L), ended);

        reclaimer.enter(staying);
        reclaimer.leave(staying);
        reclaimer.retire(null, 8);
        assertEquals(List.of(7L), ended, "who stays is taken for busy");
        reclaimer.enter(staying);
        reclaimer.retire(null, 9);
        assertEquals(List.of(7L), ended);
        reclaimer.leave(staying);
        assertEquals(List.of(7L, 8L, 9L), ended);
    }

    @Test
    void twoThatStayEndWhatEachRetires() {
        Reclaimer.Participant one = reclaimer.join(true);
        Reclaimer.Participant two = reclaimer.join(true);
        reclaimer.enter(two);
        reclaimer.leave(two);
        for (long item = 0; item < 100; item++) {
            reclaimer.enter(one);
            reclaimer.retire(one, item);
            reclaimer.leave(one);
            reclaimer.enter(two);
            reclaimer.leave(two);
        }
        assertEquals(100, ended.size());
        assertEquals(0, reclaimer.pendingCount());
    }

    @Test
    void aRequestThatBeganLaterIsWaitedForNoLongerThanItself() {
        Reclaimer.Participant one = reclaimer.join(true);
        Reclaimer.Participant two = reclaimer.join(true);
        reclaimer.enter(two);
        reclaimer.leave(two);
        reclaimer.enter(two); // Uses what is retired now.
        reclaimer.retire(null, 7);
        for (int i = 0; i < 5; i++) {
            reclaimer.enter(one);
            reclaimer.leave(one);
        }
        assertEquals(List.of(), ended, "its request goes on");
        reclaimer.leave(two);
        assertEquals(List.of(7L), ended);
    }

    @Test
    void oneThatRestsHoldsNothingUp() {
        Reclaimer.Participant staying = reclaimer.join(true);
        reclaimer.enter(staying);
        reclaimer.leave(staying);
        reclaimer.rest(staying);
        reclaimer.retire(null, 7);
        assertEquals(List.of(7L), ended);
        reclaimer.enter(staying);
        reclaimer.leave(staying);
        reclaimer.retire(null, 8);
        assertEquals(List.of(7L), ended);
        reclaimer.rest(staying);
        assertEquals(List.of(7L, 8L), ended);
    }

    @Test
    void manyItemsInManyEpochsAllEndOnce() {
        long next = 0;
        for (int round = 0; round < 50; round++) {
            reclaimer.enter(other);
            for (int i = 0; i < 100; i++) {
                reclaimer.enter(self);
                reclaimer.retire(self, next++);
                reclaimer.leave(self);
            }
            reclaimer.leave(other);
        }
        assertEquals(next, ended.size());
        assertEquals(next, ended.stream().distinct().count());
    }

    /**
     * @param restEvery requests after which a reader rests; 0: it does not stay
     */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 1000})
    @Timeout(60)
    void nothingEndsUnderAReader(int restEvery) throws InterruptedException {
        // One thread replaces what a cell refers to, others use it: state 1 is alive, 2 is ended.
        AtomicIntegerArray state = new AtomicIntegerArray(1 << 20);
        AtomicLong cell = new AtomicLong(1);
        Reclaimer shared = new Reclaimer(item -> state.set((int) item, 2));
        AtomicBoolean stop = new AtomicBoolean();
        AtomicLong wrong = new AtomicLong();
        state.set(1, 1);
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Thread reader =
                    new Thread(() -> {
                        Reclaimer.Participant me = shared.join(restEvery != 0);
                        for (int n = 1; !stop.get(); n++) {
                            shared.enter(me);
                            int seen = (int) cell.getPlain();
                            for (int use = 0; use < 20; use++) {
                                if (state.get(seen) != 1) {
                                    wrong.incrementAndGet();
                                }
                            }
                            shared.leave(me);
                            if (restEvery != 0 && n % restEvery == 0) {
                                shared.rest(me);
                            }
                        }
                        shared.quit(me);
                    });
            reader.start();
            readers.add(reader);
        }
        Reclaimer.Participant writer = shared.join(false);
        for (int i = 2; i < 300_000; i++) {
            state.set(i, 1);
            shared.enter(writer);
            long old = cell.getAndSet(i);
            shared.retire(writer, old);
            shared.leave(writer);
        }
        stop.set(true);
        for (Thread reader : readers) {
            reader.join();
        }
        shared.collect();
        assertEquals(0, wrong.get());
        assertEquals(0, shared.pendingCount());
        assertTrue(state.get(2) == 2);
    }
}
