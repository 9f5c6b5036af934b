package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.sandbox.orchestrator.hypervisor.Accelerator;
import io.porthole.sandbox.orchestrator.hypervisor.GuestImage;
import io.porthole.sandbox.orchestrator.hypervisor.HypervisorException;
import io.porthole.sandbox.orchestrator.hypervisor.NetworkDevice;
import io.porthole.sandbox.orchestrator.hypervisor.PortForward;
import io.porthole.sandbox.orchestrator.hypervisor.ShareDevice;
import io.porthole.sandbox.orchestrator.hypervisor.VmConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QemuCommandLineTest {
    @TempDir Path dir;

    private VmConfig config(
            @Nullable GuestImage image, List<ShareDevice> shares, List<NetworkDevice> networks) {
        return new VmConfig(
                "box1",
                2,
                256L << 20,
                Accelerator.AUTO,
                null,
                Path.of("/k/vmlinuz"),
                Path.of("/k/initramfs"),
                image,
                List.of("console=ttyS0", "quiet"),
                shares,
                networks,
                Path.of("/run/p/agent.sock"),
                "agent.0",
                Path.of("/run/p/console.log"),
                Path.of("/run/p"),
                1,
                null,
                false);
    }

    private static List<String> words(VmConfig config, Accelerator accelerator) throws Exception {
        return QemuCommandLine.of(config, List.of("qemu"), accelerator, true);
    }

    private static void assertSwitch(List<String> words, String name, String value) {
        boolean found = false;
        for (int i = 0; i + 1 < words.size(); i++) {
            found |= words.get(i).equals(name) && words.get(i + 1).equals(value);
        }
        assertTrue(found, () -> "no " + name + " " + value + " in " + words);
    }

    @Test
    void aMachineIsQ35WithSharedMemfdMemory() throws Exception {
        List<String> words = words(config(null, List.of(), List.of()), Accelerator.TCG);
        assertEquals("qemu", words.getFirst());
        assertSwitch(
                words,
                "-M",
                "q35,usb=off,smbus=off,sata=off,vmport=off,hpet=off,graphics=off,memory-backend=m0");
        assertSwitch(words, "-object", "memory-backend-memfd,id=m0,size=256M,share=on");
        assertSwitch(words, "-m", "256M");
        assertSwitch(words, "-smp", "2");
        assertSwitch(words, "-append", "console=ttyS0 quiet");
        assertSwitch(words, "-chardev", "socket,id=qmp,path=/run/p/qmp.sock,server=on,wait=off");
        assertSwitch(words, "-device", "virtserialport,id=agentport,chardev=agent,name=agent.0");
        assertTrue(words.contains("-no-reboot"));
    }

    @Test
    void translationHasABoundedCodeCacheAndNoCx16() throws Exception {
        List<String> words = words(config(null, List.of(), List.of()), Accelerator.TCG);
        assertSwitch(words, "-accel", "tcg,tb-size=64");
        assertSwitch(words, "-cpu", "max,-cx16,-erms,-fsrm,-la57");
    }

    @Test
    void hardwareVirtualizationUsesTheHostsProcessor() throws Exception {
        List<String> words = words(config(null, List.of(), List.of()), Accelerator.KVM);
        assertSwitch(words, "-accel", "kvm");
        assertSwitch(words, "-cpu", "host");
    }

    @Test
    void aShareIsAVhostUserDeviceThatConnectsToTheDaemon() throws Exception {
        List<String> words =
                words(
                        config(
                                null,
                                List.of(
                                        new ShareDevice(
                                                "kataShared",
                                                Path.of("/run/p/a,b.sock"),
                                                1024,
                                                false)),
                                List.of()),
                        Accelerator.TCG);
        assertSwitch(words, "-chardev", "socket,id=share0,path=/run/p/a,,b.sock");
        assertSwitch(
                words,
                "-device",
                "vhost-user-fs-pci,chardev=share0,tag=kataShared,queue-size=1024");
    }

    @Test
    void aShareWithAWindowIsTheGenericDevice() throws Exception {
        List<String> words =
                words(
                        config(
                                null,
                                List.of(new ShareDevice("d", Path.of("/run/p/d.sock"), 1024, true)),
                                List.of()),
                        Accelerator.TCG);
        assertSwitch(
                words,
                "-device",
                "vhost-user-test-device-pci,virtio-id=26,config_size=44,num_vqs=2,vq_size=1024,"
                        + "chardev=share0");
    }

    @ParameterizedTest
    @CsvSource({"7.2.22,false", "11.0.1,false", "11.1.3,true", "12.0.0,true"})
    void windowsCameWithQemu11(String version, boolean has) {
        assertEquals(has, QemuHypervisor.hasWindows(version));
    }

    @Test
    void networksNameWhatStandsBehindThem() throws Exception {
        List<String> words =
                words(
                        config(
                                null,
                                List.of(),
                                List.of(
                                        new NetworkDevice.User(
                                                "n0",
                                                "02:00:00:00:00:01",
                                                List.of(
                                                        PortForward.parse("8080:80"),
                                                        PortForward.parse("53/udp"))),
                                        new NetworkDevice.Tap("n1", "02:00:00:00:00:02", "tap0"),
                                        new NetworkDevice.Stream(
                                                "n2",
                                                "02:00:00:00:00:03",
                                                Path.of("/run/p/passt.sock")))),
                        Accelerator.TCG);
        assertSwitch(
                words,
                "-netdev",
                "user,id=n0,hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=udp:127.0.0.1:53-:53");
        assertSwitch(words, "-netdev", "tap,id=n1,ifname=tap0,script=no,downscript=no");
        assertSwitch(
                words,
                "-netdev",
                "stream,id=n2,server=off,addr.type=unix,addr.path=/run/p/passt.sock");
        assertSwitch(
                words,
                "-device",
                "virtio-net-pci,netdev=n1,mac=02:00:00:00:00:02,id=nic-n1,romfile=");
    }

    @Test
    void aPmemImageMustBeAlignedAndIsMappedReadOnly() throws Exception {
        Path image = dir.resolve("root.erofs");
        Files.write(image, new byte[2 << 20]);
        List<String> words =
                words(
                        config(
                                new GuestImage(image, GuestImage.Attachment.PMEM),
                                List.of(),
                                List.of()),
                        Accelerator.TCG);
        assertSwitch(
                words,
                "-object",
                "memory-backend-file,id=image,mem-path="
                        + image
                        + ",size=2097152,share=on,readonly=on");
        Files.write(image, new byte[4096]);
        HypervisorException e =
                assertThrows(
                        HypervisorException.class,
                        () ->
                                words(
                                        config(
                                                new GuestImage(image, GuestImage.Attachment.PMEM),
                                                List.of(),
                                                List.of()),
                                        Accelerator.TCG));
        assertTrue(String.valueOf(e.getMessage()).contains("multiple of 2 MiB"));
    }

    @Test
    void portForwardsTakeDockersForms() {
        assertEquals(new PortForward("tcp", "127.0.0.1", 80, 80), PortForward.parse("80"));
        assertEquals(
                new PortForward("udp", "0.0.0.0", 5353, 53),
                PortForward.parse("0.0.0.0:5353:53/udp"));
        for (String bad : List.of("", "0", "70000", "a:80", "80:90:100", "80/sctp", "1.2.3.4:80")) {
            assertThrows(IllegalArgumentException.class, () -> PortForward.parse(bad), bad);
        }
    }

    @Test
    void memoryThatQemuWouldRoundIsRefused() {
        VmConfig good = config(null, List.of(), List.of());
        assertFalse(good.debug());
        assertThrows(
                IllegalArgumentException.class,
                () ->
                        new VmConfig(
                                "b",
                                1,
                                100_000_000,
                                Accelerator.TCG,
                                null,
                                good.kernel(),
                                null,
                                null,
                                List.of(),
                                List.of(),
                                List.of(),
                                good.agentSocket(),
                                "agent.0",
                                good.consoleLog(),
                                good.runDirectory(),
                                0,
                                null,
                                false));
    }
}
