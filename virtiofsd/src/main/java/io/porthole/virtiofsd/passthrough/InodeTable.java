package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FileSystem;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The inodes that the guest knows, found by node id and by what the host calls them (inode number
 * and mount).
 *
 * <p>An inode's key belongs to it while it is in the table, because its descriptor pins it: the
 * host cannot give the number to another file. So a statx of a name that shows a known key needs no
 * further check.
 *
 * <p>Lookup counts are exact. They rise by one in {@link #findAndCount} and {@link #insert}, that
 * is with every fuse_entry_out that carries a node id (LOOKUP, MKNOD, MKDIR, SYMLINK, LINK, CREATE,
 * TMPFILE, each READDIRPLUS record but "." and ".."). They fall in {@link #forget} (FORGET,
 * BATCH_FORGET, and here when a reply could not carry the entry after all) and never below zero; at
 * zero the inode ends. The root has no count and ends with the table.
 *
 * <p>Finding and counting a known inode takes no lock: one compare-and-set, then a look whether the
 * slot still is the one that was found. A miss without the lock may be false, which is harmless:
 * {@link #insert} looks again under it.
 */
final class InodeTable extends SlotTable<InodeTable.Inodes> {
    /** Its id is {@link FileSystem#ROOT_ID}, whatever its generation. */
    static final int ROOT_SLOT = 1;

    /** {@link #fd} of an inode that is not pinned. */
    static final int UNPINNED = -1;

    private static final int DELETED = -1;

    /** {@code kind}: S_IFMT bits go right, the mount goes left. */
    private static final int MOUNT_SHIFT = 5;

    private static final int DAX_KIND = 1 << 4;
    private static final int TYPE_KIND = DAX_KIND - 1;

    private static final int TYPE_SHIFT = 12;

    /** Columns: 40 bytes an inode, 48 once one of its chunk was opened. */
    static final class Inodes extends SlotTable.Chunk {
        private final long[] ino = new long[CHUNK_SLOTS];
        private final long[] lookups = new long[CHUNK_SLOTS];

        /** The descriptor, or what {@link InodeHandles} keeps, which is beyond 32 bits. */
        private final long[] pin = new long[CHUNK_SLOTS];

        /** Mount and type. */
        private final int[] kind = new int[CHUNK_SLOTS];

        /** Digest of the birth time. */
        private final int[] birth = new int[CHUNK_SLOTS];

        /** Where {@link NameHints} keeps the name by which the inode was met last. */
        private final int[] hint = new int[CHUNK_SLOTS];

        /** {@link Stat#contentVersion} at the last open; made when the first one comes. */
        private volatile long @Nullable [] version;

        private Inodes() {}

        @Override
        int[] freeLinks() {
            return hint;
        }
    }

    /** Names that lead to inodes in here. */
    final NameHints names = new NameHints();

    private final Object lock = new Object();
    private final Reclaimer reclaimer;
    private final long reclaimTag;

    /**
     * Open addressing: a slot, 0 for never used, or DELETED. A power of two, two thirds full at
     * most.
     */
    private volatile int[] index = new int[1024];

    /** Entries of {@link #index} that are not 0. */
    private int indexUsed;

    /** Inodes with a descriptor; written under the lock. */
    private volatile int pinned;

    /** Inodes by mount, those among them that wait for their release; under the lock. */
    private int[] ofMount = new int[8];

    /**
     * @param reclaimTag or-ed to a slot to make an item for {@code reclaimer}
     */
    InodeTable(int maxInodes, Reclaimer reclaimer, long reclaimTag) {
        super(maxInodes);
        this.reclaimer = reclaimer;
        this.reclaimTag = reclaimTag;
    }

    @Override
    Inodes newChunk() {
        return new Inodes();
    }

    /** Returns the slot of a node id, or -1. */
    int slot(long nodeId) {
        return nodeId == FileSystem.ROOT_ID ? ROOT_SLOT : resolve(nodeId);
    }

    long nodeId(int slot) {
        return slot == ROOT_SLOT ? FileSystem.ROOT_ID : id(slot, generation(slot));
    }

    /** The pinned O_PATH descriptor, or {@link #UNPINNED}. */
    int fd(int slot) {
        long pin = chunk(slot).pin[slot & CHUNK_MASK];
        return isDescriptor(pin) ? (int) pin : UNPINNED;
    }

    private static boolean isDescriptor(long pin) {
        return pin >>> 32 == 0;
    }

    /** What {@link InodeHandles} keeps of an inode that is not pinned, else 0. */
    long handle(int slot) {
        long pin = chunk(slot).pin[slot & CHUNK_MASK];
        return isDescriptor(pin) ? 0 : pin;
    }

    /**
     * Remembers which contents the guest is about to open.
     *
     * @param version {@link Stat#contentVersion}
     * @return whether they are those of its last open
     */
    boolean opensSameContents(int slot, long version) {
        Inodes c = chunk(slot);
        long[] versions = c.version;
        if (versions == null) {
            synchronized (lock) {
                versions = c.version;
                if (versions == null) {
                    versions = new long[CHUNK_SLOTS];
                    c.version = versions;
                }
            }
        }
        int i = slot & CHUNK_MASK;
        boolean same = version != 0 && versions[i] == version;
        versions[i] = version;
        return same;
    }

    /** Inodes with a descriptor of their own. */
    int pinnedCount() {
        return pinned;
    }

    /** S_IFMT bits: what the inode is, which never changes. */
    int type(int slot) {
        return (chunk(slot).kind[slot & CHUNK_MASK] & TYPE_KIND) << TYPE_SHIFT;
    }

    /**
     * Whether the guest was told to map it. That stays as it was when the inode was met, because a
     * guest that is told otherwise drops the inode at once, with whatever hangs on it.
     */
    boolean isDax(int slot) {
        return (chunk(slot).kind[slot & CHUNK_MASK] & DAX_KIND) != 0;
    }

    /** Index into the {@link MountTable}. */
    int mount(int slot) {
        return chunk(slot).kind[slot & CHUNK_MASK] >>> MOUNT_SHIFT;
    }

    long ino(int slot) {
        return chunk(slot).ino[slot & CHUNK_MASK];
    }

    long lookups(int slot) {
        return (long) LONGS.getAcquire(chunk(slot).lookups, slot & CHUNK_MASK);
    }

    /**
     * Finds an inode by its key and raises its lookup count.
     *
     * @param birth birth time as in {@link Stat#birth}, compared where the inode is not pinned
     * @return its node id, or 0 if it is not (or seems not to be) in the table
     */
    long findAndCount(long ino, int mount, long birth, Reclaimer.Participant self) {
        int[] table = index;
        int mask = table.length - 1;
        int at = hash(ino, mount) & mask;
        for (int probes = 0; probes <= mask; probes++) {
            int slot = table[at];
            if (slot == 0) {
                return 0;
            }
            if (slot != DELETED && matches(slot, ino, mount, birth)) {
                int generation = generation(slot);
                if (raiseIfCounted(slot)) {
                    // The count now keeps the slot; is it still the inode that was found?
                    if (isLive(slot, generation) && matches(slot, ino, mount, birth)) {
                        return slot == ROOT_SLOT ? FileSystem.ROOT_ID : id(slot, generation);
                    }
                    lower(slot, 1, self);
                    return 0;
                }
            }
            at = at + 1 & mask;
        }
        return 0;
    }

    /** The inode was met under the name that {@code hint} stands for. */
    void met(long nodeId, int hint) {
        int slot = slot(nodeId);
        if (slot > ROOT_SLOT) {
            int[] hints = chunk(slot).hint;
            if (hints[slot & CHUNK_MASK] != hint) {
                hints[slot & CHUNK_MASK] = hint;
            }
            names.known(hint);
        }
    }

    /** Whether the key is in the table; a hint only. */
    boolean mayHold(long ino, int mount) {
        int[] table = index;
        int mask = table.length - 1;
        int at = hash(ino, mount) & mask;
        for (int probes = 0; probes <= mask; probes++) {
            int slot = table[at];
            if (slot == 0) {
                return false;
            }
            if (slot != DELETED) {
                Inodes c = chunk(slot);
                int i = slot & CHUNK_MASK;
                if (c.ino[i] == ino && c.kind[i] >>> MOUNT_SHIFT == mount) {
                    return true;
                }
            }
            at = at + 1 & mask;
        }
        return false;
    }

    private boolean matches(int slot, long ino, int mount, long birth) {
        Inodes c = chunk(slot);
        int i = slot & CHUNK_MASK;
        return c.ino[i] == ino
                && c.kind[i] >>> MOUNT_SHIFT == mount
                && (isDescriptor(c.pin[i]) || c.birth[i] == Long.hashCode(birth));
    }

    private boolean raiseIfCounted(int slot) {
        if (slot == ROOT_SLOT) {
            return true;
        }
        long[] lookups = chunk(slot).lookups;
        int i = slot & CHUNK_MASK;
        while (true) {
            long count = (long) LONGS.getVolatile(lookups, i);
            if (count == 0) {
                return false;
            }
            long raised = count == Long.MAX_VALUE ? count : count + 1;
            if (LONGS.compareAndSet(lookups, i, count, raised)) {
                return true;
            }
        }
    }

    /** Result of {@link #insert} where another thread had put the same inode in. */
    static final long KNOWN = 1L << 63;

    /**
     * Puts an inode in with a lookup count of one, or raises the count of the same inode if it is
     * there by now.
     *
     * @param fd O_PATH descriptor, which the table owns from here on, or {@link #UNPINNED}
     * @param handle of {@link InodeHandles} where it is not pinned, else 0
     * @return the node id; with {@link #KNOWN} set if it was there, and then {@code fd} stays the
     *     caller's, as {@code handle} does; 0 if the table is full
     */
    long insert(long ino, int mount, long birth, int type, int fd, long handle) {
        return insert(ino, mount, birth, type, false, fd, handle);
    }

    /** As the other, for an inode that the guest may be to map. */
    long insert(long ino, int mount, long birth, int type, boolean dax, int fd, long handle) {
        synchronized (lock) {
            int known = findLocked(ino, mount, birth);
            if (known != 0) {
                // A count of zero means that another thread waits for the lock to remove it: it
                // will find it counted again and leave it.
                if (known != ROOT_SLOT) {
                    LONGS.getAndAdd(chunk(known).lookups, known & CHUNK_MASK, 1L);
                }
                return nodeId(known) | KNOWN;
            }
            // What takes memory comes first: if there is none, nothing has changed.
            makeRoomInIndex();
            if (mount >= ofMount.length) {
                ofMount = Arrays.copyOf(ofMount, 2 * mount);
            }
            int slot = allocate();
            if (slot < 0) {
                return 0;
            }
            Inodes c = chunk(slot);
            int i = slot & CHUNK_MASK;
            c.ino[i] = ino;
            c.kind[i] = mount << MOUNT_SHIFT | (dax ? DAX_KIND : 0) | type >>> TYPE_SHIFT;
            c.birth[i] = Long.hashCode(birth);
            c.hint[i] = 0;
            long[] versions = c.version;
            if (versions != null) {
                versions[i] = 0;
            }
            c.pin[i] = fd >= 0 ? fd : handle;
            ofMount[mount]++;
            if (fd >= 0) {
                pinned++;
            }
            LONGS.setVolatile(c.lookups, i, 1L);
            activate(slot);
            indexInsert(slot);
            return nodeId(slot);
        }
    }

    /**
     * FORGET. An id that is not live is ignored, a count that is too high ends the inode.
     *
     * @param count unsigned
     */
    void forget(long nodeId, long count, Reclaimer.Participant self) {
        int slot = nodeId == FileSystem.ROOT_ID ? ROOT_SLOT : resolve(nodeId);
        if (slot > ROOT_SLOT) {
            lower(slot, count, self);
        }
    }

    private void lower(int slot, long by, Reclaimer.Participant self) {
        if (slot == ROOT_SLOT) {
            return;
        }
        int generation = generation(slot);
        long[] lookups = chunk(slot).lookups;
        int i = slot & CHUNK_MASK;
        long left;
        while (true) {
            long count = (long) LONGS.getVolatile(lookups, i);
            if (count == 0) {
                return;
            }
            left = Long.compareUnsigned(by, count) >= 0 ? 0 : count - by;
            if (LONGS.compareAndSet(lookups, i, count, left)) {
                break;
            }
        }
        if (left == 0) {
            removeIfUncounted(slot, generation, self);
        }
    }

    private void removeIfUncounted(int slot, int generation, Reclaimer.Participant self) {
        synchronized (lock) {
            boolean counted = (long) LONGS.getVolatile(chunk(slot).lookups, slot & CHUNK_MASK) != 0;
            if (counted || !isLive(slot, generation)) {
                return;
            }
            indexRemove(slot);
            kill(slot);
            names.forgotten(chunk(slot).hint[slot & CHUNK_MASK]);
        }
        reclaimer.retire(self, reclaimTag | slot);
    }

    /** Result of {@link #release}: the table has no other inode of the mount. */
    static final long LAST_OF_MOUNT = 1L << 32;

    /**
     * The reclaimer says that nobody uses a removed slot.
     *
     * @return the descriptor to close or {@link #UNPINNED}, in the lower half
     */
    long release(int slot) {
        synchronized (lock) {
            Inodes c = chunk(slot);
            int i = slot & CHUNK_MASK;
            long pin = c.pin[i];
            c.pin[i] = 0;
            boolean descriptor = isDescriptor(pin);
            if (descriptor) {
                pinned--;
            }
            boolean last = --ofMount[c.kind[i] >>> MOUNT_SHIFT] == 0;
            free(slot);
            return (last ? LAST_OF_MOUNT : 0) | (descriptor ? pin : UNPINNED & 0xffffffffL);
        }
    }

    /** DESTROY: every inode but the root ends, whatever its count. */
    void removeAll(Reclaimer.@Nullable Participant self) {
        int limit;
        synchronized (lock) {
            limit = slotLimit();
        }
        for (int slot = ROOT_SLOT + 1; slot < limit; slot++) {
            synchronized (lock) {
                if ((generation(slot) & 1) == 0) {
                    continue;
                }
                LONGS.setVolatile(chunk(slot).lookups, slot & CHUNK_MASK, 0L);
                indexRemove(slot);
                kill(slot);
                names.forgotten(chunk(slot).hint[slot & CHUNK_MASK]);
            }
            reclaimer.retire(self, reclaimTag | slot);
        }
    }

    /** Inodes in the table, the root among them. */
    int count() {
        synchronized (lock) {
            return liveCount();
        }
    }

    private int findLocked(long ino, int mount, long birth) {
        int mask = index.length - 1;
        int at = hash(ino, mount) & mask;
        while (true) {
            int slot = index[at];
            if (slot == 0) {
                return 0;
            }
            if (slot != DELETED && matches(slot, ino, mount, birth)) {
                return slot;
            }
            at = at + 1 & mask;
        }
    }

    private void makeRoomInIndex() {
        if (3L * (indexUsed + 1) > 2L * index.length) {
            rebuildIndex();
        }
    }

    private void indexInsert(int slot) {
        int[] table = index;
        int mask = table.length - 1;
        int at = hash(ino(slot), mount(slot)) & mask;
        while (table[at] != 0 && table[at] != DELETED) {
            at = at + 1 & mask;
        }
        if (table[at] == 0) {
            indexUsed++;
        }
        INTS.setRelease(table, at, slot);
    }

    private void indexRemove(int slot) {
        int[] table = index;
        int mask = table.length - 1;
        int at = hash(ino(slot), mount(slot)) & mask;
        while (table[at] != slot) {
            at = at + 1 & mask;
        }
        if (table[at + 1 & mask] != 0) {
            table[at] = DELETED;
            return;
        }
        // The end of a chain: it and the deleted ones before it become free again.
        do {
            table[at] = 0;
            indexUsed--;
            at = at - 1 & mask;
        } while (table[at] == DELETED);
    }

    /** Drops deleted entries, and doubles when it is the live ones that fill it. */
    private void rebuildIndex() {
        int[] old = index;
        int length = old.length;
        while (2 * (liveCount() + 1L) > length) {
            length *= 2;
        }
        int[] table = new int[length];
        int used = 0;
        for (int slot : old) {
            if (slot != 0 && slot != DELETED) {
                int at = hash(ino(slot), mount(slot)) & length - 1;
                while (table[at] != 0) {
                    at = at + 1 & length - 1;
                }
                table[at] = slot;
                used++;
            }
        }
        indexUsed = used;
        index = table;
    }

    private static int hash(long ino, int mount) {
        long h = (ino + mount * 0x9e3779b97f4a7c15L) * 0xff51afd7ed558ccdL;
        return (int) (h ^ h >>> 32);
    }
}
