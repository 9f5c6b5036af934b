package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The promise that a request allocates nothing, on either side of the queue. */
@Timeout(120)
final class AllocationTest {
    private static final int WARM_UP = 20_000;
    private static final int MEASURED = 100_000;

    @Test
    void aRequestAllocatesNothing() throws Exception {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        AtomicLong queueThread = new AtomicLong();
        EchoDevice device =
                new EchoDevice(1) {
                    @Override
                    public QueueHandler openQueue(int index) {
                        queueThread.set(Thread.currentThread().threadId());
                        return super.openQueue(index);
                    }
                };
        try (Rig rig = new Rig(device, VhostUserServer.AfterDisconnect.WAIT_FOR_NEXT);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(VhostUserDevice.DEFAULT_FEATURES);
            GuestRam ram = vmm.addRam(0, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 64, 8, ram);
            long memory = ram.allocate(64, 16);
            run(queue, memory, WARM_UP);
            long deviceBefore = threads.getThreadAllocatedBytes(queueThread.get());
            long driverBefore = threads.getCurrentThreadAllocatedBytes();
            run(queue, memory, MEASURED);
            long driver = threads.getCurrentThreadAllocatedBytes() - driverBefore;
            long deviceSide = threads.getThreadAllocatedBytes(queueThread.get()) - deviceBefore;
            assertTrue(deviceBefore > 0, "the queue's thread was found");
            // Reading the counters allocates a little; a request must not: below 1/100 byte each.
            assertEquals(0, deviceSide / (MEASURED / 100), () -> deviceSide + " bytes in all");
            assertEquals(0, driver / (MEASURED / 100), () -> driver + " bytes in all");
        }
    }

    /** Direct and indirect chains, sleeping and in batches, made and released each time. */
    private static void run(DriverQueue queue, long memory, int requests) {
        int done = 0;
        while (done < requests) {
            int batch = done % 3 == 0 ? 1 : 16;
            for (int i = 0; i < batch; i++) {
                if (i % 2 == 0) {
                    queue.begin();
                } else {
                    queue.beginIndirect();
                }
                queue.readable(memory, 16);
                queue.writable(memory + 32, 16);
                queue.submit(queue.finish());
            }
            queue.publish();
            for (int i = 0; i < batch; i++) {
                int head = queue.await(10_000);
                if (head < 0) {
                    throw new AssertionError("no answer");
                }
                queue.release(head);
            }
            done += batch;
        }
    }
}
