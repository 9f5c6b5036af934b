package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.FileHandle;
import io.porthole.linux.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The file handles of the inodes that a thread opened last, each in a place that its slot gives. An
 * open by handle costs less than one through /proc/self/fd (tmpfs: 2.6 and 3.3 us with the close),
 * but only if the handle need not be made for it (0.9 us).
 *
 * <p>A handle stays right as long as its node id is live: the inode is pinned. Where a file system
 * can change an inode's handle all the same, the old one leads nowhere.
 */
final class RecentHandles {
    private static final int PLACES = 1024;

    /** Room for a handle of ext4, xfs, btrfs or tmpfs; a longer one is not kept. */
    private static final int PLACE_BYTES = (int) FileHandle.HEADER_BYTES + 32;

    private final long[] ids = new long[PLACES];
    private final MemorySegment handles;

    RecentHandles(Arena arena) {
        handles = Mapping.zeroed(arena, (long) PLACES * PLACE_BYTES);
    }

    /** The address of the handle, or 0. */
    long find(long nodeId) {
        int place = (int) nodeId & PLACES - 1;
        return ids[place] == nodeId ? handles.address() + (long) place * PLACE_BYTES : 0;
    }

    /**
     * Keeps a copy, if there is room for it.
     *
     * @param bytes length of the handle, its header included
     */
    void keep(long nodeId, MemorySegment handle, int bytes) {
        if (bytes <= PLACE_BYTES) {
            int place = (int) nodeId & PLACES - 1;
            MemorySegment.copy(handle, 0, handles, (long) place * PLACE_BYTES, bytes);
            ids[place] = nodeId;
        }
    }
}
