package io.porthole.virtiofsd.passthrough;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.StatMode;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The table alone: keys, counts, growth. */
final class InodeTableTest {
    private static final long MIB = 1 << 20;

    private final int[] released = {0};
    private InodeTable table = table(1 << 20);
    private Reclaimer reclaimer;
    private Reclaimer.Participant self;

    private InodeTable table(int maxInodes) {
        reclaimer =
                new Reclaimer(slot -> {
                    released[0]++;
                    table.release((int) slot);
                });
        self = reclaimer.join(false);
        InodeTable made = new InodeTable(maxInodes, reclaimer, 0);
        made.insert(1, 0, 0, StatMode.S_IFDIR, 3, 0);
        return made;
    }

    private long insert(long ino, int mount) {
        return table.insert(ino, mount, ino, StatMode.S_IFREG, 1000, 0);
    }

    @Test
    void anInodeIsFoundByNumberAndMount() {
        long node = insert(7, 0);
        assertEquals(0, table.findAndCount(7, 1, 7, self));
        assertEquals(0, table.findAndCount(8, 0, 8, self));
        assertEquals(node, table.findAndCount(7, 0, 7, self));
        assertEquals(node | InodeTable.KNOWN, insert(7, 0));
        assertEquals(3, table.lookups(table.slot(node)));
        assertNotEquals(node, insert(7, 1));
    }

    @Test
    void birthTellsUnpinnedInodesOfOneNumberApart() {
        long old = table.insert(7, 0, 100, StatMode.S_IFREG, InodeTable.UNPINNED, 1L << 57);
        assertEquals(old, table.findAndCount(7, 0, 100, self));
        assertEquals(0, table.findAndCount(7, 0, 200, self));
        long fresh = table.insert(7, 0, 200, StatMode.S_IFREG, InodeTable.UNPINNED, 2L << 57);
        assertEquals(fresh, table.findAndCount(7, 0, 200, self));
        assertEquals(old, table.findAndCount(7, 0, 100, self));
        // A pinned inode keeps its number, whatever a file system says of its birth.
        long pinned = table.insert(8, 0, 100, StatMode.S_IFREG, 5, 0);
        assertEquals(pinned, table.findAndCount(8, 0, 300, self));
    }

    @Test
    void aFullTableRefuses() {
        table = table(10);
        for (int i = 2; i < 10; i++) {
            assertNotEquals(0, insert(i, 0));
        }
        assertEquals(0, insert(10, 0));
        table.forget(table.findAndCount(5, 0, 5, self), 2, self);
        assertNotEquals(0, insert(10, 0));
    }

    @Test
    void behavesAsAMapDoes() {
        Random random = new Random(42);
        Map<Long, Long> model = new HashMap<>();
        for (int i = 0; i < 400_000; i++) {
            long ino = random.nextLong(2, 2000);
            Long known = model.get(ino);
            if (random.nextInt(3) == 0) {
                if (known != null) {
                    table.forget(known, Long.MAX_VALUE, self);
                    model.remove(ino);
                }
            } else if (known != null) {
                assertEquals(known, table.findAndCount(ino, 0, ino, self));
            } else {
                assertEquals(0, table.findAndCount(ino, 0, ino, self));
                model.put(ino, insert(ino, 0));
            }
        }
        assertEquals(model.size() + 1, table.count());
        assertEquals(model.size() + 1, table.pinnedCount());
    }

    @Test
    @Timeout(120)
    void fiveMillionInodesFitInTheDaemonsHeap() {
        int count = 5_000_000;
        table = table(1 << 23);
        long before = usedBytes();
        for (int i = 2; i < count + 2; i++) {
            int fd = i < 500_000 ? 1000 : InodeTable.UNPINNED;
            assertTrue(
                    table.insert(i * 31L, 0, i, StatMode.S_IFREG, fd, fd < 0 ? 1L << 57 : 0) > 0);
        }
        long bytes = usedBytes() - before;
        assertTrue(bytes < 300 * MIB, bytes / MIB + " MiB");
        for (int i = 2; i < count + 2; i++) {
            long node = table.findAndCount(i * 31L, 0, i, self);
            assertTrue(node > 0);
            table.forget(node, 2, self);
        }
        assertEquals(1, table.count());
        assertEquals(1, table.pinnedCount());
        assertEquals(count, released[0]);
    }

    private static long usedBytes() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
