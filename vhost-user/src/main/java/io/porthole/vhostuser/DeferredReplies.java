package io.porthole.vhostuser;

/** Where {@link Detached} requests return to: their queue. */
interface DeferredReplies {
    /** Number of the queue's present life; a reset begins a new one. Queue thread only. */
    int epoch();

    /**
     * Hands an answer to the queue's thread. Any thread.
     *
     * @return false if the queue is gone
     */
    boolean answer(Detached answered);

    /** Shows the driver all answers given so far. Queue thread only. */
    void publish();
}
