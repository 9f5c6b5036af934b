package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.PollFd;
import io.porthole.linux.Syscalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A driver whose stores come late, as those of a guest that QEMU emulates on one processor: it
 * reads what the device wishes before its own store shows. Neither side may sleep for ever.
 */
class WeakDriverTest {
    private static final int WAIT_MILLIS = 5_000;

    /** Long enough for the device to fall asleep, far longer than the second look takes. */
    private static final long ASLEEP_MILLIS = 60;

    private static void with(boolean eventIdx, Work work) throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            long features = Virtio.F_VERSION_1 | VhostUser.F_PROTOCOL_FEATURES;
            vmm.negotiate(eventIdx ? features | Virtio.F_EVENT_IDX : features);
            GuestRam ram = vmm.addRam(0, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 16, 0, ram);
            long in = ram.allocate(16, 8);
            ram.at(in, 16).set(ValueLayout.JAVA_LONG, 0, 1);
            queue.begin();
            queue.readable(in, 16);
            queue.writable(ram.allocate(16, 8), 16);
            work.with(queue, queue.finish());
        }
    }

    @FunctionalInterface
    private interface Work {
        void with(DriverQueue queue, int head) throws Exception;
    }

    @ParameterizedTest(name = "event index {0}")
    @ValueSource(booleans = {true, false})
    void requestIsFoundWhoseKickWasMissed(boolean eventIdx) throws Exception {
        with(
                eventIdx,
                (queue, head) -> {
                    for (int i = 1; i <= 5; i++) {
                        queue.submit(head);
                        // What publish() does, but for the kick.
                        Virtio.SHORT_HANDLE.setRelease(
                                queue.available(), (long) Virtio.AVAIL_IDX, (short) i);
                        assertEquals(head, queue.await(WAIT_MILLIS), "request " + i);
                        assertEquals(0, queue.kicks());
                    }
                });
    }

    @ParameterizedTest(name = "event index {0}")
    @ValueSource(booleans = {true, false})
    void driverIsCalledThatAskedTooLate(boolean eventIdx) throws Exception {
        with(
                eventIdx,
                (queue, head) -> {
                    wish(queue, eventIdx, false, 100);
                    queue.submit(head);
                    assertTrue(queue.publish());
                    assertFalse(called(queue, ASLEEP_MILLIS), "the driver did not want it");
                    assertEquals(head, queue.poll());
                    queue.submit(head);
                    // The wish shows when the device has looked: after the answer is published.
                    queue.publish();
                    while (usedIndex(queue) != 2) {
                        Thread.onSpinWait();
                    }
                    wish(queue, eventIdx, true, 1);
                    assertTrue(called(queue, WAIT_MILLIS), "the driver sleeps over an answer");
                    assertEquals(head, queue.poll());
                    wish(queue, eventIdx, true, 2);
                    assertFalse(called(queue, ASLEEP_MILLIS), "called again for nothing");
                });
    }

    private static short usedIndex(DriverQueue queue) {
        return (short) Virtio.SHORT_HANDLE.getAcquire(queue.used(), (long) Virtio.USED_IDX);
    }

    private static void wish(DriverQueue queue, boolean eventIdx, boolean wanted, int event) {
        if (eventIdx) {
            queue.available()
                    .set(Virtio.SHORT, Virtio.AVAIL_RING + 2L * queue.size(), (short) event);
        } else {
            queue.available()
                    .set(
                            Virtio.SHORT,
                            Virtio.AVAIL_FLAGS,
                            (short) (wanted ? 0 : Virtio.AVAIL_F_NO_INTERRUPT));
        }
        VarHandle.fullFence();
    }

    /** Whether the device calls within this time; takes the call. */
    private static boolean called(DriverQueue queue, long millis) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fd = arena.allocate(PollFd.BYTES, 8);
            PollFd.set(fd, 0, queue.callFd().fd().value(), PollFd.POLLIN);
            boolean ready = Syscalls.host().poll(fd.address(), 1, (int) millis) == 1;
            queue.callFd().drain();
            return ready;
        }
    }
}
