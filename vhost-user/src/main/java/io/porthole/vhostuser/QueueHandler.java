package io.porthole.vhostuser;

/**
 * A device's work on one virtqueue. All methods are called on the queue's own thread, so that an
 * implementation needs no locks for what it owns.
 */
public interface QueueHandler extends AutoCloseable {
    /**
     * Result of {@link #handle}: the chain was taken by {@link DescriptorChain#detach} and is
     * answered later.
     */
    long DEFERRED = Long.MIN_VALUE;

    /**
     * Handles one request. The chain is valid during the call only.
     *
     * @return the number of bytes written to the chain's writable part, counted from its beginning
     *     (used.len, VIRTIO 1.3 2.7.8), or {@link #DEFERRED}. A negative value or a throwable
     *     returns the chain with length 0 and counts as {@link QueueFault#HANDLER_FAILED}.
     */
    long handle(DescriptorChain chain);

    /** Called first, with figures that the queue keeps up to date as long as it lives. */
    default void stats(QueueStats stats) {}

    /**
     * Called when everything done is published and the thread is about to wait: for the driver,
     * because the queue is empty, or until the queue is started again. The next request waits as
     * long as this takes.
     */
    default void beforeSleep() {}

    /** Called last, when the queue's thread ends. */
    @Override
    default void close() {}
}
