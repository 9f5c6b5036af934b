package io.porthole.virtiofsd.passthrough;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Numbered slots behind the 64-bit ids that a guest is given: {@code generation << 32 | slot}.
 * Validating an id that a hostile guest made up costs two array loads, and an id whose object has
 * ended stays invalid although its slot is used again.
 *
 * <p>A slot's generation is odd while it is live. Columns live in chunks that never move, so that
 * readers need no lock; {@link #allocate}, {@link #activate}, {@link #kill} and {@link #free} are
 * called under the table's own lock.
 *
 * @param <C> the chunk with the table's columns
 */
abstract class SlotTable<C extends SlotTable.Chunk> {
    static final int CHUNK_BITS = 12;
    static final int CHUNK_SLOTS = 1 << CHUNK_BITS;
    static final int CHUNK_MASK = CHUNK_SLOTS - 1;

    static final VarHandle INTS = MethodHandles.arrayElementVarHandle(int[].class);
    static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

    /** Columns of {@link #CHUNK_SLOTS} slots. */
    abstract static class Chunk {
        final int[] generation = new int[CHUNK_SLOTS];

        /** A column that a free slot has no use for: it links free slots, 0 ends the list. */
        abstract int[] freeLinks();
    }

    private final Chunk[] chunks;
    private final int maxSlots;

    /** Slot 0 is never used: an id of 0 is no object. */
    private int neverUsed = 1;

    private int firstFree;
    private int live;

    SlotTable(int maxSlots) {
        this.maxSlots = maxSlots;
        this.chunks = new Chunk[(maxSlots >>> CHUNK_BITS) + 1];
    }

    abstract C newChunk();

    static int slotOf(long id) {
        return (int) id;
    }

    /** The chunk of a slot that is known to exist. */
    @SuppressWarnings("unchecked")
    final C chunk(int slot) {
        return (C) chunks[slot >>> CHUNK_BITS];
    }

    /** Returns the slot of a live object, or -1. */
    final int resolve(long id) {
        int slot = (int) id;
        int generation = (int) (id >>> 32);
        int index = slot >>> CHUNK_BITS;
        if ((generation & 1) == 0 || index >= chunks.length) {
            return -1;
        }
        Chunk chunk = chunks[index];
        if (chunk == null) {
            return -1;
        }
        // Acquire: the columns that were written before activate are seen.
        int present = (int) INTS.getAcquire(chunk.generation, slot & CHUNK_MASK);
        return present == generation ? slot : -1;
    }

    final boolean isLive(int slot, int generation) {
        return (generation & 1) != 0 && generation(slot) == generation;
    }

    final int generation(int slot) {
        return (int) INTS.getAcquire(chunk(slot).generation, slot & CHUNK_MASK);
    }

    final long id(int slot, int generation) {
        return (long) generation << 32 | slot;
    }

    /** Returns a slot whose columns may be filled, or -1 when the table is full. */
    final int allocate() {
        int slot = firstFree;
        if (slot != 0) {
            firstFree = chunk(slot).freeLinks()[slot & CHUNK_MASK];
            return slot;
        }
        if (neverUsed >= maxSlots) {
            return -1;
        }
        slot = neverUsed;
        // Memory may run out here: nothing has changed by then.
        if (chunks[slot >>> CHUNK_BITS] == null) {
            C fresh = newChunk();
            // Its arrays' zeros must be there before another thread can see it.
            VarHandle.releaseFence();
            chunks[slot >>> CHUNK_BITS] = fresh;
        }
        neverUsed++;
        return slot;
    }

    /** Makes the slot reachable; its columns are complete. Returns its id. */
    final long activate(int slot) {
        int[] generations = chunk(slot).generation;
        int generation = generations[slot & CHUNK_MASK] + 1;
        INTS.setRelease(generations, slot & CHUNK_MASK, generation);
        live++;
        return id(slot, generation);
    }

    /** Makes the slot unreachable; it may still be in use until it is given to {@link #free}. */
    final void kill(int slot) {
        int[] generations = chunk(slot).generation;
        INTS.setVolatile(generations, slot & CHUNK_MASK, generations[slot & CHUNK_MASK] + 1);
        live--;
    }

    final void free(int slot) {
        chunk(slot).freeLinks()[slot & CHUNK_MASK] = firstFree;
        firstFree = slot;
    }

    /** One more than the highest slot ever used. */
    final int slotLimit() {
        return neverUsed;
    }

    final int liveCount() {
        return live;
    }
}
