package io.porthole.vhostuser;

import java.lang.foreign.MemorySegment;

/**
 * A virtio device that a {@link VhostUserServer} offers to a VMM. Defaults make up a device without
 * configuration space.
 *
 * <p>Unless said otherwise methods are called on the connection's control thread, never two at a
 * time.
 */
public interface VhostUserDevice {
    /** What every device of this library can offer. */
    long DEFAULT_FEATURES =
            Virtio.F_VERSION_1
                    | Virtio.F_INDIRECT_DESC
                    | Virtio.F_EVENT_IDX
                    | VhostUser.F_PROTOCOL_FEATURES;

    /** Feature bits to offer (VIRTIO 1.3 6). QEMU hands them to the guest as they are. */
    default long features() {
        return DEFAULT_FEATURES;
    }

    /** Number of virtqueues, 1 to {@link VhostUser#MAX_QUEUES}. Constant during a connection. */
    int queueCount();

    /** Size of the device configuration space, at most {@link VhostUser#MAX_CONFIG_BYTES}. */
    default int configBytes() {
        return 0;
    }

    /** Copies configuration space from {@code offset} on; fills {@code into}. */
    default void readConfig(int offset, MemorySegment into) {}

    /**
     * The driver wrote to configuration space.
     *
     * @return whether the device accepts it
     */
    default boolean writeConfig(int offset, MemorySegment from) {
        return false;
    }

    /**
     * Sizes in bytes of the shared memory regions that the front-end is to provide (VIRTIO 1.3
     * 2.10), by region id; 0 for an id without a region. Each is a multiple of the page size, and
     * QEMU 11.1 aborts unless their sum is a power of two. Constant during a connection.
     */
    default long[] sharedMemoryBytes() {
        return new long[0];
    }

    /**
     * Makes the handler of a queue. Called on the queue's own new thread when the front-end starts
     * it first; the handler lives as long as that thread, through stops and starts, until the
     * connection ends.
     *
     * @param index queue number, 0 to {@link #queueCount()} - 1
     */
    QueueHandler openQueue(int index);

    /**
     * Whether somebody waits for what the queue does. If so its thread looks at the empty ring for
     * a while before it sleeps, where that pays; if not, it lets requests collect for a millisecond
     * after each row of them. The first one after a pause is served at once in both cases.
     *
     * @param index queue number, 0 to {@link #queueCount()} - 1
     */
    default boolean isUrgent(int index) {
        return true;
    }

    /** A front-end connected. The link is good until {@link #disconnected} returns. */
    default void connected(FrontendLink link) {}

    /** The driver chose its features (the front-end may repeat this). */
    default void featuresNegotiated(long features) {}

    /**
     * The device was reset by RESET_DEVICE or a device status of 0: its queues are stopped and
     * requests not yet answered are forgotten.
     */
    default void reset() {}

    /** The connection ended: all queue threads have ended before this call. */
    default void disconnected() {}

    /**
     * The driver put something bad into a queue. Called on the queue's thread, after the library
     * counted and, within limits, logged it.
     */
    default void queueFault(int index, QueueFault fault) {}
}
