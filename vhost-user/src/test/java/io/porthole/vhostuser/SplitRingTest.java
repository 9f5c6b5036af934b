package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.vhostuser.RingBench.Buffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** VIRTIO 1.3 2.7, rule by rule. */
final class SplitRingTest {
    private static final long FEATURES = VhostUserDevice.DEFAULT_FEATURES;
    private static final int SIZE = 16;

    private RingBench bench = open(FEATURES);

    private static RingBench open(long features) {
        try {
            return new RingBench(SIZE, 8, features);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @AfterEach
    void close() {
        bench.close();
    }

    /** A chain of one readable buffer, ready to be corrupted. */
    private int chainOf(int readable, int writable) {
        DriverQueue q = bench.driver;
        q.begin();
        for (int i = 0; i < readable; i++) {
            q.readable(bench.ram.allocate(64, 1), 64);
        }
        for (int i = 0; i < writable; i++) {
            q.writable(bench.ram.allocate(64, 1), 64);
        }
        return q.finish();
    }

    private void offer(int head) {
        bench.driver.submitUnchecked(head);
        bench.driver.publish();
    }

    private void set(MemorySegment table, int descriptor, long addr, int len, int flags, int next) {
        long at = (long) descriptor * Virtio.DESC_BYTES;
        table.set(Virtio.LONG, at, addr);
        table.set(ValueLayout.JAVA_INT_UNALIGNED, at + 8, len);
        table.set(ValueLayout.JAVA_SHORT_UNALIGNED, at + 12, (short) flags);
        table.set(ValueLayout.JAVA_SHORT_UNALIGNED, at + 14, (short) next);
    }

    private void set(int descriptor, long addr, int len, int flags, int next) {
        set(bench.driver.descriptors(), descriptor, addr, len, flags, next);
    }

    private void assertFault(QueueFault expected) {
        int result = bench.pop();
        assertEquals(expected, bench.ring.fault());
        assertEquals(expected.breaksRing() ? SplitRing.BROKEN : SplitRing.BAD_CHAIN, result);
    }

    @Test
    void anEmptyRingHasNothing() {
        assertEquals(SplitRing.EMPTY, bench.pop());
        assertFalse(bench.ring.hasMore());
    }

    @Test
    void aChainHasItsBuffersInOrder() {
        DriverQueue q = bench.driver;
        long a = bench.ram.allocate(3, 1);
        long b = bench.ram.allocate(5, 1);
        bench.ram.at(a, 3).copyFrom(MemorySegment.ofArray(new byte[] {1, 2, 3}));
        bench.ram.at(b, 5).copyFrom(MemorySegment.ofArray(new byte[] {4, 5, 6, 7, 8}));
        long out = bench.ram.allocate(10, 1);
        q.begin();
        q.readable(a, 3);
        q.readable(b, 5);
        q.writable(out, 10);
        int head = q.finish();
        q.submit(head);
        assertEquals(SplitRing.EMPTY, bench.pop(), "not published yet");
        q.publish();
        assertTrue(bench.ring.hasMore());
        assertEquals(SplitRing.CHAIN, bench.pop());
        assertNull(bench.ring.fault());
        assertEquals(head, bench.chain.head());
        assertEquals(8, bench.chain.readableBytes());
        assertEquals(10, bench.chain.writableBytes());
        MemorySegment got = bench.arena.allocate(6);
        bench.chain.copyIn(1, got, 0, 6);
        assertArrayEquals(new byte[] {2, 3, 4, 5, 6, 7}, got.toArray(ValueLayout.JAVA_BYTE));
        bench.chain.copyOut(4, got, 0, 6);
        assertEquals(2, bench.ram.at(out, 10).get(ValueLayout.JAVA_BYTE, 4));
        assertEquals(SplitRing.EMPTY, bench.pop());
    }

    @Test
    void usedEntriesAreSeenWhenPublishedAndInOrder() {
        int first = chainOf(1, 1);
        int second = chainOf(1, 1);
        offer(first);
        offer(second);
        bench.pop();
        bench.pop();
        // Out of order, as a device may (2.7.8).
        bench.ring.push(second, 7);
        bench.ring.push(first, 9);
        assertEquals(DriverQueue.NONE, bench.driver.poll());
        assertEquals(2, bench.ring.unpublished());
        bench.ring.publish();
        assertEquals(0, bench.ring.unpublished());
        // submitUnchecked does not count them as submitted; look at the ring itself.
        assertEquals(second, bench.driver.used().get(Virtio.INT, 4));
        assertEquals(7, bench.driver.used().get(Virtio.INT, 8));
        assertEquals(first, bench.driver.used().get(Virtio.INT, 12));
        assertEquals(9, bench.driver.used().get(Virtio.INT, 16));
        assertEquals(2, bench.driver.used().get(Virtio.SHORT, 2));
    }

    @Test
    void indexesWrapAround() {
        int head = chainOf(1, 1);
        for (int i = 0; i < 70_000; i++) {
            bench.driver.submit(head);
            bench.driver.publish();
            assertEquals(SplitRing.CHAIN, bench.pop());
            bench.ring.push(head, i % 64);
            bench.ring.publish();
            assertEquals(head, bench.driver.poll());
            assertEquals(i % 64, bench.driver.usedBytes());
        }
        assertEquals(70_000 & 0xffff, bench.ring.nextAvail());
    }

    // 2.7.5.3 indirect descriptors

    @Test
    void anIndirectTableMayLieAtAnyAddress() {
        long table = bench.ram.allocate(64, 16) + 5;
        long data = bench.ram.allocate(64, 16);
        MemorySegment t = bench.ram.at(table, 32);
        set(t, 0, data, 8, Virtio.DESC_F_NEXT, 1);
        set(t, 1, data + 8, 16, Virtio.DESC_F_WRITE, 0);
        set(0, table, 32, Virtio.DESC_F_INDIRECT, 0);
        offer(0);
        assertEquals(SplitRing.CHAIN, bench.pop());
        assertEquals(8, bench.chain.readableBytes());
        assertEquals(16, bench.chain.writableBytes());
    }

    @Test
    void directDescriptorsMayPrecedeAnIndirectOne() {
        // 2.7.5.3.2: the device must handle this.
        long table = bench.ram.allocate(16, 16);
        long data = bench.ram.allocate(64, 16);
        set(bench.ram.at(table, 16), 0, data, 8, Virtio.DESC_F_WRITE, 0);
        set(0, data, 8, Virtio.DESC_F_NEXT, 1);
        // 2.7.5.3.2: WRITE is ignored in a descriptor that refers to a table.
        set(1, table, 16, Virtio.DESC_F_INDIRECT | Virtio.DESC_F_WRITE, 0);
        offer(0);
        assertEquals(SplitRing.CHAIN, bench.pop());
        assertEquals(8, bench.chain.readableBytes());
        assertEquals(8, bench.chain.writableBytes());
    }

    @Test
    void indirectNeedsTheFeature() {
        bench.ring.setFeatures(Virtio.F_VERSION_1);
        set(0, bench.ram.allocate(16, 16), 16, Virtio.DESC_F_INDIRECT, 0);
        offer(0);
        assertFault(QueueFault.INDIRECT_NOT_NEGOTIATED);
    }

    @Test
    void indirectTablesDoNotNest() {
        long table = bench.ram.allocate(16, 16);
        set(bench.ram.at(table, 16), 0, table, 16, Virtio.DESC_F_INDIRECT, 0);
        set(0, table, 16, Virtio.DESC_F_INDIRECT, 0);
        offer(0);
        assertFault(QueueFault.INDIRECT_NESTED);
    }

    @Test
    void nothingFollowsAnIndirectTable() {
        set(0, bench.ram.allocate(16, 16), 16, Virtio.DESC_F_INDIRECT | Virtio.DESC_F_NEXT, 1);
        offer(0);
        assertFault(QueueFault.INDIRECT_WITH_NEXT);
    }

    @Test
    void anIndirectTableIsWholeEntriesAndNotTooMany() {
        long table = bench.ram.allocate(32 * 1024, 16);
        for (int bytes : new int[] {0, 15, 17, 16 * 1025, -16}) {
            set(0, table, bytes, Virtio.DESC_F_INDIRECT, 0);
            offer(0);
            assertFault(QueueFault.INDIRECT_BAD_LENGTH);
        }
    }

    @Test
    void anIndirectTableLiesInGuestMemory() {
        long end = bench.ram.guestAddr() + bench.ram.bytes();
        for (long addr : new long[] {end - 16, end, 0, -16, Long.MAX_VALUE - 7}) {
            set(0, addr, 32, Virtio.DESC_F_INDIRECT, 0);
            offer(0);
            assertFault(QueueFault.INDIRECT_BAD_ADDRESS);
        }
    }

    @Test
    void nextInAnIndirectTableStaysInside() {
        long table = bench.ram.allocate(32, 16);
        set(bench.ram.at(table, 32), 0, table, 8, Virtio.DESC_F_NEXT, 2);
        set(0, table, 32, Virtio.DESC_F_INDIRECT, 0);
        offer(0);
        assertFault(QueueFault.NEXT_OUT_OF_RANGE);
    }

    // 2.7.5 chains

    @Test
    void aLoopIsFound() {
        long data = bench.ram.allocate(8, 8);
        set(0, data, 8, Virtio.DESC_F_NEXT, 1);
        set(1, data, 8, Virtio.DESC_F_NEXT, 0);
        offer(0);
        assertFault(QueueFault.CHAIN_LOOP);
    }

    @Test
    void aLoopInAnIndirectTableIsFound() {
        long table = bench.ram.allocate(16, 16);
        set(bench.ram.at(table, 16), 0, table, 8, Virtio.DESC_F_NEXT, 0);
        set(0, table, 16, Virtio.DESC_F_INDIRECT, 0);
        offer(0);
        assertFault(QueueFault.CHAIN_LOOP);
    }

    @Test
    void aChainMayFillTheWholeTable() {
        int head = chainOf(SIZE - 1, 1);
        offer(head);
        assertEquals(SplitRing.CHAIN, bench.pop());
        assertEquals((SIZE - 1) * 64, bench.chain.readableBytes());
    }

    @Test
    void nextStaysInTheTable() {
        set(0, bench.ram.allocate(8, 8), 8, Virtio.DESC_F_NEXT, SIZE);
        offer(0);
        assertFault(QueueFault.NEXT_OUT_OF_RANGE);
    }

    @Test
    void readableDoesNotFollowWritable() {
        // 2.7.4.2
        long data = bench.ram.allocate(8, 8);
        set(0, data, 8, Virtio.DESC_F_WRITE | Virtio.DESC_F_NEXT, 1);
        set(1, data, 8, 0, 0);
        offer(0);
        assertFault(QueueFault.READABLE_AFTER_WRITABLE);
    }

    @Test
    void emptyBuffersAreRefused() {
        set(0, bench.ram.allocate(8, 8), 0, 0, 0);
        offer(0);
        assertFault(QueueFault.ZERO_LENGTH);
    }

    @Test
    void buffersLieInGuestMemory() {
        long begin = bench.ram.guestAddr();
        long end = begin + bench.ram.bytes();
        long[][] bad = {
            {begin - 1, 8}, // begins before
            {end - 7, 8}, // ends behind
            {end, 1},
            {0, 1},
            {begin, 0xffff_ffffL}, // 4 GiB less one
            {-1, 8}, // wraps around
            {-8, 8},
            {Long.MAX_VALUE - 3, 8},
            {Long.MIN_VALUE, 8},
        };
        for (long[] b : bad) {
            set(0, b[0], (int) b[1], 0, 0);
            offer(0);
            assertFault(QueueFault.BAD_ADDRESS);
        }
    }

    @Test
    void aChainIsAtMostFourGibibytes() {
        // 2.7.5.2. The memory need not exist: two buffers of 2 GiB and one byte are too much.
        GuestMemory huge =
                GuestMemory.of(new GuestMemory.Region(0, 1L << 40, 0x1000, 0x1000, null));
        Buffer in = new Buffer(0, 1 << 31, 0);
        Buffer out = new Buffer(0, 1 << 31, Virtio.DESC_F_WRITE);
        bench.has(huge, in, out);
        assertEquals(1L << 31, bench.chain.readableBytes());
        assertEquals(1L << 31, bench.chain.writableBytes());
        Buffer one = new Buffer(0, 1, Virtio.DESC_F_WRITE);
        assertEquals(QueueFault.CHAIN_TOO_LONG, bench.follow(huge, in, out, one));
        assertEquals(0, bench.chain.readableBytes());
        assertEquals(0, bench.chain.writableBytes());
    }

    @Test
    void aChainHasAtMostAsManyBuffersAsAnIovec() {
        Buffer[] most = new Buffer[DescriptorChain.MAX_BUFFERS];
        Arrays.fill(most, new Buffer(bench.ram.guestAddr(), 1, Virtio.DESC_F_WRITE));
        bench.has(bench.memory, most);
        assertEquals(DescriptorChain.MAX_BUFFERS, bench.chain.writableBytes());
        Buffer[] tooMany = Arrays.copyOf(most, most.length + 1);
        tooMany[most.length] = most[0];
        assertEquals(QueueFault.TOO_MANY_BUFFERS, bench.follow(bench.memory, tooMany));
    }

    // The ring itself

    @Test
    void aHeadThatIsNoDescriptorBreaksTheRing() {
        offer(SIZE);
        assertFault(QueueFault.HEAD_OUT_OF_RANGE);
    }

    @Test
    void anAvailableIndexTooFarAheadBreaksTheRing() {
        // 2.7.13.3: no more than the queue size can be outstanding.
        bench.driver.forgeAvailableIndex(SIZE + 1);
        assertFault(QueueFault.AVAIL_INDEX_JUMP);
    }

    @Test
    void anAvailableIndexThatGoesBackBreaksTheRing() {
        bench.driver.forgeAvailableIndex(-1);
        assertFault(QueueFault.AVAIL_INDEX_JUMP);
    }

    @Test
    void aFullRingIsFine() {
        for (int i = 0; i < SIZE; i++) {
            bench.driver.submit(chainOf(1, 0));
        }
        bench.driver.publish();
        for (int i = 0; i < SIZE; i++) {
            assertEquals(SplitRing.CHAIN, bench.pop());
        }
        assertEquals(SplitRing.EMPTY, bench.pop());
    }

    @Test
    void ringsOutsideMemoryAreNotMapped() {
        bench.ring.setAddresses(0x1000, 0x2000, 0x3000);
        assertFalse(bench.ring.map(bench.memory));
    }

    @Test
    void theLastByteOfARingMustBeInMemory() {
        long end = bench.ram.userAddr() + bench.ram.bytes();
        long desc = bench.driver.descUserAddr();
        long avail = bench.driver.availUserAddr();
        long fits = (end - Virtio.usedBytes(SIZE)) & -4;
        bench.ring.setAddresses(desc, avail, fits);
        assertTrue(bench.ring.map(bench.memory));
        bench.ring.setAddresses(desc, avail, fits + 4);
        assertFalse(bench.ring.map(bench.memory));
    }

    // 2.7.7, 2.7.10 notifications

    @Test
    void eventIndexDecidesOnInterrupts() {
        int a = chainOf(1, 1);
        int b = chainOf(1, 1);
        MemorySegment avail = bench.driver.available();
        long usedEvent = Virtio.AVAIL_RING + 2L * SIZE;
        bench.ring.push(a, 0);
        avail.set(Virtio.SHORT, usedEvent, (short) 0);
        assertTrue(bench.ring.publish(), "passed index 0");
        bench.ring.push(b, 0);
        assertFalse(bench.ring.publish(), "index 0 is long gone");
        avail.set(Virtio.SHORT, usedEvent, (short) 3);
        bench.ring.push(a, 0);
        assertFalse(bench.ring.publish(), "3 is still to come");
        bench.ring.push(b, 0);
        bench.ring.push(a, 0);
        assertTrue(bench.ring.publish(), "a batch passed 3");
        assertFalse(bench.ring.publish(), "nothing new");
    }

    @Test
    void flagsDecideOnInterruptsWithoutEventIndex() {
        bench.ring.setFeatures(Virtio.F_VERSION_1);
        MemorySegment avail = bench.driver.available();
        bench.ring.push(0, 0);
        assertTrue(bench.ring.publish());
        avail.set(Virtio.SHORT, Virtio.AVAIL_FLAGS, (short) Virtio.AVAIL_F_NO_INTERRUPT);
        bench.ring.push(0, 0);
        assertFalse(bench.ring.publish());
    }

    @Test
    void theDriverKicksWhenAsked() {
        int head = chainOf(1, 1);
        bench.ring.askForKick();
        bench.driver.submit(head);
        assertTrue(bench.driver.publish());
        bench.pop();
        int next = chainOf(1, 1);
        bench.driver.submit(next);
        assertFalse(bench.driver.publish(), "the event index stayed behind");
    }

    @Test
    void theDriverKicksByFlagWithoutEventIndex() {
        bench.close();
        bench = open(Virtio.F_VERSION_1);
        int head = chainOf(1, 1);
        bench.ring.askForNoKick();
        bench.driver.submit(head);
        assertFalse(bench.driver.publish());
        bench.ring.askForKick();
        bench.driver.submit(chainOf(1, 1));
        assertTrue(bench.driver.publish());
    }

    @Test
    void needEventIsModulo65536() {
        assertTrue(Virtio.needEvent(0xffff, 0, 0xffff));
        assertTrue(Virtio.needEvent(0, 1, 0));
        assertFalse(Virtio.needEvent(1, 1, 0));
        assertTrue(Virtio.needEvent(0xfffe, 2, 0xfffd));
        assertFalse(Virtio.needEvent(2, 2, 0xfffd));
        assertFalse(Virtio.needEvent(5, 5, 5), "no progress");
    }
}
