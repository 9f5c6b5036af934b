package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.Fcntl;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What one owner has locked of one file, as fcntl(2) defines it: ranges that do not overlap; a new
 * one replaces what it covers. Both ends are inclusive. Not for more than one thread at once.
 */
final class LockRanges {
    /** {@code type}: F_RDLCK or F_WRLCK; {@code pid}: the guest's, for F_GETLK. */
    record Range(long start, long end, int type, int pid) {
        boolean overlaps(long otherStart, long otherEnd) {
            return start <= otherEnd && otherStart <= end;
        }
    }

    private final List<Range> ranges = new ArrayList<>();

    int size() {
        return ranges.size();
    }

    boolean isEmpty() {
        return ranges.isEmpty();
    }

    void forEach(Consumer<Range> use) {
        ranges.forEach(use);
    }

    /** Locks a range, or with F_UNLCK unlocks it. Adds two ranges at most. */
    void set(long start, long end, int type, int pid) {
        List<Range> pieces = new ArrayList<>();
        for (int i = ranges.size() - 1; i >= 0; i--) {
            Range r = ranges.get(i);
            if (!r.overlaps(start, end)) {
                continue;
            }
            ranges.remove(i);
            if (r.start < start) {
                pieces.add(new Range(r.start, start - 1, r.type, r.pid));
            }
            if (r.end > end) {
                pieces.add(new Range(end + 1, r.end, r.type, r.pid));
            }
        }
        ranges.addAll(pieces);
        if (type != Fcntl.F_UNLCK) {
            addMerged(start, end, type, pid);
        }
    }

    /** Neighbours of one kind are one range, or a file locked byte by byte would take memory. */
    private void addMerged(long start, long end, int type, int pid) {
        long from = start;
        long to = end;
        for (int i = ranges.size() - 1; i >= 0; i--) {
            Range r = ranges.get(i);
            boolean before = r.end < from && r.end + 1 == from;
            boolean behind = to < r.start && to + 1 == r.start;
            if (r.type == type && (before || behind)) {
                ranges.remove(i);
                from = Math.min(from, r.start);
                to = Math.max(to, r.end);
            }
        }
        ranges.add(new Range(from, to, type, pid));
    }

    /** The first range that stands in the way of another owner's, or null. */
    @Nullable Range conflict(long start, long end, int type) {
        for (Range r : ranges) {
            if (r.overlaps(start, end) && (type == Fcntl.F_WRLCK || r.type == Fcntl.F_WRLCK)) {
                return r;
            }
        }
        return null;
    }
}
