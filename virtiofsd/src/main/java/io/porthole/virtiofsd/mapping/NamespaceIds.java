package io.porthole.virtiofsd.mapping;

/**
 * The ranges of {@code --uid-map} or {@code --gid-map}, {@code :namespace:host:count:} with a
 * delimiter of their own. The launcher maps them, and the kernel refuses what overlaps
 * (user_namespaces(7)); here they are only checked, for the sentence that it cannot say.
 */
public final class NamespaceIds {
    private static final long LIMIT = 0xffff_ffffL;

    private boolean any;
    private boolean root;

    /**
     * Adds a range.
     *
     * @throws IllegalArgumentException with one line to show, where it is wrong
     */
    public void add(String range) {
        char delimiter = range.isEmpty() ? ':' : range.charAt(0);
        long[] numbers = new long[3];
        int at = 1;
        for (int i = 0; i < numbers.length; i++) {
            int end = range.indexOf(delimiter, at);
            numbers[i] = end < 0 ? -1 : number(range, at, end);
            if (numbers[i] < 0) {
                throw malformed(range);
            }
            at = end + 1;
        }
        if (at != range.length() || (delimiter >= '0' && delimiter <= '9')) {
            throw malformed(range);
        }
        if (numbers[2] == 0 || Math.max(numbers[0], numbers[1]) + numbers[2] > LIMIT) {
            throw new IllegalArgumentException(
                    "range '" + range + "' is empty or goes beyond the last id");
        }
        any = true;
        root |= numbers[0] == 0;
    }

    private static IllegalArgumentException malformed(String range) {
        return new IllegalArgumentException(
                "range '" + range + "' is not of the form :NAMESPACE_ID:HOST_ID:COUNT:");
    }

    private static long number(String text, int from, int to) {
        if (from == to || to - from > 10) {
            return -1;
        }
        long number = 0;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                return -1;
            }
            number = number * 10 + (c - '0');
        }
        return number;
    }

    public boolean isEmpty() {
        return !any;
    }

    /** Whether there are ranges, but none for the id that the daemon has in its namespace. */
    public boolean lacksRoot() {
        return any && !root;
    }
}
