package io.porthole.vhostuser;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Guest memory as the front-end described it: an immutable snapshot of mapped regions, sorted by
 * guest address. A changed memory table is a new snapshot that shares the regions it keeps.
 *
 * <p>Lifetime: a snapshot is born with one holder, who set it up. Each queue thread holds the
 * snapshot it works with ({@link #hold}, {@link #release}). When the last holder has left, its
 * regions lose one user each, and a region without a user is unmapped. So memory that the front-end
 * removes stays mapped until the last queue has moved on, and no one waits for that.
 */
final class GuestMemory {
    /** {@link #translate} and {@link #translateUser} result: not in one region. */
    static final long NOWHERE = -1;

    /**
     * Where the bytes of a region are that this process does not have: no address of a process, so
     * that a system call that is given it answers EFAULT.
     */
    static final long ABSENT = 1L << 62;

    /** A mapped region, or one that is known and {@linkplain #isAbsent not mapped}. */
    static final class Region {
        final long guestAddr;
        final long bytes;
        final long userAddr;
        final long hostAddr;
        private final @Nullable AutoCloseable mapping;
        private final AtomicInteger users = new AtomicInteger();

        /**
         * @param hostAddr where the region's first byte is mapped in this process
         * @param mapping closed when the region is no longer used
         * @throws IllegalArgumentException if the region is empty or wraps around an address space
         */
        Region(
                long guestAddr,
                long bytes,
                long userAddr,
                long hostAddr,
                @Nullable AutoCloseable mapping) {
            if (bytes <= 0 || wraps(guestAddr, bytes) || wraps(userAddr, bytes)) {
                throw new IllegalArgumentException(
                        "memory region of "
                                + bytes
                                + " bytes at guest address 0x"
                                + Long.toHexString(guestAddr)
                                + ", user address 0x"
                                + Long.toHexString(userAddr));
            }
            this.guestAddr = guestAddr;
            this.bytes = bytes;
            this.userAddr = userAddr;
            this.hostAddr = hostAddr;
            this.mapping = mapping;
        }

        /** A region whose bytes are not here: guest addresses in it are right, and out of reach. */
        static Region absent(long guestAddr, long bytes) {
            return new Region(guestAddr, bytes, 0, ABSENT, null);
        }

        boolean isAbsent() {
            return hostAddr == ABSENT;
        }

        /** Whether all of {@code length} bytes, 0 or more, at a guest address are in it. */
        boolean contains(long addr, long length) {
            // An address from 2^63 on gives a negative offset, or one that is beyond the end.
            long offset = addr - guestAddr;
            return offset >= 0 && length <= bytes - offset;
        }

        /** As {@link GuestMemory#translate}, in this region. */
        long translate(long addr, long length) {
            return length >= 0 && contains(addr, length) && !isAbsent()
                    ? hostAddr + (addr - guestAddr)
                    : NOWHERE;
        }

        /** Addresses from 2^63 on do not exist in a guest or in a user process. */
        private static boolean wraps(long start, long bytes) {
            return start < 0 || start + bytes < 0;
        }

        /** Unmaps a region that never became part of a snapshot, or is part of none any more. */
        void unmap() {
            if (mapping != null) {
                try {
                    mapping.close();
                } catch (Exception e) {
                    throw new IllegalStateException("unmapping guest memory", e);
                }
            }
        }
    }

    private final Region[] regions;
    private final long[] starts;
    private final AtomicInteger holders = new AtomicInteger(1);

    /** Takes {@code regions}, sorted by guest address; see {@link #of}. */
    private GuestMemory(Region[] regions) {
        this.regions = regions;
        this.starts = new long[regions.length];
        for (int i = 0; i < regions.length; i++) {
            starts[i] = regions[i].guestAddr;
            regions[i].users.incrementAndGet();
        }
    }

    /**
     * A snapshot of the given regions, in any order.
     *
     * @throws IllegalArgumentException if two of them overlap in guest addresses
     */
    static GuestMemory of(Region... regions) {
        Region[] sorted = regions.clone();
        // By insertion: a handful of regions, and no comparator to link at start-up.
        for (int i = 1; i < sorted.length; i++) {
            Region r = sorted[i];
            int at = i;
            for (; at > 0 && sorted[at - 1].guestAddr > r.guestAddr; at--) {
                sorted[at] = sorted[at - 1];
            }
            sorted[at] = r;
        }
        for (int i = 1; i < sorted.length; i++) {
            Region before = sorted[i - 1];
            if (before.guestAddr + before.bytes > sorted[i].guestAddr) {
                throw new IllegalArgumentException(
                        "memory regions overlap at guest address 0x"
                                + Long.toHexString(sorted[i].guestAddr));
            }
        }
        return new GuestMemory(sorted);
    }

    /** This snapshot and one region more. */
    GuestMemory with(Region region) {
        Region[] more = Arrays.copyOf(regions, regions.length + 1);
        more[regions.length] = region;
        return of(more);
    }

    /** This snapshot without the given region of it. */
    GuestMemory without(Region region) {
        Region[] fewer = new Region[regions.length - 1];
        int n = 0;
        for (Region r : regions) {
            if (r != region) {
                fewer[n++] = r;
            }
        }
        return new GuestMemory(fewer);
    }

    /** The region with exactly these addresses, or null (REM_MEM_REG). */
    @Nullable Region find(long guestAddr, long bytes, long userAddr) {
        for (Region r : regions) {
            if (r.guestAddr == guestAddr && r.bytes == bytes && r.userAddr == userAddr) {
                return r;
            }
        }
        return null;
    }

    int regionCount() {
        return regions.length;
    }

    /**
     * One more holder.
     *
     * @return false if the snapshot has been given up already: look for its successor
     */
    boolean hold() {
        while (true) {
            int n = holders.get();
            if (n == 0) {
                return false;
            }
            if (holders.compareAndSet(n, n + 1)) {
                return true;
            }
        }
    }

    /** One holder less; the last one unmaps what no other snapshot has. */
    void release() {
        if (holders.decrementAndGet() == 0) {
            for (Region r : regions) {
                if (r.users.decrementAndGet() == 0) {
                    r.unmap();
                }
            }
        }
    }

    /** The region that holds guest address {@code addr}, or null. */
    @Nullable Region regionAt(long addr) {
        // Few regions are the rule, and the search is unrolled by the compiler.
        int low = 0;
        int high = starts.length - 1;
        while (low <= high) {
            int mid = (low + high) >>> 1;
            if (starts[mid] <= addr) {
                low = mid + 1;
            } else {
                high = mid - 1;
            }
        }
        if (high < 0 || addr < 0) {
            return null;
        }
        Region r = regions[high];
        return addr - r.guestAddr < r.bytes ? r : null;
    }

    /**
     * Host address of {@code bytes} bytes at guest address {@code addr}, or {@link #NOWHERE} if
     * they are not all in one region that is mapped.
     */
    long translate(long addr, long bytes) {
        Region r = regionAt(addr);
        return r == null ? NOWHERE : r.translate(addr, bytes);
    }

    /** As {@link #translate}, for an address of the front-end's own (ring addresses). */
    long translateUser(long addr, long bytes) {
        for (Region r : regions) {
            long offset = addr - r.userAddr;
            if (addr >= r.userAddr && offset < r.bytes && !r.isAbsent()) {
                return bytes >= 0 && bytes <= r.bytes - offset ? r.hostAddr + offset : NOWHERE;
            }
        }
        return NOWHERE;
    }
}
