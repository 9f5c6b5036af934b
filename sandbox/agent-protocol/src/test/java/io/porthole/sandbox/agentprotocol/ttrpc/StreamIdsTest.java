package io.porthole.sandbox.agentprotocol.ttrpc;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class StreamIdsTest {
    private final StreamIds ids = new StreamIds();

    private void count(int from, int requests) {
        for (int i = 0; i < requests; i++) {
            assertFalse(ids.beginsAnotherClient(from + 2 * i), "request " + i);
        }
    }

    @Test
    void oneClientCountsUpForAsLongAsItLikes() {
        count(1, 100_000);
    }

    @Test
    void requestsMayPassEachOther() {
        for (int id : new int[] {7, 3, 5, 1, 11, 9, 8 + 2 * 1000 + 1, 13}) {
            assertFalse(ids.beginsAnotherClient(id));
        }
    }

    @Test
    void aClientThatStartsAtOneAgainIsAnother() {
        count(1, 10);
        assertTrue(ids.beginsAnotherClient(1));
        count(3, 20);
    }

    @Test
    void aClientThatStartsAtOneAgainAfterManyRequestsIsAnother() {
        count(1, 50_000);
        assertTrue(ids.beginsAnotherClient(1));
        count(3, 50_000);
    }

    @Test
    void aClientThatStartsElsewhereIsAnother() {
        count(1001, 10);
        assertTrue(ids.beginsAnotherClient(500_000_001));
        count(500_000_003, 10);
        assertTrue(ids.beginsAnotherClient(1001));
    }
}
