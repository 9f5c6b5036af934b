package io.porthole.perf;

import java.io.IOException;

/**
 * What a row does: a small state machine per slot. {@link #begin} and {@link #reply} run for each
 * request and must not allocate.
 */
interface Workload {
    /** Builds the messages; may use {@link Session#call}. */
    void setUp(Session session, Slot[] slots) throws IOException;

    /** Begins an operation: prepares its first message and hands it to the slot. */
    void begin(Slot slot);

    /**
     * Takes a reply, whose header is checked already, looks at what it says, and goes on.
     *
     * @return true if the operation is complete; false if the slot has its next message
     */
    boolean reply(Slot slot);

    /** Looks at what the row left behind, and gives back what it holds. */
    default void tearDown(Session session, Slot[] slots) throws IOException {}
}
