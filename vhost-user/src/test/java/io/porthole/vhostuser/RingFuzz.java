package io.porthole.vhostuser;

import io.porthole.linux.SyscallException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A driver's memory of any bytes: descriptors, indirect tables and the available ring. What must
 * hold: in bounded time every chain is inside guest memory or a named fault, and a fault that
 * breaks the ring ends it.
 */
public final class RingFuzz {
    private static final int SIZE = 16;

    private RingFuzz() {}

    /**
     * What Jazzer calls: 256 bytes of descriptors, 36 of available ring, the rest at RAM's begin.
     */
    public static void fuzzerTestOneInput(byte[] input) throws SyscallException {
        try (RingBench bench =
                new RingBench(SIZE, SIZE, VhostUserDevice.DEFAULT_FEATURES, 1 << 16)) {
            int done = put(input, 0, bench.driver.descriptors(), SIZE * Virtio.DESC_BYTES);
            int index = done < input.length ? input[done++] & 0x1f : 1;
            MemorySegment rings = bench.driver.available().asSlice(Virtio.AVAIL_RING, 2L * SIZE);
            done = put(input, done, rings, 2 * SIZE);
            long tables = bench.ram.allocate(4096, 16);
            put(input, done, bench.ram.at(tables, 4096), 4096);
            bench.driver.forgeAvailableIndex(index);
            for (int taken = 0; taken <= SIZE; taken++) {
                int result = bench.pop();
                if (result == SplitRing.EMPTY) {
                    return;
                }
                QueueFault fault = bench.ring.fault();
                if (result == SplitRing.CHAIN) {
                    bench.assertChainInside();
                } else if (fault == null) {
                    throw new AssertionError("refused without a name");
                } else if (result != SplitRing.BAD_CHAIN) {
                    return;
                }
                bench.ring.push(bench.chain.head(), 0);
                bench.ring.publish();
            }
            throw new AssertionError("more chains than the ring has room for");
        }
    }

    private static int put(byte[] from, int at, MemorySegment to, int bytes) {
        int n = Math.min(bytes, from.length - at);
        MemorySegment.copy(from, at, to, ValueLayout.JAVA_BYTE, 0, n);
        return at + n;
    }
}
