package io.porthole.vhostuser;

import static io.porthole.vhostuser.EchoRequests.ALL;
import static io.porthole.vhostuser.EchoRequests.RAM_AT;
import static io.porthole.vhostuser.EchoRequests.WAIT_MILLIS;
import static io.porthole.vhostuser.EchoRequests.echo;
import static io.porthole.vhostuser.EchoRequests.submit;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When answers are shown to the driver, and when requests are taken up. */
@Timeout(120)
final class AnswerTimingTest {
    /** Three requests and one that waits at the gate, published at once. */
    private static void answersComeBeforeTheGateOpens(
            Rig rig, DriverQueue queue, GuestRam ram, long held) {
        long memory = ram.allocate(4 * 32, 16);
        List<Integer> heads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            long in = memory + 32L * i;
            ram.at(in, 16).set(ValueLayout.JAVA_LONG, 0, i == 3 ? held : 0);
            queue.begin();
            queue.readable(in, 16);
            queue.writable(in + 16, 16);
            heads.add(queue.finish());
            queue.submit(heads.get(i));
        }
        queue.publish();
        for (int i = 0; i < 4; i++) {
            if (i == 3) {
                rig.device.gate.release();
            }
            assertEquals(heads.get(i), queue.await(WAIT_MILLIS), "answer " + i);
        }
        heads.forEach(queue::release);
    }

    @Test
    void noAnswerWaitsForARequestThatSaysItTakesLong() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 128, 0, ram);
            for (int i = 0; i < 100; i++) {
                answersComeBeforeTheGateOpens(rig, queue, ram, EchoDevice.LONG);
            }
        }
    }

    @Test
    void noAnswerWaitsForAnotherWhereRequestsAreSlow() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            vmm.negotiate(ALL);
            GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
            DriverQueue queue = vmm.startQueue(0, 128, 0, ram);
            long memory = ram.allocate(64 * 32, 16);
            List<Integer> heads = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                long in = memory + 32L * i;
                heads.add(submit(queue, ram, in, in + 16, EchoDevice.SLOW));
            }
            for (int head : heads) {
                assertEquals(head, queue.await(WAIT_MILLIS));
                queue.release(head);
            }
            for (int i = 0; i < 8; i++) {
                answersComeBeforeTheGateOpens(rig, queue, ram, EchoDevice.HELD);
            }
        }
    }

    @ParameterizedTest(name = "event index {0}")
    @CsvSource({"true", "false"})
    void requestsThatNobodyWaitsForCollect(boolean eventIdx) throws Exception {
        try (Rig rig = Rig.of(2)) {
            rig.device.patient = 0;
            try (VhostUserFrontend vmm = rig.connect()) {
                vmm.negotiate(eventIdx ? ALL : ALL & ~Virtio.F_EVENT_IDX);
                GuestRam ram = vmm.addRam(RAM_AT, 1 << 20);
                DriverQueue patient = vmm.startQueue(0, 128, 0, ram);
                DriverQueue urgent = vmm.startQueue(1, 128, 0, ram);
                long in = ram.allocate(16, 8);
                long out = ram.allocate(16, 8);
                for (int i = 0; i < 1000; i++) {
                    echo(patient, ram, i, in, out);
                }
                // One at a time: the queue was never seen busy, and yet few needed a kick.
                long kicks = patient.kicks();
                assertTrue(kicks >= 1 && kicks < 500, kicks + " kicks");
                // It falls asleep, and is woken by a kick.
                for (int i = 0; i < 5; i++) {
                    Thread.sleep(30);
                    echo(patient, ram, i, in, out);
                    echo(urgent, ram, i, in, out);
                    assertTrue(patient.kicks() > kicks, "asleep again");
                    kicks = patient.kicks();
                }
                assertEquals(1005, vmm.stopQueue(patient));
                assertEquals(5, vmm.stopQueue(urgent));
            }
        }
    }
}
