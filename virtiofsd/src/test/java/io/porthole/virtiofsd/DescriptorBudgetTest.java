package io.porthole.virtiofsd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** How many inodes may be pinned, under which limit of open files. */
final class DescriptorBudgetTest {
    private static int budget(long openFiles) {
        return new DescriptorBudget(openFiles, 1, false).take(0);
    }

    @Test
    void openFilesHaveRoomHoweverManyInodesAreKnown() {
        assertEquals(1_000_000 - 65_536, budget(1_000_000));
        assertEquals(131_072 / 2, budget(131_072));
        assertEquals(10_000, budget(20_000));
        assertEquals(512, budget(1024));
    }

    @Test
    void sharesDivideTheBudgetAndGiveItBack() {
        DescriptorBudget budget = new DescriptorBudget(20_000, 4, false);
        assertEquals(2500, budget.take(0));
        assertEquals(7000, budget.take(7000));
        assertEquals(500, budget.take(0));
        assertEquals(64, budget.take(0), "none lives without any");
        budget.giveBack(7000);
        assertEquals(2500, budget.take(0));
    }
}
