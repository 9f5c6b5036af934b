package io.porthole.perf;

import org.jspecify.annotations.Nullable;

/**
 * One operation under way: a row of depth 32 has 32 slots. An operation can take several requests,
 * one after the other; a slot sends one at a time.
 */
final class Slot {
    /** The queue of FORGET and INTERRUPT. */
    static final int HIPRIO = 0;

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

    int queue;
    @Nullable Message message;

    Slot(int index, int requestQueue) {
        this.index = index;
        this.requestQueue = requestQueue;
    }

    /** Next, {@code message} goes out on the request queue. */
    void send(Message next) {
        message = next;
        queue = requestQueue;
    }

    /** Next, {@code message} goes out on the queue of FORGET. */
    void sendHiprio(Message next) {
        message = next;
        queue = HIPRIO;
    }
}
