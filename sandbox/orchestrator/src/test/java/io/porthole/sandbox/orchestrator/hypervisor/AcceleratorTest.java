package io.porthole.sandbox.orchestrator.hypervisor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AcceleratorTest {
    @TempDir Path dir;
    private Path kvm;
    private Path cpuinfo;

    @BeforeEach
    void makeAHost() throws Exception {
        kvm = Files.createFile(dir.resolve("kvm"));
        cpuinfo = dir.resolve("cpuinfo");
    }

    private Accelerator probe(String flags) throws Exception {
        Files.writeString(cpuinfo, "processor\t: 0\nflags\t\t: " + flags + "\nbugs\t\t: vmx\n");
        return Accelerator.probe(kvm, cpuinfo, "amd64").accelerator();
    }

    @Test
    void hardwareExtensionsMakeKvm() throws Exception {
        assertEquals(Accelerator.KVM, probe("fpu vme svm lm"));
        assertEquals(Accelerator.KVM, probe("fpu vmx lm"));
    }

    @Test
    void aDeviceNodeAloneDoesNot() throws Exception {
        assertEquals(Accelerator.TCG, probe("fpu vme lm"));
        Files.delete(kvm);
        assertEquals(Accelerator.TCG, probe("fpu vmx lm"));
    }

    @Test
    void otherArchitecturesNeedOnlyTheDevice() throws Exception {
        Files.writeString(cpuinfo, "Features : fp asimd\n");
        assertEquals(Accelerator.KVM, Accelerator.probe(kvm, cpuinfo, "aarch64").accelerator());
    }
}
