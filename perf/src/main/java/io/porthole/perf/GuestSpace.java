package io.porthole.perf;

import io.porthole.vhostuser.GuestRam;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/**
 * Guest memory of a session, given out from the bottom and never taken back one by one: a workload
 * remembers {@link #mark} and returns to it with {@link #release}. Offsets are into {@link
 * #memory}; {@link #address} makes the guest's address of one.
 */
final class GuestSpace {
    static final int PAGE_BYTES = 4096;

    private final MemorySegment memory;
    private final long base;
    private final SplittableRandom random = new SplittableRandom(7);
    private long next;

    /** Takes {@code bytes} of what is left of {@code ram}. */
    GuestSpace(GuestRam ram, long bytes) {
        base = ram.allocate(bytes, PAGE_BYTES);
        memory = ram.at(base, bytes);
    }

    MemorySegment memory() {
        return memory;
    }

    long address(long offset) {
        return base + offset;
    }

    /** Zeroed bytes; {@code align} is a power of two. */
    long allocate(long bytes, long align) {
        long at = (next + align - 1) & -align;
        if (at + bytes > memory.byteSize()) {
            throw new IllegalStateException(
                    "guest memory of " + memory.byteSize() + " bytes is too small for this row");
        }
        next = at + bytes;
        memory.asSlice(at, bytes).fill((byte) 0);
        return at;
    }

    /**
     * Pages in random order, as a guest's page cache hands them out: neighbours in a file are
     * rarely neighbours in memory.
     */
    long[] pages(int count) {
        long at = allocate((long) count * PAGE_BYTES, PAGE_BYTES);
        long[] pages = new long[count];
        for (int i = 0; i < count; i++) {
            pages[i] = at + (long) i * PAGE_BYTES;
        }
        for (int i = count - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            long swap = pages[i];
            pages[i] = pages[other];
            pages[other] = swap;
        }
        return pages;
    }

    long mark() {
        return next;
    }

    void release(long mark) {
        next = mark;
    }
}
