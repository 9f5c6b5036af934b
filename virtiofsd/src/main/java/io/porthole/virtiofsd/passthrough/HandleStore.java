package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.FileHandle;
import io.porthole.linux.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Keeps struct file_handle in native memory, where open_by_handle_at(2) reads them without a copy:
 * 16 to 40 bytes each for the usual file systems, so that millions of inodes fit. Slabs are never
 * given back before the store ends; freed places are used again.
 */
final class HandleStore {
    private static final int UNIT_BYTES = 16;
    private static final int SLAB_BYTES = 1 << 18;
    private static final int CLASSES = (int) (FileHandle.MAX_BYTES + UNIT_BYTES - 1) / UNIT_BYTES;

    /** Addresses of user space leave the upper bits for the size, in units. */
    private static final int UNITS_SHIFT = 57;

    private static final long ADDRESS_MASK = (1L << UNITS_SHIFT) - 1;

    /** Places of one size. */
    private static final class SizeClass {
        private final List<MemorySegment> slabs = new ArrayList<>();
        private int usedOfLast = SLAB_BYTES;
        private long[] free = {};
        private int freeCount;
    }

    private final Arena arena;
    private final SizeClass[] classes = new SizeClass[CLASSES + 1];

    HandleStore(Arena arena) {
        this.arena = arena;
    }

    /**
     * Keeps a copy.
     *
     * @param bytes length of the handle, its header included
     * @return what {@link #address} and {@link #free} take, never 0
     */
    synchronized long keep(MemorySegment handle, int bytes) {
        int units = (bytes + UNIT_BYTES - 1) / UNIT_BYTES;
        SizeClass c = classes[units];
        if (c == null) {
            c = new SizeClass();
            classes[units] = c;
        }
        long address;
        if (c.freeCount > 0) {
            address = c.free[--c.freeCount];
        } else {
            if (c.usedOfLast + units * UNIT_BYTES > SLAB_BYTES) {
                c.slabs.add(Mapping.zeroed(arena, SLAB_BYTES));
                c.usedOfLast = 0;
            }
            address = c.slabs.getLast().address() + c.usedOfLast;
            c.usedOfLast += units * UNIT_BYTES;
        }
        MemorySegment slab = slabOf(c, address);
        MemorySegment.copy(handle, 0, slab, address - slab.address(), bytes);
        return (long) units << UNITS_SHIFT | address;
    }

    private static MemorySegment slabOf(SizeClass c, long address) {
        for (int i = c.slabs.size() - 1; i >= 0; i--) {
            MemorySegment slab = c.slabs.get(i);
            if (address >= slab.address() && address < slab.address() + SLAB_BYTES) {
                return slab;
            }
        }
        throw new IllegalStateException("no slab holds the handle");
    }

    /** Native address of the struct file_handle. */
    static long address(long kept) {
        return kept & ADDRESS_MASK;
    }

    synchronized void free(long kept) {
        SizeClass c = classes[(int) (kept >>> UNITS_SHIFT)];
        if (c.freeCount == c.free.length) {
            c.free = Arrays.copyOf(c.free, Math.max(256, 2 * c.freeCount));
        }
        c.free[c.freeCount++] = address(kept);
    }
}
