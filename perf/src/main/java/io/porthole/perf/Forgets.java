package io.porthole.perf;

import io.porthole.fuse.FuseForgetIn;
import io.porthole.fuse.Opcode;
import io.porthole.vhostuser.DriverQueue;
import org.jspecify.annotations.Nullable;

/**
 * The FORGETs of a session. Linux sends each inode's by itself, on the queue that is for them, and
 * waits for none; it only keeps the memory until the device has given it back. So here.
 */
final class Forgets {
    /** The queue of FORGET and INTERRUPT. */
    static final int HIPRIO = 0;

    /** So many may be under way. */
    private static final int MOST = 256;

    private final DriverQueue queue;
    private final Message[] free = new Message[MOST];
    private int freeCount = MOST;

    /** By chain. */
    private final @Nullable Message[] underWay;

    Forgets(DriverQueue queue, GuestSpace space) {
        this.queue = queue;
        underWay = new @Nullable Message[queue.size()];
        for (int i = 0; i < MOST; i++) {
            free[i] = Message.plain(space, Opcode.FORGET, FuseForgetIn.BYTES);
        }
    }

    /** Puts one into the ring; waits only where too many are under way. */
    void send(long nodeId, long lookups, long unique) {
        if (freeCount == 0) {
            queue.publish();
            awaitFree(1);
        }
        Message m = free[--freeCount].node(nodeId);
        FuseForgetIn.nlookup(m.memory(), m.argument(), lookups);
        m.stamp(unique);
        int head = m.chain(queue);
        underWay[head] = m;
        queue.submit(head);
    }

    /** Takes back what the device has done with. Returns whether there was anything. */
    boolean collect() {
        boolean any = false;
        for (int head = queue.poll(); head != DriverQueue.NONE; head = queue.poll()) {
            Message done = underWay[head];
            if (done == null) {
                throw new WrongReplyException("a FORGET that was not sent came back");
            }
            underWay[head] = null;
            free[freeCount++] = done;
            any = true;
        }
        return any;
    }

    /** Waits until none is under way. */
    void drain() {
        queue.publish();
        awaitFree(MOST);
    }

    private void awaitFree(int wanted) {
        long deadline = System.nanoTime() + Session.PATIENCE_NANOS;
        while (freeCount < wanted) {
            if (!collect()) {
                Thread.onSpinWait();
                if (System.nanoTime() > deadline) {
                    throw new WrongReplyException("FORGET was not taken within 20 s");
                }
            }
        }
    }
}
