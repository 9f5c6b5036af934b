package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.NativeMemory;
import io.porthole.linux.SyscallException;
import java.lang.foreign.Arena;

/**
 * Both sides of one ring without threads or sockets: a driver's queue in guest memory, and the
 * device's view of the same memory.
 */
final class RingBench implements AutoCloseable {
    static final long RAM_AT = 0x10_0000;

    final Arena arena = Arena.ofShared();
    final GuestRam ram;
    final GuestMemory memory;
    final DriverQueue driver;
    final SplitRing ring = new SplitRing();
    final DescriptorChain chain = new DescriptorChain(arena, null);

    RingBench(int size, int tableEntries, long features) throws SyscallException {
        this(size, tableEntries, features, 1 << 20);
    }

    RingBench(int size, int tableEntries, long features, long ramBytes) throws SyscallException {
        ram = GuestRam.create(RAM_AT, ramBytes);
        memory = GuestMemory.of(region(ram, 0, ramBytes));
        driver = new DriverQueue(0, size, tableEntries, features, ram, true);
        ring.setSize(size);
        ring.setAddresses(driver.descUserAddr(), driver.availUserAddr(), driver.usedUserAddr());
        ring.setFeatures(features);
        if (!ring.map(memory)) {
            throw new AssertionError("ring not in memory");
        }
        ring.loadUsed();
    }

    /** The chain's buffers lie in guest memory and are as long as it says. */
    void assertChainInside() {
        long begin = ram.userAddr();
        long end = begin + ram.bytes();
        for (int part = 0; part < 2; part++) {
            long bytes = part == 0 ? chain.readableBytes() : chain.writableBytes();
            long entries = part == 0 ? chain.readableIov(0, bytes) : chain.writableIov(0, bytes);
            long sum = 0;
            for (long i = 0; i < entries; i++) {
                long at = chain.iovAddr() + i * DescriptorChain.IOV_BYTES;
                long base = NativeMemory.getLong(at);
                long n = NativeMemory.getLong(at + 8);
                assertTrue(n > 0 && base >= begin && base + n <= end, "outside guest memory");
                sum += n;
            }
            assertEquals(bytes, sum);
        }
    }

    /** Part of {@code ram} as a region of its own, mapped where the driver has it. */
    static GuestMemory.Region region(GuestRam ram, long offset, long bytes) {
        long at = ram.userAddr() + offset;
        return new GuestMemory.Region(ram.guestAddr() + offset, bytes, at, at, null);
    }

    int pop() {
        return ring.pop(chain, memory);
    }

    @Override
    public void close() {
        driver.close();
        ram.close();
        arena.close();
    }
}
