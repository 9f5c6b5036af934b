package io.porthole.virtiofsd;

/**
 * Divides the descriptors that may be pinned for inodes among the shares of the process, so that
 * one guest cannot take another's. Safe for use by several threads.
 */
final class DescriptorBudget {
    /**
     * Kept free of pinned inodes where the limit is high: what guests hold open, queues, the JVM's
     * own. An inode can do without a descriptor, an open file cannot. Where the limit is low, half.
     */
    private static final long RESERVED = 1 << 16;

    /** A share that asks for nothing gets one part of so many, where there are fewer shares. */
    private static final int PARTS = 8;

    private static final int LEAST = 64;

    private final int total;
    private final int part;
    private int left;

    /**
     * @param openFiles descriptors that the process may have
     * @param shares how many shares it begins with
     * @param mayGrow whether others may come
     */
    DescriptorBudget(long openFiles, int shares, boolean mayGrow) {
        total = (int) Math.max(openFiles / 2, openFiles - RESERVED);
        left = total;
        part = total / Math.max(shares, mayGrow ? PARTS : 1);
    }

    /**
     * Takes a share's part, less where there is less.
     *
     * @param asked what the share was configured with, or 0
     */
    synchronized int take(int asked) {
        int wanted = asked == 0 ? part : Math.min(asked, total);
        // A share cannot live without any; the few are within what is reserved.
        int granted = Math.max(LEAST, Math.min(wanted, left));
        left -= granted;
        return granted;
    }

    synchronized void giveBack(int granted) {
        left += granted;
    }
}
