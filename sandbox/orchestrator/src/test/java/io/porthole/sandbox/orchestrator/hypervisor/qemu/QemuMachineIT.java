package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.sandbox.orchestrator.GuestParts;
import io.porthole.sandbox.orchestrator.hypervisor.Accelerator;
import io.porthole.sandbox.orchestrator.hypervisor.HypervisorException;
import io.porthole.sandbox.orchestrator.hypervisor.NetworkDevice;
import io.porthole.sandbox.orchestrator.hypervisor.VirtualMachine;
import io.porthole.sandbox.orchestrator.hypervisor.VmConfig;
import io.porthole.sandbox.orchestrator.hypervisor.VmEnd;
import io.porthole.sandbox.orchestrator.hypervisor.VmEvent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real QEMU with a stock kernel and no root file system: it boots for a second and panics. */
class QemuMachineIT {
    @TempDir Path dir;
    private final List<VmEvent> events = new CopyOnWriteArrayList<>();

    private VirtualMachine start(Path kernel, String parameters, Duration answerTimeout)
            throws HypervisorException {
        QemuHypervisor qemu =
                new QemuHypervisor(new QemuSettings(GuestParts.qemuProgram(), true, answerTimeout));
        VmConfig config =
                new VmConfig(
                        "it",
                        1,
                        128L << 20,
                        Accelerator.AUTO,
                        null,
                        kernel,
                        null,
                        null,
                        List.of(("console=ttyS0 panic=-1 " + parameters).split(" ", -1)),
                        List.of(),
                        List.of(),
                        dir.resolve("agent.sock"),
                        "agent.0",
                        dir.resolve("console.log"),
                        dir,
                        1,
                        null,
                        false);
        return qemu.start(config, events::add);
    }

    @Test
    void theVersionIsAsked() throws Exception {
        String version =
                new QemuHypervisor(
                                new QemuSettings(
                                        GuestParts.qemuProgram(), true, Duration.ofSeconds(5)))
                        .info()
                        .version();
        assertTrue(version.startsWith("7.2."), version);
    }

    @Test
    void aKernelPanicIsReportedWithTheConsole() throws Exception {
        try (VirtualMachine vm = start(GuestParts.kernel(), "quiet", Duration.ofSeconds(5))) {
            VmEnd end = vm.end().get(60, TimeUnit.SECONDS);
            assertEquals(VmEnd.Cause.PANICKED, end.cause(), end::toString);
            assertTrue(
                    end.consoleTail().stream().anyMatch(l -> l.contains("Kernel panic")),
                    end::toString);
        }
        assertFalse(Files.exists(dir.resolve("qmp.sock")));
    }

    @Test
    void aRunningMachinePausesTakesANetworkCardAndStops() throws Exception {
        try (VirtualMachine vm = start(GuestParts.kernel(), "quiet", Duration.ofSeconds(5))) {
            vm.pause();
            assertEquals("paused", vm.info().status());
            assertEquals(128L << 20, vm.info().memoryBytes());
            vm.addNetwork(new NetworkDevice.User("late", "02:00:00:00:00:09", List.of()));
            HypervisorException full =
                    assertThrows(
                            HypervisorException.class,
                            () ->
                                    vm.addNetwork(
                                            new NetworkDevice.User(
                                                    "more", "02:00:00:00:00:0a", List.of())));
            assertTrue(String.valueOf(full.getMessage()).contains("pcie_root_port"));
            vm.stop(Duration.ofSeconds(5));
            assertEquals(VmEnd.Cause.STOPPED, vm.end().get(5, TimeUnit.SECONDS).cause());
            assertFalse(vm.process().alive());
            assertTrue(events.contains(new VmEvent.Paused()));
        }
    }

    @Test
    void aKilledQemuIsNamed() throws Exception {
        try (VirtualMachine vm = start(GuestParts.kernel(), "quiet", Duration.ofSeconds(5))) {
            vm.process().kill();
            VmEnd end = vm.end().get(5, TimeUnit.SECONDS);
            assertEquals(VmEnd.Cause.CRASHED, end.cause());
            assertEquals(
                    "QEMU (pid " + vm.process().pid() + ") was killed by signal 9", end.message());
        }
    }

    @Test
    void aStoppedQemuIsAHang() throws Exception {
        try (VirtualMachine vm = start(GuestParts.kernel(), "quiet", Duration.ofSeconds(2))) {
            new ProcessBuilder("kill", "-STOP", Long.toString(vm.process().pid()))
                    .start()
                    .waitFor();
            VmEnd end = vm.end().get(5, TimeUnit.SECONDS);
            assertEquals(VmEnd.Cause.HUNG, end.cause(), end::toString);
            assertFalse(vm.process().alive());
        }
    }

    @Test
    void aMissingKernelIsQemusOwnWords() {
        HypervisorException e =
                assertThrows(
                        HypervisorException.class,
                        () -> start(dir.resolve("nothing"), "quiet", Duration.ofSeconds(5)));
        assertTrue(String.valueOf(e.getMessage()).contains("could not open kernel"), e::getMessage);
    }
}
