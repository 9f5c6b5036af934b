package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.ForwardingSyscalls;
import io.porthole.linux.Syscalls;
import io.porthole.linux.UnixSocket;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a request costs in system calls. */
@Timeout(60)
final class SystemCallsTest {
    /** Counts the calls of queue threads. */
    private static final class Counting extends ForwardingSyscalls {
        final AtomicInteger waits = new AtomicInteger();
        final AtomicInteger writes = new AtomicInteger();
        final AtomicInteger reads = new AtomicInteger();

        Counting() {
            super(Syscalls.host());
        }

        private static boolean onQueueThread() {
            return Thread.currentThread().getName().startsWith("virtqueue-");
        }

        @Override
        public long epollWait(int epollFd, long eventsAddr, int max, int timeoutMillis) {
            waits.incrementAndGet();
            return super.epollWait(epollFd, eventsAddr, max, timeoutMillis);
        }

        @Override
        public long write(int fd, long bufAddr, long bytes) {
            if (onQueueThread()) {
                writes.incrementAndGet();
            }
            return super.write(fd, bufAddr, bytes);
        }

        @Override
        public long read(int fd, long bufAddr, long bytes) {
            if (onQueueThread()) {
                reads.incrementAndGet();
            }
            return super.read(fd, bufAddr, bytes);
        }

        @Override
        public long poll(long fdsAddr, int count, int timeoutMillis) {
            if (onQueueThread()) {
                reads.incrementAndGet();
            }
            return super.poll(fdsAddr, count, timeoutMillis);
        }
    }

    @Test
    void aSleepIsOneCallAndABatchOneNotification() throws Exception {
        Counting calls = new Counting();
        EchoDevice device = new EchoDevice(1);
        List<UnixSocket> pair = UnixSocket.pair();
        BackendSession session =
                new BackendSession(device, calls, new MessageChannel(pair.get(1)), 0);
        Thread control =
                new Thread(() -> {
                    try {
                        session.serve();
                    } catch (ProtocolException e) {
                        throw new AssertionError(e);
                    } finally {
                        session.end();
                    }
                });
        control.start();
        int rounds = 200;
        int batch = PublishPace.BATCH;
        try (VhostUserFrontend vmm = VhostUserFrontend.over(pair.get(0))) {
            vmm.negotiate(VhostUserDevice.DEFAULT_FEATURES);
            GuestRam ram = vmm.addRam(0, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 64, 0, ram);
            long memory = ram.allocate(64, 16);
            for (int round = 0; round < rounds; round++) {
                for (int i = 0; i < batch; i++) {
                    queue.begin();
                    queue.readable(memory, 16);
                    queue.writable(memory + 16, 16);
                    queue.submit(queue.finish());
                }
                queue.publish();
                for (int i = 0; i < batch; i++) {
                    int head = queue.await(10_000);
                    assertTrue(head >= 0, "no answer");
                    queue.release(head);
                }
                Thread.sleep(1); // until the device's thread sleeps
            }
            vmm.stopQueue(queue);
        }
        control.join();
        assertEquals((long) rounds * batch, device.handled.get());
        assertEquals(0, calls.reads.get(), "kicks are not read");
        // One sleep a round, one more at the start, one ended by the stop.
        assertTrue(calls.waits.get() <= rounds + 2, () -> calls.waits + " sleeps");
        assertTrue(calls.writes.get() <= rounds + 1, () -> calls.writes + " notifications");
        assertTrue(calls.writes.get() > 0, "the driver was woken");
    }
}
