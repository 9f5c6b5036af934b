package io.porthole.virtiofsd.passthrough;

import org.jspecify.annotations.Nullable;

/**
 * Open files and directories, by the fh that the guest was given. A handle is valid only together
 * with the node id that it was opened for.
 */
final class HandleTable extends SlotTable<HandleTable.Handles> {
    /** Columns. */
    static final class Handles extends SlotTable.Chunk {
        private final int[] fd = new int[CHUNK_SLOTS];
        private final int[] flags = new int[CHUNK_SLOTS];
        private final long[] nodeId = new long[CHUNK_SLOTS];
        private final @Nullable DirectoryStream[] stream = new DirectoryStream[CHUNK_SLOTS];

        private Handles() {}

        @Override
        int[] freeLinks() {
            return flags;
        }
    }

    /** {@link #flags}: close(2) needs no flush, see {@link MountTable#isLocal}. */
    static final int LOCAL = 1;

    private final Object lock = new Object();
    private final Reclaimer reclaimer;
    private final long reclaimTag;

    /**
     * @param reclaimTag or-ed to a slot to make an item for {@code reclaimer}
     */
    HandleTable(int maxHandles, Reclaimer reclaimer, long reclaimTag) {
        super(maxHandles + 1);
        this.reclaimer = reclaimer;
        this.reclaimTag = reclaimTag;
    }

    @Override
    Handles newChunk() {
        return new Handles();
    }

    /**
     * Takes {@code fd} over.
     *
     * @param stream state of READDIR where it is a directory
     * @return the fh, never 0, or 0 if there are too many; then {@code fd} stays the caller's
     */
    long add(long nodeId, int fd, int flags, @Nullable DirectoryStream stream) {
        synchronized (lock) {
            int slot = allocate();
            if (slot < 0) {
                return 0;
            }
            Handles c = chunk(slot);
            int i = slot & CHUNK_MASK;
            c.fd[i] = fd;
            c.flags[i] = flags;
            c.nodeId[i] = nodeId;
            c.stream[i] = stream;
            return activate(slot);
        }
    }

    /** Returns the slot of a live handle of {@code nodeId}, or -1. */
    int slot(long fh, long nodeId) {
        int slot = resolve(fh);
        return slot >= 0 && chunk(slot).nodeId[slot & CHUNK_MASK] == nodeId ? slot : -1;
    }

    int fd(int slot) {
        return chunk(slot).fd[slot & CHUNK_MASK];
    }

    int flags(int slot) {
        return chunk(slot).flags[slot & CHUNK_MASK];
    }

    /** Null where the handle is a file's. */
    @Nullable DirectoryStream stream(int slot) {
        return chunk(slot).stream[slot & CHUNK_MASK];
    }

    /** Ends a handle; it is closed once no request uses it. Returns false if it was not live. */
    boolean remove(long fh, long nodeId, Reclaimer.@Nullable Participant self) {
        int slot;
        synchronized (lock) {
            slot = slot(fh, nodeId);
            if (slot < 0) {
                return false;
            }
            kill(slot);
        }
        reclaimer.retire(self, reclaimTag | slot);
        return true;
    }

    void removeAll(Reclaimer.@Nullable Participant self) {
        int limit;
        synchronized (lock) {
            limit = slotLimit();
        }
        for (int slot = 1; slot < limit; slot++) {
            synchronized (lock) {
                if ((generation(slot) & 1) == 0) {
                    continue;
                }
                kill(slot);
            }
            reclaimer.retire(self, reclaimTag | slot);
        }
    }

    /** The reclaimer says that nobody uses a removed slot. Returns the descriptor to close. */
    int release(int slot) {
        synchronized (lock) {
            Handles c = chunk(slot);
            int i = slot & CHUNK_MASK;
            DirectoryStream stream = c.stream[i];
            if (stream != null) {
                stream.close();
                c.stream[i] = null;
            }
            int fd = c.fd[i];
            free(slot);
            return fd;
        }
    }

    int count() {
        synchronized (lock) {
            return liveCount();
        }
    }
}
