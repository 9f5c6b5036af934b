package io.porthole.vhostuser;

import static io.porthole.vhostuser.EchoRequests.ALL;
import static io.porthole.vhostuser.EchoRequests.RAM_AT;
import static io.porthole.vhostuser.EchoRequests.WAIT_MILLIS;
import static io.porthole.vhostuser.EchoRequests.echo;
import static io.porthole.vhostuser.EchoRequests.submit;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests that are answered later, from any thread. */
@Timeout(120)
final class DeferredAnswersTest {
    @Test
    void requestsMayBeAnsweredLaterFromAnyThread() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 64, 0, ram);
            for (int i = 0; i < 300; i++) {
                long out = ram.allocate(16, 8);
                int waiting = submit(queue, ram, ram.allocate(16, 8), out, EchoDevice.DEFER);
                Detached detached = rig.device.deferred.poll(10, TimeUnit.SECONDS);
                assertNotNull(detached);
                echo(queue, ram, i); // others overtake it
                MemorySegment answer = MemorySegment.ofArray(new long[] {i, ~i});
                assertTrue(detached.complete(answer, 16));
                assertFalse(detached.complete(answer, 16), "effective once");
                answer.fill((byte) 0xee); // the caller's again
                assertEquals(waiting, queue.await(WAIT_MILLIS));
                assertEquals(16, queue.usedBytes());
                assertEquals(i, ram.at(out, 16).get(ValueLayout.JAVA_LONG, 0));
                assertEquals(~i, ram.at(out, 16).get(ValueLayout.JAVA_LONG, 8));
                queue.release(waiting);
            }
        }
    }

    @Test
    void manyThreadsMayAnswerAtOnce() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 256, 0, ram);
            long in = ram.allocate(16, 8);
            ram.at(in, 8).set(ValueLayout.JAVA_LONG, 0, EchoDevice.DEFER);
            AtomicBoolean stop = new AtomicBoolean();
            List<Thread> workers = new ArrayList<>();
            for (int w = 0; w < 4; w++) {
                Thread t =
                        new Thread(() -> {
                            MemorySegment none = MemorySegment.ofArray(new byte[8]);
                            while (!stop.get()) {
                                try {
                                    Detached d =
                                            rig.device.deferred.poll(10, TimeUnit.MILLISECONDS);
                                    if (d != null) {
                                        d.complete(none, 8);
                                    }
                                } catch (InterruptedException e) {
                                    return;
                                }
                            }
                        });
                t.start();
                workers.add(t);
            }
            int done = 0;
            int sent = 0;
            int total = 20_000;
            while (done < total) {
                while (sent < total && queue.freeDescriptors() >= 2) {
                    queue.begin();
                    queue.readable(in, 16);
                    queue.writable(in + 8, 8);
                    queue.submit(queue.finish());
                    sent++;
                }
                queue.publish();
                int head = queue.await(WAIT_MILLIS);
                assertTrue(head >= 0, "no answer after " + done);
                assertEquals(8, queue.usedBytes());
                queue.release(head);
                done++;
            }
            stop.set(true);
            for (Thread t : workers) {
                t.join();
            }
        }
    }

    @Test
    void aDeferredAnswerOutlivesStopAndStart() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 64, 0, ram);
            int head =
                    submit(queue, ram, ram.allocate(16, 8), ram.allocate(16, 8), EchoDevice.DEFER);
            Detached detached = rig.device.deferred.poll(10, TimeUnit.SECONDS);
            assertNotNull(detached);
            int base = vmm.stopQueue(queue);
            assertTrue(detached.complete(MemorySegment.ofArray(new byte[4]), 4));
            assertEquals(DriverQueue.NONE, queue.await(30), "stopped");
            vmm.startQueue(queue, base);
            assertEquals(head, queue.await(WAIT_MILLIS));
            assertEquals(4, queue.usedBytes());
        }
    }

    @Test
    void aDeferredAnswerDiesWithAReset() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 64, 0, ram);
            submit(queue, ram, ram.allocate(16, 8), ram.allocate(16, 8), EchoDevice.DEFER);
            Detached detached = rig.device.deferred.poll(10, TimeUnit.SECONDS);
            assertNotNull(detached);
            vmm.resetDevice();
            assertEquals(1, rig.device.resets.get());
            detached.complete(MemorySegment.ofArray(new byte[4]), 4);
            DriverQueue next = vmm.startQueue(0, 64, 0, ram);
            echo(next, ram, 3);
            assertEquals(DriverQueue.NONE, next.await(30));
            assertEquals(DriverQueue.NONE, queue.poll());
        }
    }

    @Test
    void aDeferredAnswerAfterTheConnectionGoesNowhere() throws Exception {
        Detached detached;
        try (Rig rig = Rig.of(1)) {
            try (VhostUserFrontend vmm = rig.connect()) {
                vmm.negotiate(ALL);
                GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
                DriverQueue queue = vmm.startQueue(0, 64, 0, ram);
                submit(queue, ram, ram.allocate(16, 8), ram.allocate(16, 8), EchoDevice.DEFER);
                detached = rig.device.deferred.poll(10, TimeUnit.SECONDS);
            }
            rig.awaitDisconnects(1);
            assertNotNull(detached);
            assertFalse(detached.complete(MemorySegment.ofArray(new byte[4]), 4));
        }
    }
}
