package io.porthole.virtiofsd.mapping;

import io.porthole.linux.Errno;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Translates user ids, or group ids, between guest and host by ranges. Rules have the peers' form:
 *
 * <ul>
 *   <li>{@code guest:G:H:N}: guest's G.. become the host's H.., one to one
 *   <li>{@code host:H:G:N}: the host's H.. are shown as G.., one to one
 *   <li>{@code map:G:H:N}: both of these
 *   <li>{@code squash-guest:G:H:N}: all of the guest's G.. become the host's H
 *   <li>{@code squash-host:H:G:N}: all of the host's H.. are shown as G
 *   <li>{@code forbid-guest:G:N}: the guest may not use G..
 * </ul>
 *
 * <p>Ranges of one direction must not overlap. An id in no range stays as it is.
 */
public final class IdMap {
    private static final long LIMIT = 0xffff_ffffL;

    /** A range of source ids, and what it becomes. */
    private record Range(long start, long end, long target, boolean squash, boolean forbid) {}

    private static final class Direction {
        private final List<Range> ranges = new ArrayList<>();

        void add(String rule, Range added) {
            if (added.start == added.end) {
                return;
            }
            for (Range r : ranges) {
                if (added.start < r.end && r.start < added.end) {
                    throw new IllegalArgumentException(
                            "rule '" + rule + "' overlaps an earlier one of the same direction");
                }
            }
            ranges.add(added);
        }

        Range[] sorted() {
            Range[] all = ranges.toArray(new Range[0]);
            Arrays.sort(all, Comparator.comparingLong(Range::start));
            return all;
        }
    }

    private final Range[] toHost;
    private final Range[] toGuest;

    private IdMap(Direction toHost, Direction toGuest) {
        this.toHost = toHost.sorted();
        this.toGuest = toGuest.sorted();
    }

    /**
     * Reads rules, each as the value of one option.
     *
     * @throws IllegalArgumentException with one line to show, where a rule is wrong
     */
    public static IdMap parse(List<String> rules) {
        Direction toHost = new Direction();
        Direction toGuest = new Direction();
        for (String rule : rules) {
            String[] fields = rule.split(":", -1);
            boolean forbid = fields[0].equals("forbid-guest");
            if (fields.length != (forbid ? 3 : 4)) {
                throw new IllegalArgumentException(
                        "rule '"
                                + rule
                                + "' is not of the form "
                                + (forbid ? "forbid-guest:ID:COUNT" : "TYPE:SOURCE:TARGET:COUNT"));
            }
            long source = number(rule, fields[1]);
            long target = forbid ? 0 : number(rule, fields[2]);
            long count = number(rule, fields[fields.length - 1]);
            switch (fields[0]) {
                case "guest" -> toHost.add(rule, exact(rule, source, target, count));
                case "host" -> toGuest.add(rule, exact(rule, source, target, count));
                case "map" -> {
                    toHost.add(rule, exact(rule, source, target, count));
                    toGuest.add(rule, exact(rule, target, source, count));
                }
                case "squash-guest" -> toHost.add(rule, squash(rule, source, target, count));
                case "squash-host" -> toGuest.add(rule, squash(rule, source, target, count));
                case "forbid-guest" -> {
                    within(rule, source + count);
                    toHost.add(rule, new Range(source, source + count, 0, false, true));
                }
                default ->
                        throw new IllegalArgumentException(
                                "rule '"
                                        + rule
                                        + "' begins with none of guest, host, map, squash-guest,"
                                        + " squash-host, forbid-guest");
            }
        }
        return new IdMap(toHost, toGuest);
    }

    private static Range exact(String rule, long source, long target, long count) {
        within(rule, source + count);
        within(rule, target + count);
        return new Range(source, source + count, target, false, false);
    }

    private static Range squash(String rule, long source, long target, long count) {
        within(rule, source + count);
        within(rule, target + 1);
        return new Range(source, source + count, target, true, false);
    }

    /** 2^32 - 1 is no id: to the kernel it means none. */
    private static void within(String rule, long end) {
        if (end > LIMIT) {
            throw new IllegalArgumentException("rule '" + rule + "' goes beyond the last id");
        }
    }

    private static long number(String rule, String field) {
        try {
            long number = Long.parseLong(field);
            if (number >= 0 && number <= LIMIT && !field.startsWith("+")) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below, as for a number out of range.
        }
        throw new IllegalArgumentException(
                "rule '" + rule + "': '" + field + "' is no number from 0 to " + LIMIT);
    }

    /**
     * The host's id for one of the guest's.
     *
     * @return the id, 0 to 2^32 - 1, or -EPERM where the guest may not use it
     */
    public long toHost(int guestId) {
        long id = Integer.toUnsignedLong(guestId);
        Range r = find(toHost, id);
        if (r == null) {
            return id;
        }
        return r.forbid ? -Errno.EPERM : r.squash ? r.target : r.target + (id - r.start);
    }

    /** What the guest is shown for an id of the host. */
    public int toGuest(int hostId) {
        long id = Integer.toUnsignedLong(hostId);
        Range r = find(toGuest, id);
        if (r == null) {
            return hostId;
        }
        return (int) (r.squash ? r.target : r.target + (id - r.start));
    }

    private static @Nullable Range find(Range[] ranges, long id) {
        int low = 0;
        int high = ranges.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            Range r = ranges[middle];
            if (id < r.start) {
                high = middle - 1;
            } else if (id >= r.end) {
                low = middle + 1;
            } else {
                return r;
            }
        }
        return null;
    }
}
