package io.porthole.sandbox.agentprotocol.ttrpc;

/**
 * Tells one client's stream ids from the next one's. A client counts up by two from wherever it
 * likes; requests that it sends at the same time may pass each other on the way.
 */
final class StreamIds {
    /** How many ids back or ahead still count as the same client's. */
    static final int WINDOW = 4096;

    private final int[] recent = new int[WINDOW];
    private boolean any;
    private int last;

    /**
     * Takes a request's id, which is odd.
     *
     * @return true when it cannot be of the client that sent the ones before
     */
    boolean beginsAnotherClient(int id) {
        int slot = (id >>> 1) & (WINDOW - 1);
        boolean another = any && (recent[slot] == id || Math.abs((long) id - last) > 2L * WINDOW);
        if (another) {
            java.util.Arrays.fill(recent, 0);
        }
        recent[slot] = id;
        last = another || !any ? id : Math.max(last, id);
        any = true;
        return another;
    }
}
