package io.porthole.sandbox.orchestrator.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.porthole.sandbox.orchestrator.hypervisor.Accelerator;
import io.porthole.sandbox.orchestrator.hypervisor.GuestImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PortholeConfigTest {
    @TempDir Path dir;

    private PortholeConfig read(String toml) throws Exception {
        Path file = Files.writeString(dir.resolve("config.toml"), toml);
        return PortholeConfig.load(file, Path.of("/opt/porthole"), Map.of());
    }

    private String refusal(String toml) {
        ConfigException e = assertThrows(ConfigException.class, () -> read(toml), toml);
        return String.valueOf(e.getMessage()).replace(dir + "/", "");
    }

    @Test
    void whatIsNotSaidHasAValue() throws Exception {
        PortholeConfig c = read("");
        assertEquals(Path.of("/opt/porthole/guest/vmlinux.gz"), c.qemu().kernel());
        assertEquals("/opt/porthole/bin/virtiofsd", c.shares().daemon());
        assertEquals(Accelerator.AUTO, c.qemu().accelerator());
        assertEquals(Path.of("/run/porthole"), c.stateRoot());
    }

    @Test
    void katasKeysAreTaken() throws Exception {
        PortholeConfig c =
                read(
                        """
                        [hypervisor.qemu]
                        path = "/usr/bin/qemu"
                        kernel = "/k"
                        initrd = ""
                        image = "/i"
                        vm_rootfs_driver = "virtio-blk-pci"
                        kernel_params = "a=b  c"
                        default_vcpus = 3
                        default_memory = 512
                        shared_fs = "virtio-fs"
                        virtio_fs_daemon = "/d"
                        virtio_fs_extra_args = ["--log-level=debug"]
                        virtio_fs_cache = "always"
                        virtio_fs_queue_size = 512
                        enable_debug = true
                        pcie_root_port = 2
                        [agent.kata]
                        dial_timeout = 7
                        """);
        assertEquals("/usr/bin/qemu", c.qemu().path());
        assertNull(c.qemu().initrd());
        assertEquals(GuestImage.Attachment.BLOCK, c.qemu().imageAttachment());
        assertEquals(List.of("a=b", "c"), c.qemu().kernelParams());
        assertEquals(3, c.qemu().defaultVcpus());
        assertEquals(List.of("--log-level=debug"), c.shares().extraArgs());
        assertEquals("always", c.shares().cache());
        assertEquals(7, c.agent().dialTimeoutSeconds());
    }

    @Test
    void aMisspeltKeyIsAnErrorAndNamed() {
        assertEquals(
                "config.toml: unknown key hypervisor.qemu.defualt_memory",
                refusal("[hypervisor.qemu]\ndefualt_memory = 1\n"));
    }

    @Test
    void aWrongValueIsNamedWithWhatIsExpected() {
        assertEquals(
                "config.toml: hypervisor.qemu.default_vcpus must be a number from 1 to 256",
                refusal("[hypervisor.qemu]\ndefault_vcpus = 0\n"));
        assertEquals(
                "config.toml: hypervisor.qemu.virtio_fs_cache must be one of never, auto, metadata, always",
                refusal("[hypervisor.qemu]\nvirtio_fs_cache = \"none\"\n"));
        assertEquals(
                "config.toml: hypervisor.qemu.enable_debug must be true or false",
                refusal("[hypervisor.qemu]\nenable_debug = \"yes\"\n"));
    }

    @Test
    void aSyntaxErrorIsNamedWithItsLine() {
        assertEquals(
                "config.toml:2", refusal("[a]\nb = \n").substring(0, "config.toml:2".length()));
    }

    @Test
    void aMissingFileThatWasNamedIsAnError() {
        ConfigException e =
                assertThrows(
                        ConfigException.class,
                        () -> PortholeConfig.load(dir.resolve("none"), Path.of("/opt"), Map.of()));
        assertEquals("there is no configuration file " + dir.resolve("none"), e.getMessage());
    }
}
