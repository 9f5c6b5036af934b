package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.Exchange;
import org.jspecify.annotations.Nullable;

/** A request that waits for a lock. Guarded by the monitor of {@link Locks}. */
final class LockWait {
    static final int NO_RECORD = -1;

    final Exchange.Deferred answer;
    final long nodeId;
    final long fh;

    /** Null for flock(2), which has {@link #fd} instead. */
    final LockOwners.@Nullable Holder holder;

    final int fd;
    final long start;
    final long end;
    final int type;
    final int pid;

    /** Where it is on the lock board. */
    int record = NO_RECORD;

    /** Whether the board does not know this wait, or knows what its owner had before. */
    boolean toBeTold;

    LockWait(
            Exchange.Deferred answer,
            long nodeId,
            long fh,
            LockOwners.@Nullable Holder holder,
            int fd,
            long start,
            long end,
            int type,
            int pid) {
        this.answer = answer;
        this.nodeId = nodeId;
        this.fh = fh;
        this.holder = holder;
        this.fd = fd;
        this.start = start;
        this.end = end;
        this.type = type;
        this.pid = pid;
        toBeTold = holder != null;
    }

    boolean isOf(long owner) {
        return holder != null && holder.key.owner() == owner;
    }
}
