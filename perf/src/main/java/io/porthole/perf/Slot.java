package io.porthole.perf;

import org.jspecify.annotations.Nullable;

/**
 * One operation under way: a row of depth 32 has 32 slots. An operation can take several requests,
 * one after the other; a slot sends one at a time.
 */
final class Slot {
    final int index;

    /** The request queue, from 1 on, that this slot sends to. */
    final int requestQueue;

    /** How far the operation is; for the workload. */
    int phase;

    /** For the workload: which file, block or name it is at. */
    long cursor;

    /** For the workload: a node or handle from an earlier reply. */
    long nodeId;

    long handle;

    /** When the operation began, System.nanoTime(). */
    long begun;

    @Nullable Message message;

    /** Whom to FORGET next, or 0. */
    long forgotten;

    Slot(int index, int requestQueue) {
        this.index = index;
        this.requestQueue = requestQueue;
    }

    /** Next, {@code message} goes out on the request queue. */
    void send(Message next) {
        message = next;
    }

    /** A FORGET goes out next, which takes back one lookup and which nobody waits for. */
    void forget(long node) {
        forgotten = node;
    }
}
