package io.porthole.virtiofsd.passthrough;

import io.porthole.virtiofsd.lockboard.BoardPlace;
import io.porthole.virtiofsd.passthrough.LockOwners.Holder;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for deadlocks, since the kernel does not for open-file-description locks: within the share,
 * from what it knows exactly, and through the lock board, where there is one, among all shares.
 *
 * <p>Guarded by the monitor of {@link Locks}, whose waits it is given.
 */
final class LockCycles {
    /** Waits are followed so far and no further within the share. */
    private static final int MAX_STEPS = 20_000;

    /** Searches of the board before others get at the monitor. */
    private static final int MAX_SEARCHES_AT_ONCE = 8;

    /** What came of telling the board. */
    enum Told {
        YES,
        /** Not yet: somebody else has the board. */
        LATER,
        DEADLOCK
    }

    private final LockOwners owners;
    private final List<LockWait> waiting;
    private final @Nullable BoardPlace board;
    private boolean warned;

    LockCycles(LockOwners owners, List<LockWait> waiting, @Nullable BoardPlace board) {
        this.owners = owners;
        this.waiting = waiting;
        this.board = board;
    }

    /**
     * Whether an owner that {@code asking} would wait for waits, over any number of others of this
     * share, for {@code asking}.
     */
    boolean wouldClose(Holder asking, long start, long end, int type) {
        Set<Long> seen = new HashSet<>();
        ArrayDeque<Long> toFollow = new ArrayDeque<>();
        int[] steps = {0};
        addBlockers(asking.key, start, end, type, toFollow, steps);
        while (!toFollow.isEmpty() && steps[0] < MAX_STEPS) {
            long owner = toFollow.pop();
            if (owner == asking.key.owner()) {
                return true;
            }
            if (!seen.add(owner)) {
                continue;
            }
            for (LockWait other : waiting) {
                steps[0]++;
                Holder holder = other.holder;
                if (holder != null && other.isOf(owner)) {
                    addBlockers(holder.key, other.start, other.end, other.type, toFollow, steps);
                }
            }
        }
        return false;
    }

    private void addBlockers(
            LockOwners.Key key, long start, long end, int type, ArrayDeque<Long> to, int[] steps) {
        for (Holder other : owners.others(key)) {
            steps[0] += 1 + other.ranges.size();
            if (steps[0] >= MAX_STEPS) {
                return;
            }
            if (other.ranges.conflict(start, end, type) != null) {
                to.push(other.key.owner());
            }
        }
    }

    // ---- The board ----

    /**
     * Tells the board of waits that it does not know.
     *
     * @param closesCycle gets those that close a cycle of waits, which are not on the board then
     * @return whether there is more to tell at once; what has to be told later is not meant
     */
    boolean tell(Consumer<LockWait> closesCycle) {
        if (board == null) {
            return false;
        }
        int searches = 0;
        for (LockWait w : List.copyOf(waiting)) {
            if (!w.toBeTold) {
                continue;
            }
            if (searches++ == MAX_SEARCHES_AT_ONCE) {
                return true;
            }
            switch (tell(board, w)) {
                case YES -> w.toBeTold = false;
                case LATER -> {
                    return false;
                }
                case DEADLOCK -> closesCycle.accept(w);
            }
        }
        return false;
    }

    private Told tell(BoardPlace place, LockWait w) {
        Holder holder = w.holder;
        if (holder == null || !owners.identify(holder)) {
            return Told.YES;
        }
        long owner = holder.key.owner();
        var held = owners.heldOnHost(owner, BoardPlace.MAX_HELD);
        if (held.isEmpty()) {
            // For such an owner nobody waits. If it gets something, the wait is looked at again.
            return Told.YES;
        }
        int record = place.publish(owner, holder.onHost(w.start, w.end, w.type), held);
        switch (record) {
            case BoardPlace.DEADLOCK -> {
                return Told.DEADLOCK;
            }
            case BoardPlace.LATER -> {
                return Told.LATER;
            }
            case BoardPlace.NO_ROOM -> warnOnce();
            default -> w.record = record;
        }
        return Told.YES;
    }

    private void warnOnce() {
        if (!warned) {
            warned = true;
            Log.LOG.warn("no room on the lock board: some deadlocks between shares are not seen");
        }
    }

    /** A wait is over, or what is on the board of it is to be true no more. */
    void withdraw(LockWait w) {
        if (board != null && w.record != LockWait.NO_RECORD) {
            board.withdraw(w.record);
            w.record = LockWait.NO_RECORD;
        }
    }

    /**
     * What an owner has is about to shrink, or has grown: its waits are taken from the board, to be
     * told anew.
     *
     * @return whether it waits
     */
    boolean changes(long owner) {
        if (board == null) {
            return false;
        }
        boolean any = false;
        for (LockWait w : waiting) {
            if (w.isOf(owner)) {
                withdraw(w);
                w.toBeTold = true;
                any = true;
            }
        }
        return any;
    }

    /** All waits are over. */
    void end() {
        if (board != null) {
            board.close();
        }
    }

    /** Loads SLF4J at the first message, not at start-up. */
    private static final class Log {
        static final Logger LOG = LoggerFactory.getLogger(LockCycles.class);
    }
}
