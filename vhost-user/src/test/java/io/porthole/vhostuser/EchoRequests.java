package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.ValueLayout;

/** Requests of 16 bytes to an {@link EchoDevice}, and what tests of both ends have in common. */
final class EchoRequests {
    static final long RAM_AT = 0x10_0000;
    static final int WAIT_MILLIS = 10_000;
    static final long ALL = VhostUserDevice.DEFAULT_FEATURES;

    private EchoRequests() {}

    /** Echoes {@code value} once, and checks the answer. */
    static void echo(DriverQueue queue, GuestRam ram, long value) {
        long in = ram.allocate(16, 8);
        long out = ram.allocate(16, 8);
        echo(queue, ram, value, in, out);
    }

    static void echo(DriverQueue queue, GuestRam ram, long value, long in, long out) {
        ram.at(in, 16).set(ValueLayout.JAVA_LONG, 8, value);
        int head = submit(queue, ram, in, out, 0);
        assertEquals(head, queue.await(WAIT_MILLIS));
        assertEquals(16, queue.usedBytes());
        assertEquals(value, ram.at(out, 16).get(ValueLayout.JAVA_LONG, 8));
        queue.release(head);
    }

    static int submit(DriverQueue queue, GuestRam ram, long in, long out, long first) {
        ram.at(in, 16).set(ValueLayout.JAVA_LONG, 0, first);
        queue.begin();
        queue.readable(in, 16);
        queue.writable(out, 16);
        int head = queue.finish();
        queue.submit(head);
        queue.publish();
        return head;
    }
}
