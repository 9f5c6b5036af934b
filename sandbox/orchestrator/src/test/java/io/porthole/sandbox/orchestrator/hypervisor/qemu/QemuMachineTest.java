package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.porthole.sandbox.orchestrator.hypervisor.VmEnd;
import java.util.List;
import org.junit.jupiter.api.Test;

class QemuMachineTest {
    private static final List<String> PANIC =
            List.of("sysrq: Trigger a crash", "Kernel panic - not syncing: sysrq triggered crash");

    private static VmEnd end(boolean stopping, int status, String reason, List<String> console) {
        return QemuMachine.classify(stopping, status, reason, 42, console, List.of());
    }

    @Test
    void anAskedForEndIsNoCrash() {
        assertEquals(VmEnd.Cause.STOPPED, end(true, 137, "", PANIC).cause());
    }

    @Test
    void aResetAfterAPanicIsAPanicAndKeepsTheConsole() {
        VmEnd end = end(false, 0, "guest-reset", PANIC);
        assertEquals(VmEnd.Cause.PANICKED, end.cause());
        assertEquals("the guest's kernel panicked: sysrq triggered crash", end.message());
        assertEquals(PANIC.subList(1, 2), end.consoleTail());
    }

    @Test
    void aPanicIsFoundAboveALongCallTrace() {
        List<String> console = new java.util.ArrayList<>(PANIC);
        for (int i = 0; i < 100; i++) {
            console.add("  call " + i);
        }
        VmEnd end = end(false, 0, "guest-reset", console);
        assertEquals("the guest's kernel panicked: sysrq triggered crash", end.message());
        assertEquals(PANIC.get(1), end.consoleTail().getFirst());
        assertEquals(20, end.consoleTail().size());
    }

    @Test
    void aPowerOffIsNeitherPanicNorCrash() {
        assertEquals(
                VmEnd.Cause.SHUT_DOWN, end(false, 0, "guest-shutdown", List.of("bye")).cause());
    }

    @Test
    void aKilledQemuIsNamedWithItsSignal() {
        assertEquals(
                "QEMU (pid 42) was killed by signal 9", end(false, 137, "", List.of()).message());
    }

    @Test
    void aFailedQemuShowsItsLastWords() {
        VmEnd end =
                QemuMachine.classify(
                        false,
                        1,
                        "",
                        42,
                        List.of(),
                        List.of("warning", "qemu: -kernel: no such file"));
        assertEquals(
                "QEMU (pid 42) exited with status 1: qemu: -kernel: no such file", end.message());
    }
}
