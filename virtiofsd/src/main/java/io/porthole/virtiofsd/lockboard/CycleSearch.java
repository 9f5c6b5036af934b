package io.porthole.virtiofsd.lockboard;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One search for a cycle of waits on a board, for who has entered it. What is read may be anything:
 * numbers are checked before use, and the steps are bounded.
 *
 * <p>Records may be withdrawn while this looks. So what was found counts only if, afterwards, all
 * records of the cycle are still those that were read: then they were true all at the same time.
 */
final class CycleSearch {
    enum Outcome {
        NONE,
        CYCLE,
        /** There was one, and it had changed when it was looked at again. */
        CHANGING
    }

    /** Held ranges that are compared with a wait, at most: some ms. */
    static final int MAX_STEPS = 200_000;

    private static final int ATTEMPTS = 3;

    /** Comparable, so that numbers chosen to collide make no map slow. */
    private record File(long device, long inode) implements Comparable<File> {
        static File of(FileRange range) {
            return new File(range.device(), range.inode());
        }

        @Override
        public int compareTo(File other) {
            int devices = Long.compare(device, other.device);
            return devices != 0 ? devices : Long.compare(inode, other.inode);
        }
    }

    /** A record that holds; {@code from} leads back to where the search began. */
    private static final class Waiter {
        final int place;
        final int index;
        final long version;
        final long owner;
        final FileRange wait;
        Waiter from = this;
        boolean seen;

        Waiter(int place, int index, long version, long owner, FileRange wait) {
            this.place = place;
            this.index = index;
            this.version = version;
            this.owner = owner;
            this.wait = wait;
        }

        boolean hasOwnerOf(Waiter other) {
            return place == other.place && owner == other.owner;
        }
    }

    private record Held(Waiter by, FileRange range) {}

    private final LockBoard board;
    private final Map<File, List<Held>> held = new HashMap<>();
    private int steps;

    CycleSearch(LockBoard board) {
        this.board = board;
    }

    /** Whether a record's owner waits, over any number of others, for itself. */
    Outcome through(int place, int index) {
        for (int i = 0; i < ATTEMPTS; i++) {
            Outcome outcome = attempt(place, index);
            if (outcome != Outcome.CHANGING) {
                return outcome;
            }
        }
        return Outcome.CHANGING;
    }

    private Outcome attempt(int place, int index) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment versions = arena.allocate(BoardLayout.VERSIONS_BYTES, Long.BYTES);
            board.read(versions, BoardLayout.VERSIONS_AT);
            held.clear();
            Waiter self = null;
            MemorySegment records = arena.allocate(BoardLayout.PLACE_BYTES, Long.BYTES);
            for (int p = 0; p < BoardLayout.PLACES; p++) {
                if (!anyHolds(versions, p) || !board.isAlive(p)) {
                    continue;
                }
                board.read(records, BoardLayout.placeAt(p));
                for (int r = 0; r < BoardLayout.RECORDS; r++) {
                    Waiter w = read(versions, records, p, r);
                    if (w != null && p == place && r == index) {
                        self = w;
                    }
                }
            }
            Waiter last = self == null ? null : lastOfCycle(self);
            if (last == null) {
                return Outcome.NONE;
            }
            board.read(versions, BoardLayout.VERSIONS_AT);
            return isUnchanged(versions, last) ? Outcome.CYCLE : Outcome.CHANGING;
        }
    }

    private static long version(MemorySegment versions, int place, int index) {
        return versions.get(ValueLayout.JAVA_LONG, BoardLayout.versionOffset(place, index));
    }

    private static boolean anyHolds(MemorySegment versions, int place) {
        for (int r = 0; r < BoardLayout.RECORDS; r++) {
            if (BoardLayout.holds(version(versions, place, r))) {
                return true;
            }
        }
        return false;
    }

    private @Nullable Waiter read(
            MemorySegment versions, MemorySegment records, int place, int index) {
        long version = version(versions, place, index);
        MemorySegment record =
                records.asSlice(BoardLayout.recordOffset(index), BoardLayout.RECORD_BYTES);
        if (!BoardLayout.holds(version) || BoardLayout.version(record) != version) {
            return null;
        }
        FileRange wait = BoardLayout.waitedFor(record);
        int count = BoardLayout.heldCount(record);
        if (!wait.isPossible() || count < 0 || count > BoardLayout.HELD) {
            return null;
        }
        Waiter waiter = new Waiter(place, index, version, BoardLayout.owner(record), wait);
        for (int i = 0; i < count; i++) {
            FileRange range = BoardLayout.held(record, i);
            if (range.isPossible()) {
                held.computeIfAbsent(File.of(range), f -> new ArrayList<>())
                        .add(new Held(waiter, range));
            }
        }
        return waiter;
    }

    /** The one of a cycle that waits for {@code self}'s owner, or null. */
    private @Nullable Waiter lastOfCycle(Waiter self) {
        ArrayDeque<Waiter> toFollow = new ArrayDeque<>();
        self.seen = true;
        toFollow.add(self);
        while (!toFollow.isEmpty()) {
            Waiter next = toFollow.remove();
            for (Held h : held.getOrDefault(File.of(next.wait), List.of())) {
                if (++steps > MAX_STEPS) {
                    return null;
                }
                if (h.by.hasOwnerOf(next) || !h.range.excludes(next.wait)) {
                    continue;
                }
                if (h.by.hasOwnerOf(self)) {
                    return next;
                }
                if (!h.by.seen) {
                    h.by.seen = true;
                    h.by.from = next;
                    toFollow.add(h.by);
                }
            }
        }
        return null;
    }

    private static boolean isUnchanged(MemorySegment versions, Waiter last) {
        for (Waiter w = last; ; w = w.from) {
            if (version(versions, w.place, w.index) != w.version) {
                return false;
            }
            if (w.from == w) {
                return true;
            }
        }
    }
}
