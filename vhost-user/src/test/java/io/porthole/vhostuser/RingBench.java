package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.NativeMemory;
import io.porthole.linux.SyscallException;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

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

    /** A descriptor: guest address, bytes, VIRTQ_DESC_F_WRITE or 0. */
    record Buffer(long addr, int bytes, int flags) {}

    /** Has the chain read descriptors that are the next ones of each other, in this memory. */
    @Nullable QueueFault follow(GuestMemory in, Buffer... buffers) {
        try (Arena scratch = Arena.ofConfined()) {
            long table = scratch.allocate((long) Virtio.DESC_BYTES * buffers.length, 8).address();
            for (int i = 0; i < buffers.length; i++) {
                Buffer b = buffers[i];
                boolean last = i == buffers.length - 1;
                long flags = b.flags | (last ? 0 : Virtio.DESC_F_NEXT | (i + 1) << 16);
                long at = table + (long) Virtio.DESC_BYTES * i;
                NativeMemory.setLong(at, b.addr);
                NativeMemory.setLong(at + 8, Integer.toUnsignedLong(b.bytes) | flags << 32);
            }
            return chain.follow(table, buffers.length, 0, 0, in);
        }
    }

    /** As the other, for buffers that there is nothing wrong with. */
    void has(GuestMemory in, Buffer... buffers) {
        assertNull(follow(in, buffers));
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
