package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.NativeMemory;
import io.porthole.vhostuser.RingBench.Buffer;
import java.lang.foreign.Arena;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class GuestMemoryTest {
    private final AtomicInteger unmapped = new AtomicInteger();

    private GuestMemory.Region region(long guest, long bytes, long user, long host) {
        return new GuestMemory.Region(guest, bytes, user, host, unmapped::incrementAndGet);
    }

    @Test
    void addressesAreFoundInTheirRegion() {
        GuestMemory m =
                GuestMemory.of(
                        region(0x8000, 0x1000, 0x70000, 0x10000),
                        region(0, 0x4000, 0x50000, 0x20000),
                        region(0x1_0000_0000L, 0x2000, 0x90000, 0x30000));
        assertEquals(0x20000, m.translate(0, 1));
        assertEquals(0x23fff, m.translate(0x3fff, 1));
        assertEquals(0x20000, m.translate(0, 0x4000));
        assertEquals(0x10010, m.translate(0x8010, 0x100));
        assertEquals(0x31000, m.translate(0x1_0000_1000L, 0x1000));
        assertEquals(0x10010, m.translateUser(0x70010, 0xff0));
    }

    @Test
    void addressesOutsideAreNowhere() {
        GuestMemory m = GuestMemory.of(region(0x1000, 0x1000, 0x70000, 0x10000));
        long[][] bad = {
            {0xfff, 1},
            {0x2000, 1},
            {0x1000, 0x1001},
            {0x1fff, 2},
            {0x1800, -1},
            {0x1800, Long.MAX_VALUE},
            {-1, 1},
            {Long.MIN_VALUE, 1},
        };
        for (long[] b : bad) {
            assertEquals(GuestMemory.NOWHERE, m.translate(b[0], b[1]), () -> b[0] + " " + b[1]);
        }
        assertEquals(GuestMemory.NOWHERE, m.translateUser(0x6ffff, 1));
        assertEquals(GuestMemory.NOWHERE, m.translateUser(0x71000, 1));
        assertEquals(GuestMemory.NOWHERE, m.translateUser(0x70fff, 2));
        assertEquals(GuestMemory.NOWHERE, m.translateUser(0x70000, -1));
        assertEquals(GuestMemory.NOWHERE, m.translateUser(-1, 1));
        assertNull(GuestMemory.of().regionAt(0));
    }

    @Test
    void impossibleRegionsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> region(0, 0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> region(0, -1, 0, 0));
        assertThrows(
                IllegalArgumentException.class, () -> region(Long.MAX_VALUE - 1, 0x1000, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> region(-0x1000, 0x800, 0, 0));
        assertThrows(
                IllegalArgumentException.class, () -> region(0, 0x1000, Long.MAX_VALUE - 1, 0));
        assertThrows(
                IllegalArgumentException.class,
                () -> GuestMemory.of(region(0, 0x1001, 0, 0), region(0x1000, 0x1000, 0, 0)));
    }

    @Test
    void aBufferAcrossTwoRegionsIsTwoPieces() throws Exception {
        try (RingBench bench = new RingBench(16, 0, VhostUserDevice.DEFAULT_FEATURES)) {
            // The same memory as two regions; the halves lie beside each other here, too, so that
            // the iovec joins them again: put the second one elsewhere to see two entries.
            GuestMemory joined =
                    GuestMemory.of(
                            RingBench.region(bench.ram, 0, 0x8000),
                            RingBench.region(bench.ram, 0x8000, 0x8000));
            long at = bench.ram.guestAddr() + 0x7ff8;
            bench.has(joined, new Buffer(at, 16, 0));
            assertEquals(16, bench.chain.readableBytes());
            assertEquals(1, bench.chain.readableIov(0, 16));

            long elsewhere = bench.ram.userAddr() + 0x4_0000;
            GuestMemory apart =
                    GuestMemory.of(
                            RingBench.region(bench.ram, 0, 0x8000),
                            new GuestMemory.Region(
                                    bench.ram.guestAddr() + 0x8000,
                                    0x8000,
                                    elsewhere,
                                    elsewhere,
                                    null));
            bench.has(apart, new Buffer(at, 16, 0));
            assertEquals(2, bench.chain.readableIov(0, 16));
            var iov = java.lang.foreign.MemorySegment.ofAddress(bench.chain.iovAddr());
            assertEquals(2, bench.chain.readableIov(3, 10));
            assertEquals(5, NativeMemory.getLong(iov.address() + 8));
            assertEquals(elsewhere, NativeMemory.getLong(iov.address() + 16));
            assertEquals(5, NativeMemory.getLong(iov.address() + 24));
            assertEquals(DescriptorChain.MINUS_EINVAL, bench.chain.readableIov(3, 14));
            assertEquals(DescriptorChain.MINUS_EINVAL, bench.chain.readableIov(-1, 1));
            assertEquals(DescriptorChain.MINUS_EINVAL, bench.chain.readableIov(0, -1));
            assertEquals(DescriptorChain.MINUS_EINVAL, bench.chain.writableIov(0, 1));
            assertEquals(0, bench.chain.writableIov(0, 0));

            // A gap between regions ends the buffer.
            GuestMemory gap = GuestMemory.of(RingBench.region(bench.ram, 0, 0x8000));
            assertEquals(QueueFault.BAD_ADDRESS, bench.follow(gap, new Buffer(at, 16, 0)));
            assertEquals(0, bench.chain.readableBytes());
        }
    }

    @Test
    void aRequestIsInTheMemoryOfItsTime() throws Exception {
        try (RingBench bench = new RingBench(16, 0, VhostUserDevice.DEFAULT_FEATURES)) {
            long at = bench.ram.guestAddr();
            long elsewhere = bench.ram.userAddr() + 0x4_0000;
            GuestMemory moved = GuestMemory.of(region(at, 0x1000, elsewhere, elsewhere));
            GuestMemory away = GuestMemory.of(region(at + 0x1000, 0x1000, elsewhere, elsewhere));
            for (int i = 0; i < 2; i++) {
                bench.has(bench.memory, new Buffer(at, 16, 0));
                assertEquals(1, bench.chain.readableIov(0, 16));
                assertEquals(bench.ram.userAddr(), NativeMemory.getLong(bench.chain.iovAddr()));
                bench.has(moved, new Buffer(at, 16, 0));
                assertEquals(1, bench.chain.readableIov(0, 16));
                assertEquals(elsewhere, NativeMemory.getLong(bench.chain.iovAddr()));
                assertEquals(QueueFault.BAD_ADDRESS, bench.follow(away, new Buffer(at, 16, 0)));
            }
        }
    }

    @Test
    void whatIsInOnePieceIsGivenWhereItIs() throws Exception {
        try (RingBench bench = new RingBench(16, 0, VhostUserDevice.DEFAULT_FEATURES)) {
            DescriptorChain chain = bench.chain;
            long at = bench.ram.guestAddr();
            assertEquals(GuestMemory.NOWHERE, chain.readableAt(0, 1));
            assertEquals(GuestMemory.NOWHERE, chain.writableAt(0, 1));
            bench.has(bench.memory, new Buffer(at + 8, 40, 0));
            assertEquals(GuestMemory.NOWHERE, chain.writableAt(0, 1));
            bench.has(
                    bench.memory,
                    new Buffer(at + 8, 40, 0),
                    new Buffer(at + 100, 16, 0),
                    new Buffer(at + 200, 7, Virtio.DESC_F_WRITE),
                    new Buffer(at + 300, 9, Virtio.DESC_F_WRITE));
            assertEquals(bench.ram.userAddr() + 8, chain.readableAt(0, 1));
            assertEquals(bench.ram.userAddr() + 8, chain.readableAt(0, 40));
            assertEquals(GuestMemory.NOWHERE, chain.readableAt(0, 41), "in two pieces");
            assertEquals(GuestMemory.NOWHERE, chain.readableAt(0, 57), "not there");
            assertEquals(bench.ram.userAddr() + 200, chain.writableAt(0, 7));
            assertEquals(GuestMemory.NOWHERE, chain.writableAt(0, 8), "in two pieces");
            assertEquals(GuestMemory.NOWHERE, chain.writableAt(0, 17), "not there");
            assertEquals(bench.ram.userAddr() + 8 + 39, chain.readableAt(39, 1));
            assertEquals(GuestMemory.NOWHERE, chain.readableAt(39, 2), "in two pieces");
            assertEquals(bench.ram.userAddr() + 100, chain.readableAt(40, 16));
            assertEquals(bench.ram.userAddr() + 115, chain.readableAt(55, 1));
            assertEquals(GuestMemory.NOWHERE, chain.readableAt(56, 1), "the writable part's");
            assertEquals(bench.ram.userAddr() + 302, chain.writableAt(9, 7));
            assertEquals(GuestMemory.NOWHERE, chain.writableAt(9, 8), "not there");
            assertEquals(GuestMemory.NOWHERE, chain.writableAt(16, 1), "not there");
            assertEquals(GuestMemory.NOWHERE, chain.writableAt(Long.MAX_VALUE, 1), "not there");

            GuestMemory window = bench.memory.with(GuestMemory.Region.absent(1L << 40, 4096));
            bench.has(
                    window,
                    new Buffer(1L << 40, 64, 0),
                    new Buffer((1L << 40) + 64, 64, Virtio.DESC_F_WRITE));
            assertEquals(GuestMemory.NOWHERE, chain.readableAt(0, 40), "not in this process");
            assertEquals(GuestMemory.NOWHERE, chain.writableAt(0, 16), "not in this process");
        }
    }

    @Test
    void copiesOutsideTheChainAreRefused() throws Exception {
        try (RingBench bench = new RingBench(16, 0, VhostUserDevice.DEFAULT_FEATURES);
                Arena arena = Arena.ofConfined()) {
            bench.has(
                    bench.memory,
                    new Buffer(bench.ram.guestAddr(), 16, 0),
                    new Buffer(bench.ram.guestAddr(), 16, Virtio.DESC_F_WRITE));
            var scratch = arena.allocate(64);
            Class<IndexOutOfBoundsException> outside = IndexOutOfBoundsException.class;
            assertThrows(outside, () -> bench.chain.copyIn(0, scratch, 0, 17));
            assertThrows(outside, () -> bench.chain.copyIn(16, scratch, 0, 1));
            assertThrows(outside, () -> bench.chain.copyIn(-1, scratch, 0, 1));
            assertThrows(outside, () -> bench.chain.copyIn(0, scratch, 0, -1));
            assertThrows(outside, () -> bench.chain.copyIn(0, scratch, 60, 8));
            assertThrows(outside, () -> bench.chain.copyOut(1, scratch, 0, 16));
            assertThrows(outside, () -> bench.chain.copyOut(Long.MAX_VALUE, scratch, 0, 1));
            bench.chain.copyIn(16, scratch, 0, 0);
        }
    }

    @Test
    void aRegionIsUnmappedWhenTheLastSnapshotWithItIsLeft() {
        GuestMemory.Region kept = region(0, 0x1000, 0, 0x1000);
        GuestMemory.Region removed = region(0x1000, 0x1000, 0x1000, 0x2000);
        GuestMemory first = GuestMemory.of(kept, removed);
        assertTrue(first.hold(), "a queue works with it");
        GuestMemory second = first.without(removed);
        first.release();
        assertEquals(0, unmapped.get(), "the queue still works with it");
        first.release();
        assertEquals(1, unmapped.get(), "only what the second has not");
        assertFalse(first.hold(), "given up");
        GuestMemory third = second.with(region(0x8000, 0x1000, 0x8000, 0x3000));
        assertEquals(2, third.regionCount());
        second.release();
        assertEquals(1, unmapped.get());
        third.release();
        assertEquals(3, unmapped.get());
    }
}
