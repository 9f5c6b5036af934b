package io.porthole.vhostuser;

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
