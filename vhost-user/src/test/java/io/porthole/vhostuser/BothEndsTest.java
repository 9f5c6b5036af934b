package io.porthole.vhostuser;

import static io.porthole.vhostuser.EchoRequests.ALL;
import static io.porthole.vhostuser.EchoRequests.RAM_AT;
import static io.porthole.vhostuser.EchoRequests.WAIT_MILLIS;
import static io.porthole.vhostuser.EchoRequests.echo;
import static io.porthole.vhostuser.EchoRequests.submit;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.EventFd;
import io.porthole.vhostuser.VhostUserServer.AfterDisconnect;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Front-end and back-end over a real socket. */
@Timeout(120)
final class BothEndsTest {
    @ParameterizedTest(name = "event index {0}, non-blocking kick {1}, acknowledgements {2}")
    @CsvSource({"true,true,true", "true,false,true", "false,true,false", "false,false,true"})
    void requestsAreAnswered(boolean eventIdx, boolean nonBlocking, boolean acks) throws Exception {
        try (Rig rig = Rig.of(2);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.nonBlockingKicks(nonBlocking);
            long wanted = eventIdx ? ALL : ALL & ~Virtio.F_EVENT_IDX;
            long protocol =
                    1L << VhostUser.PF_CONFIG
                            | 1L << VhostUser.PF_MQ
                            | (acks ? 1L << VhostUser.PF_REPLY_ACK : 0);
            assertEquals(wanted, vmm.negotiate(wanted, protocol));
            assertEquals(2, vmm.queueCount());
            assertArrayEquals(EchoDevice.CONFIG, vmm.readConfig(0, EchoDevice.CONFIG.length));
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(1, 128, 0, ram);
            long in = ram.allocate(16, 8);
            long out = ram.allocate(16, 8);
            for (int i = 0; i < 2000; i++) {
                echo(queue, ram, i, in, out);
            }
            assertEquals(2000, vmm.stopQueue(queue));
            assertEquals(2000, rig.device.handled.get());
        }
    }

    @Test
    void scatteredAndIndirectRequestsAreAnswered() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            // Two regions that are neighbours for the guest and not for us.
            GuestRam low = vmm.addRam(0, 4 << 20);
            GuestRam high = vmm.addRam(4 << 20, 4 << 20);
            DriverQueue queue = vmm.startQueue(0, 64, 256, low);
            int bytes = 64 * 4096;
            byte[] data = new byte[bytes];
            new java.util.Random(7).nextBytes(data);
            long source = (4L << 20) - bytes / 2;
            MemorySegment.copy(data, 0, low.segment(), ValueLayout.JAVA_BYTE, source, bytes / 2);
            MemorySegment.copy(
                    data, bytes / 2, high.segment(), ValueLayout.JAVA_BYTE, 0, bytes / 2);
            queue.beginIndirect();
            queue.readable(source, bytes); // one buffer across both regions
            for (int i = 0; i < 64; i++) {
                queue.writable((4L << 20) + (1 << 20) + (63 - i) * 8192L, 4096);
            }
            int head = queue.finish();
            queue.submit(head);
            queue.publish();
            assertEquals(head, queue.await(WAIT_MILLIS));
            assertEquals(bytes, queue.usedBytes());
            byte[] got = new byte[bytes];
            for (int i = 0; i < 64; i++) {
                MemorySegment.copy(
                        high.segment(),
                        ValueLayout.JAVA_BYTE,
                        (1 << 20) + (63 - i) * 8192L,
                        got,
                        i * 4096,
                        4096);
            }
            assertArrayEquals(data, got);
        }
    }

    @Test
    void deepQueuesOfSeveralThreadsAreAnswered() throws Exception {
        try (Rig rig = Rig.of(3);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 4 << 20);
            AtomicReference<Throwable> failed = new AtomicReference<>();
            List<Thread> drivers = new ArrayList<>();
            for (int q = 0; q < 3; q++) {
                DriverQueue queue = vmm.startQueue(q, 128, 0, ram);
                long memory = ram.allocate(32 * 32, 16);
                Thread t = new Thread(() -> drive(queue, ram, memory, 50_000));
                t.setUncaughtExceptionHandler((thread, e) -> failed.set(e));
                t.start();
                drivers.add(t);
            }
            for (Thread t : drivers) {
                t.join();
            }
            if (failed.get() != null) {
                throw new AssertionError(failed.get());
            }
            assertEquals(150_000, rig.device.handled.get());
        }
    }

    /** Keeps 32 requests going until {@code count} are done, each checked. */
    private static void drive(DriverQueue queue, GuestRam ram, long memory, int count) {
        int depth = 32;
        int[] slotOf = new int[queue.size()];
        MemorySegment m = ram.at(memory, depth * 32L);
        for (int i = 0; i < depth; i++) {
            queue.begin();
            queue.readable(memory + i * 32L, 16);
            queue.writable(memory + i * 32L + 16, 16);
            int head = queue.finish();
            slotOf[head] = i;
            m.set(ValueLayout.JAVA_LONG, i * 32L + 8, i);
            queue.submit(head);
        }
        queue.publish();
        long next = depth;
        for (int done = 0; done < count; done++) {
            int head = queue.await(WAIT_MILLIS);
            assertTrue(head >= 0, "no answer");
            long at = slotOf[head] * 32L;
            assertEquals(16, queue.usedBytes());
            assertEquals(
                    m.get(ValueLayout.JAVA_LONG, at + 8), m.get(ValueLayout.JAVA_LONG, at + 24));
            if (next < count) {
                m.set(ValueLayout.JAVA_LONG, at + 8, next++);
                queue.submit(head);
                queue.publish();
            }
        }
    }

    @Test
    void aQueueWithoutAKickDescriptorIsLookedAt() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 16, 0, ram);
            vmm.vringFd(VhostUser.SET_VRING_KICK, 0, null);
            for (int i = 0; i < 20; i++) {
                echo(queue, ram, i);
            }
            assertEquals(20, vmm.stopQueue(queue));
        }
    }

    @Test
    void aQueueGoesOnWhereItStopped() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 16, 0, ram);
            int expected = 0;
            for (int round = 0; round < 50; round++) {
                for (int i = 0; i < 7; i++) {
                    echo(queue, ram, i);
                    expected++;
                }
                int base = vmm.stopQueue(queue);
                assertEquals(expected & 0xffff, base);
                // While it is stopped nothing moves.
                long in = ram.allocate(16, 8);
                long out = ram.allocate(16, 8);
                int head = submit(queue, ram, in, out, 1);
                expected++;
                if (round < 3) {
                    assertEquals(DriverQueue.NONE, queue.await(20));
                }
                vmm.startQueue(queue, base);
                assertEquals(head, queue.await(WAIT_MILLIS));
                queue.release(head);
            }
            assertEquals(1, rig.device.opened.get(), "the handler lived through it all");
        }
    }

    @Test
    void aQueueStoppedInMidRequestSaysThatItWaits() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 16, 0, ram);
            long in = ram.allocate(16, 8);
            int head = submit(queue, ram, in, ram.allocate(16, 8), EchoDevice.HELD);
            for (int i = 0; i < 1000 && rig.device.handled.get() == 0; i++) {
                Thread.sleep(5);
            }
            CompletableFuture<Integer> stopped =
                    CompletableFuture.supplyAsync(() -> {
                        try {
                            return vmm.stopQueue(queue);
                        } catch (ProtocolException e) {
                            throw new IllegalStateException(e);
                        }
                    });
            Thread.sleep(20);
            assertEquals(1, rig.device.busy.get());
            rig.device.gate.release();
            assertEquals(1, stopped.get(10, TimeUnit.SECONDS));
            assertEquals(0, rig.device.busy.get());
            assertEquals(head, queue.await(WAIT_MILLIS));
        }
    }

    @Test
    void aDisabledQueueWaits() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 16, 0, ram);
            echo(queue, ram, 1);
            vmm.enableQueue(0, false);
            int head = submit(queue, ram, ram.allocate(16, 8), ram.allocate(16, 8), 5);
            assertEquals(DriverQueue.NONE, queue.await(30));
            vmm.enableQueue(0, true);
            assertEquals(head, queue.await(WAIT_MILLIS));
        }
    }

    @Test
    void descriptorsMayBeReplacedWhileAQueueRuns() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect();
                EventFd other = EventFd.create(EventFd.EFD_NONBLOCK)) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 16, 0, ram);
            for (int i = 0; i < 100; i++) {
                vmm.vringFd(VhostUser.SET_VRING_CALL, 0, other.fd());
                vmm.vringFd(VhostUser.SET_VRING_CALL, 0, queue.callFd().fd());
                vmm.vringFd(VhostUser.SET_VRING_KICK, 0, queue.kickFd().fd());
                echo(queue, ram, i);
            }
            vmm.vringFd(VhostUser.SET_VRING_CALL, 0, null);
            int head = submit(queue, ram, ram.allocate(16, 8), ram.allocate(16, 8), 5);
            // Nobody calls any more: the ring itself has to be looked at.
            int used = queue.poll();
            for (int i = 0; i < WAIT_MILLIS && used == DriverQueue.NONE; i++) {
                Thread.sleep(1);
                used = queue.poll();
            }
            assertEquals(head, used);
            assertEquals(101, vmm.stopQueue(queue));
        }
    }

    // ---- Guest memory that changes ----

    @Test
    void memoryMayComeAndGoDuringTraffic() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 4 << 20);
            DriverQueue queue = vmm.startQueue(0, 128, 0, ram);
            long memory = ram.allocate(32 * 32, 16);
            AtomicReference<Throwable> failed = new AtomicReference<>();
            Thread driver = new Thread(() -> drive(queue, ram, memory, 100_000));
            driver.setUncaughtExceptionHandler((t, e) -> failed.set(e));
            driver.start();
            int changes = 0;
            while (driver.isAlive() && changes < 300) {
                GuestRam extra = vmm.addRam(1L << 32, 1 << 20);
                vmm.removeRam(extra);
                changes++;
            }
            driver.join();
            if (failed.get() != null) {
                throw new AssertionError(failed.get());
            }
            assertTrue(changes > 0);
            echo(queue, ram, 1); // the queue has taken up the last change after this
            assertEquals(2, Mappings.ofGuestRam(), "one of each end");
        }
    }

    @Test
    void addedMemoryIsUsedAndRemovedMemoryIsNot() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            assertEquals(VhostUser.MAX_MEM_SLOTS, vmm.maxMemorySlots());
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 16, 0, ram);
            GuestRam extra = vmm.addRam(1L << 32, 1 << 20);
            echo(queue, extra, 77);
            long in = extra.allocate(16, 8);
            vmm.removeRam(extra);
            queue.begin();
            queue.readable(in, 16);
            int head = queue.finish();
            queue.submit(head);
            queue.publish();
            assertEquals(head, queue.await(WAIT_MILLIS));
            assertEquals(0, queue.usedBytes());
            assertEquals(QueueFault.BAD_ADDRESS, rig.device.faults.poll(10, TimeUnit.SECONDS));
            queue.release(head);
            echo(queue, ram, 78);
        }
    }

    @Test
    void aNewMemoryTableReplacesTheOldOneUnderTraffic() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL, 1L << VhostUser.PF_REPLY_ACK);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 16, 0, ram);
            for (int i = 0; i < 50; i++) {
                vmm.setMemoryTable(List.of(ram));
                echo(queue, ram, i);
            }
            assertEquals(2, Mappings.ofGuestRam(), "one of each end");
        }
    }

    @Test
    void aRingWhoseMemoryGoesStopsWithAnError() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 16, 0, ram);
            echo(queue, ram, 1);
            vmm.removeRegion(ram);
            assertEquals(QueueFault.RING_UNMAPPED, rig.device.faults.poll(10, TimeUnit.SECONDS));
            assertEquals(1, vmm.stopQueue(queue));
            assertTrue(queue.errFd().drain() > 0, "signalled on the error descriptor");
            vmm.addRegion(ram);
            vmm.startQueue(queue, 1);
            echo(queue, ram, 2);
        }
    }

    // ---- A driver or front-end that does wrong ----

    @Test
    void aBadChainIsReturnedEmptyAndTheQueueLivesOn() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 16, 0, ram);
            queue.begin();
            queue.readable(0xdead_0000_0000L, 64);
            int head = queue.finish();
            queue.submit(head);
            queue.publish();
            assertEquals(head, queue.await(WAIT_MILLIS));
            assertEquals(0, queue.usedBytes());
            assertEquals(QueueFault.BAD_ADDRESS, rig.device.faults.poll(10, TimeUnit.SECONDS));
            echo(queue, ram, 9);
        }
    }

    @Test
    void aFailingHandlerCostsOneRequest() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 16, 0, ram);
            int head =
                    submit(queue, ram, ram.allocate(16, 8), ram.allocate(16, 8), EchoDevice.FAIL);
            assertEquals(head, queue.await(WAIT_MILLIS));
            assertEquals(0, queue.usedBytes());
            assertEquals(QueueFault.HANDLER_FAILED, rig.device.faults.poll(10, TimeUnit.SECONDS));
            echo(queue, ram, 9);
        }
    }

    @Test
    void aBrokenRingIsReportedAndCanBeSetUpAnew() throws Exception {
        try (Rig rig = Rig.of(2);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue broken = vmm.startQueue(0, 16, 0, ram);
            DriverQueue fine = vmm.startQueue(1, 16, 0, ram);
            echo(broken, ram, 1);
            broken.forgeAvailableIndex(1000);
            assertEquals(QueueFault.AVAIL_INDEX_JUMP, rig.device.faults.poll(10, TimeUnit.SECONDS));
            echo(fine, ram, 2);
            assertEquals(1, vmm.stopQueue(broken));
            assertTrue(broken.errFd().drain() > 0, "signalled on the error descriptor");
            DriverQueue anew = vmm.startQueue(0, 16, 0, ram);
            echo(anew, ram, 3);
            assertEquals(2, rig.device.opened.get());
        }
    }

    @Test
    void aFrontEndThatGoesInMidRequestLeavesNothing() throws Exception {
        try (Rig rig = Rig.of(2)) {
            for (int i = 1; i <= 20; i++) {
                try (VhostUserFrontend vmm = rig.connect()) {
                    vmm.negotiate(ALL);
                    GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
                    DriverQueue queue = vmm.startQueue(0, 64, 0, ram);
                    DriverQueue other = vmm.startQueue(1, 64, 0, ram);
                    long in = ram.allocate(16, 8);
                    long out = ram.allocate(16, 8);
                    for (int k = 0; k < 20; k++) {
                        submit(queue, ram, in, out, k % 2 == 0 ? EchoDevice.DEFER : k);
                        submit(other, ram, in, out, k);
                    }
                }
                rig.awaitDisconnects(i);
                assertEquals(0, Mappings.ofGuestRam());
            }
        }
    }

    @Test
    void theServerEndsWithItsFrontEndIfToldSo() throws Exception {
        try (Rig rig = new Rig(new EchoDevice(1), AfterDisconnect.END)) {
            try (VhostUserFrontend vmm = rig.connect()) {
                vmm.negotiate(ALL);
            }
            assertEquals(null, rig.awaitEnd());
        }
    }

    @Test
    void closingTheServerEndsAConnection() throws Exception {
        Rig rig = Rig.of(1);
        try (VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 64, 0, ram);
            echo(queue, ram, 1);
            rig.server.close();
            assertThrows(ProtocolException.class, vmm::getFeatures);
        }
        rig.close();
    }

    // ---- Configuration space ----

    @Test
    void configurationSpaceIsReadAndWritten() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            byte[] word = {'E', 'C', 'H', 'O'};
            vmm.writeConfig(0, word);
            assertArrayEquals(word, vmm.readConfig(0, 4));
            assertArrayEquals(new byte[] {'n'}, vmm.readConfig(17, 1));
            ProtocolException refused =
                    assertThrows(ProtocolException.class, () -> vmm.readConfig(0, 19));
            assertEquals(ProtocolException.Kind.REFUSED, refused.kind());
            assertThrows(ProtocolException.class, () -> vmm.readConfig(18, 1));
            assertThrows(ProtocolException.class, () -> vmm.readConfig(-1, 1));
            assertThrows(ProtocolException.class, () -> vmm.writeConfig(15, word));
            assertArrayEquals(word, vmm.readConfig(0, 4));
        }
    }
}
