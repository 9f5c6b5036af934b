package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** What holds for every ring, whatever the driver put into it. */
final class RingProperties {
    private static final long FEATURES = VhostUserDevice.DEFAULT_FEATURES;

    /** Any chain of buffers is one sequence of bytes to the device, in each direction. */
    @Property(tries = 300)
    void chainsRoundTrip(
            @ForAll @Size(min = 1, max = 12) List<@IntRange(min = 1, max = 9000) Integer> readable,
            @ForAll @Size(min = 1, max = 12) List<@IntRange(min = 1, max = 9000) Integer> writable,
            @ForAll boolean indirect,
            @ForAll @IntRange(min = 0, max = 7) int split,
            @ForAll long seed)
            throws Exception {
        try (RingBench bench = new RingBench(32, 32, FEATURES)) {
            Random random = new Random(seed);
            // The same memory as up to eight regions: buffers may cross from one to the next.
            GuestMemory memory = inRegions(bench.ram, split);
            byte[] in = new byte[readable.stream().mapToInt(n -> n).sum()];
            random.nextBytes(in);
            int room = writable.stream().mapToInt(n -> n).sum();

            DriverQueue q = bench.driver;
            if (indirect) {
                q.beginIndirect();
            } else {
                q.begin();
            }
            int done = 0;
            for (int n : readable) {
                long at = bench.ram.allocate(n, 1 << random.nextInt(5));
                MemorySegment.copy(in, done, bench.ram.at(at, n), ValueLayout.JAVA_BYTE, 0, n);
                q.readable(at, n);
                done += n;
            }
            long[] outAt = new long[writable.size()];
            for (int i = 0; i < outAt.length; i++) {
                outAt[i] = bench.ram.allocate(writable.get(i), 1 << random.nextInt(5));
                q.writable(outAt[i], writable.get(i));
            }
            int head = q.finish();
            q.submit(head);
            q.publish();

            assertEquals(SplitRing.CHAIN, bench.ring.pop(bench.chain, memory));
            DescriptorChain chain = bench.chain;
            assertEquals(in.length, chain.readableBytes());
            assertEquals(room, chain.writableBytes());
            MemorySegment scratch = bench.arena.allocate(Math.max(in.length, room) + 1L);
            int cut = random.nextInt(in.length + 1);
            chain.copyIn(0, scratch, 0, cut);
            chain.copyIn(cut, scratch, cut, in.length - cut);
            assertArrayEquals(in, scratch.asSlice(0, in.length).toArray(ValueLayout.JAVA_BYTE));
            assertEquals(0, scratch.get(ValueLayout.JAVA_BYTE, in.length), "one byte too many");
            assertArrayEquals(
                    java.util.Arrays.copyOfRange(in, cut, in.length),
                    gather(chain, chain.readableIov(cut, in.length - cut)));

            byte[] out = new byte[room];
            random.nextBytes(out);
            int outCut = random.nextInt(room + 1);
            MemorySegment.copy(out, 0, scratch, ValueLayout.JAVA_BYTE, 0, room);
            chain.copyOut(outCut, scratch, outCut, room - outCut);
            chain.copyOut(0, scratch, 0, outCut);
            assertArrayEquals(out, gather(chain, chain.writableIov(0, room)));
            byte[] seen = new byte[room];
            int at = 0;
            for (int i = 0; i < outAt.length; i++) {
                int n = writable.get(i);
                MemorySegment.copy(
                        bench.ram.at(outAt[i], n), ValueLayout.JAVA_BYTE, 0, seen, at, n);
                at += n;
            }
            assertArrayEquals(out, seen);

            bench.ring.push(head, room);
            bench.ring.publish();
            assertEquals(head, q.poll());
            assertEquals(room, q.usedBytes());
            q.release(head);
            assertEquals(32, q.freeDescriptors());
        }
    }

    private static GuestMemory inRegions(GuestRam ram, int split) {
        int count = split + 1;
        long each = ram.bytes() / count / 4096 * 4096;
        GuestMemory.Region[] regions = new GuestMemory.Region[count];
        for (int i = 0; i < count; i++) {
            long begin = i * each;
            long bytes = i == count - 1 ? ram.bytes() - begin : each;
            regions[i] = RingBench.region(ram, begin, bytes);
        }
        return GuestMemory.of(regions);
    }

    /** The bytes that an iovec describes. */
    private static byte[] gather(DescriptorChain chain, long entries) {
        assertTrue(entries >= 0);
        java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
        for (long i = 0; i < entries; i++) {
            long at = chain.iovAddr() + i * DescriptorChain.IOV_BYTES;
            long base = NativeMemory.getLong(at);
            long bytes = NativeMemory.getLong(at + 8);
            all.writeBytes(NativeMemory.ALL.asSlice(base, bytes).toArray(ValueLayout.JAVA_BYTE));
        }
        return all.toByteArray();
    }

    /**
     * Rings, tables and indexes full of anything: every chain ends in bounded time as a chain
     * inside guest memory or as a named fault.
     */
    @Property(tries = 2000, shrinking = ShrinkingMode.OFF)
    void anyRingIsSurvived(@ForAll long seed, @ForAll @IntRange(min = 0, max = 3) int wildness)
            throws Exception {
        try (RingBench bench = new RingBench(16, 16, FEATURES)) {
            Random random = new Random(seed);
            scribble(bench.driver, bench.ram, random, wildness);
            for (int taken = 0; taken <= 16; taken++) {
                int result = bench.pop();
                if (result == SplitRing.EMPTY) {
                    return;
                }
                assertTrue(taken < 16, "more chains than the ring has room for");
                QueueFault fault = bench.ring.fault();
                switch (result) {
                    case SplitRing.CHAIN -> {
                        assertNull(fault);
                        bench.assertChainInside();
                    }
                    case SplitRing.BAD_CHAIN -> {
                        assertNotNull(fault);
                        assertFalse(fault.breaksRing());
                        assertTrue(bench.chain.head() < 16);
                    }
                    default -> {
                        assertNotNull(fault);
                        assertTrue(fault.breaksRing());
                        return;
                    }
                }
                bench.ring.push(bench.chain.head(), 0);
                bench.ring.publish();
            }
        }
    }

    /** Fills descriptors, tables and the available ring, more or less plausibly. */
    private static void scribble(DriverQueue q, GuestRam ram, Random random, int wildness) {
        MemorySegment desc = q.descriptors();
        long tables = ram.allocate(64 * 16, 16);
        scribbleTable(desc, 16, ram, tables, random, wildness);
        scribbleTable(ram.at(tables, 64 * 16), 64, ram, tables, random, wildness);
        int count = random.nextInt(wildness == 3 ? 40 : 17);
        for (int i = 0; i < 16; i++) {
            int head = wildness >= 2 && random.nextInt(8) == 0 ? random.nextInt() : i;
            q.available().set(Virtio.SHORT, Virtio.AVAIL_RING + 2L * i, (short) head);
        }
        q.forgeAvailableIndex(count);
    }

    private static void scribbleTable(
            MemorySegment table,
            int entries,
            GuestRam ram,
            long tables,
            Random random,
            int wildness) {
        for (int i = 0; i < entries; i++) {
            long at = (long) i * Virtio.DESC_BYTES;
            boolean wild = random.nextInt(4) < wildness;
            int flags = random.nextInt(8);
            long addr = ram.guestAddr() + random.nextInt((int) ram.bytes() - 4096);
            int bytes = 1 + random.nextInt(4096);
            if ((flags & Virtio.DESC_F_INDIRECT) != 0) {
                addr = tables + random.nextInt(32) * 16L;
                bytes = (1 + random.nextInt(32)) * 16;
            }
            if (wild) {
                switch (random.nextInt(4)) {
                    case 0 -> addr = random.nextLong();
                    case 1 -> bytes = random.nextInt();
                    case 2 -> bytes = 0;
                    default -> flags = random.nextInt();
                }
            }
            table.set(Virtio.LONG, at, addr);
            table.set(Virtio.INT, at + 8, bytes);
            table.set(Virtio.SHORT, at + 12, (short) flags);
            int next = wild ? random.nextInt() : random.nextInt(entries);
            table.set(Virtio.SHORT, at + 14, (short) next);
        }
    }

    /**
     * The same against a running device: it answers the next driver, and nothing is left behind.
     */
    @Property(tries = 25, shrinking = ShrinkingMode.OFF)
    void aDeviceOutlivesAnyDriver(@ForAll long seed) throws Exception {
        Random random = new Random(seed);
        try (Rig rig = Rig.of(2)) {
            for (int round = 1; round <= 4; round++) {
                try (VhostUserFrontend vmm = rig.connect()) {
                    vmm.negotiate(FEATURES);
                    GuestRam ram = vmm.addRam(0x10_0000, 1 << 20);
                    DriverQueue hostile = vmm.startQueue(0, 16, 0, ram);
                    // Out of the hostile one's reach: the device writes wherever it is told to.
                    GuestRam safe = vmm.addRam(1L << 40, 1 << 20);
                    DriverQueue friendly = vmm.startQueue(1, 16, 0, safe);
                    scribble(hostile, ram, random, random.nextInt(4));
                    for (int i = 0; i < 200; i++) {
                        // While the device works on it.
                        hostile.descriptors()
                                .set(
                                        Virtio.LONG,
                                        random.nextInt(32) * 8L,
                                        random.nextBoolean()
                                                ? random.nextLong()
                                                : ram.guestAddr() + random.nextInt(1 << 19));
                        if (i % 20 == 0) {
                            hostile.forgeAvailableIndex(i / 20 * random.nextInt(5));
                        }
                    }
                    long in = safe.allocate(16, 8);
                    safe.at(in, 16).set(ValueLayout.JAVA_LONG, 8, seed);
                    friendly.begin();
                    friendly.readable(in, 16);
                    long out = safe.allocate(16, 8);
                    friendly.writable(out, 16);
                    int head = friendly.finish();
                    friendly.submit(head);
                    friendly.publish();
                    assertEquals(head, friendly.await(10_000));
                    vmm.stopQueue(hostile);
                }
                rig.awaitDisconnects(round);
            }
        }
    }
}
