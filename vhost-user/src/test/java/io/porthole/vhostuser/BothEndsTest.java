package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.porthole.vhostuser.VhostUserServer.AfterDisconnect;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Front-end and back-end over a real socket. */
@Timeout(60)
final class BothEndsTest {
    private static final long RAM_AT = 0x10_0000;

    @Test
    void aRequestIsAnswered() throws Exception {
        try (Rig rig = new Rig(new EchoDevice(2), AfterDisconnect.WAIT_FOR_NEXT);
                VhostUserFrontend vmm = rig.connect()) {
            assertEquals(
                    VhostUserDevice.DEFAULT_FEATURES,
                    vmm.negotiate(VhostUserDevice.DEFAULT_FEATURES));
            assertEquals(2, vmm.queueCount());
            assertArrayEquals(EchoDevice.CONFIG, vmm.readConfig(0, EchoDevice.CONFIG.length));
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(1, 128, 0, ram);
            long in = ram.allocate(4096, 4096);
            long out = ram.allocate(4096, 4096);
            for (int i = 0; i < 1000; i++) {
                ram.at(in, 16).set(ValueLayout.JAVA_LONG, 8, i);
                queue.begin();
                queue.readable(in, 16);
                queue.writable(out, 4096);
                int head = queue.finish();
                queue.submit(head);
                queue.publish();
                assertEquals(head, queue.await(5000));
                assertEquals(16, queue.usedBytes());
                assertEquals(i, ram.at(out, 16).get(ValueLayout.JAVA_LONG, 8));
                queue.release(head);
            }
            assertEquals(1000, vmm.stopQueue(queue));
        }
    }
}
