package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import io.porthole.sandbox.orchestrator.hypervisor.Accelerator;
import io.porthole.sandbox.orchestrator.hypervisor.GuestImage;
import io.porthole.sandbox.orchestrator.hypervisor.HypervisorException;
import io.porthole.sandbox.orchestrator.hypervisor.NetworkDevice;
import io.porthole.sandbox.orchestrator.hypervisor.PortForward;
import io.porthole.sandbox.orchestrator.hypervisor.ShareDevice;
import io.porthole.sandbox.orchestrator.hypervisor.VmConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which switches a machine needs.
 *
 * <p>q35 with everything off that a container's kernel does not look for: each controller left out
 * saves the firmware and the kernel a probe. Guest memory lies in a memfd, which vhost-user daemons
 * map and which no tmpfs limit can cut short.
 */
final class QemuCommandLine {
    static final String QMP_SOCKET = "qmp.sock";
    private static final String MEMORY = "m0";
    private static final long PMEM_ALIGNMENT = 2 << 20;

    /**
     * The processor under translation. cx16 makes 6.12 kernels crash at random in QEMU 7.2; with
     * erms and fsrm the guest copies and clears memory byte by byte, at a quarter of the speed;
     * la57 is a level of page tables more.
     */
    static final String TRANSLATED_CPU = "max,-cx16,-erms,-fsrm,-la57";

    private QemuCommandLine() {}

    /** The whole command, the program first. {@code accelerator} is never AUTO. */
    static List<String> of(
            VmConfig vm, List<String> program, Accelerator accelerator, boolean seccomp)
            throws HypervisorException {
        List<String> words = new ArrayList<>(program);
        for (Switch s : switches(vm, accelerator, seccomp)) {
            words.addAll(s.arguments());
        }
        return words;
    }

    static List<Switch> switches(VmConfig vm, Accelerator accelerator, boolean seccomp)
            throws HypervisorException {
        List<Switch> all = new ArrayList<>();
        all.add(new Switch.Name(vm.name()));
        all.add(new Switch.Machine("q35", machineProperties()));
        // Under translation the code cache would grow to about 750 MiB.
        all.add(
                accelerator == Accelerator.KVM
                        ? new Switch.Accel("kvm", Map.of())
                        : new Switch.Accel("tcg", Map.of("tb-size", "64")));
        all.add(new Switch.Cpu(accelerator == Accelerator.KVM ? "host" : TRANSLATED_CPU));
        all.add(new Switch.Smp(vm.vcpus()));
        all.add(new Switch.Memory(vm.memoryBytes(), pmemBytes(vm.image())));
        all.add(new Switch.MemfdBackend(MEMORY, vm.memoryBytes()));
        all.add(Switch.Flag.NO_DEFAULTS);
        all.add(Switch.Flag.NO_USER_CONFIG);
        all.add(Switch.Flag.NO_REBOOT);
        all.add(new Switch.Display("none"));
        if (seccomp) {
            all.add(new Switch.Sandbox());
        }
        all.add(new Switch.SocketChardev("qmp", vm.runDirectory().resolve(QMP_SOCKET), true));
        all.add(new Switch.QmpMonitor("qmp"));
        all.add(new Switch.StdioChardev("console"));
        all.add(new Switch.Serial("console"));
        all.add(new Switch.Device("virtio-serial-pci", Map.of("id", "serial0")));
        all.add(new Switch.SocketChardev("agent", vm.agentSocket(), true));
        all.add(
                new Switch.Device(
                        "virtserialport",
                        ordered("id", "agentport", "chardev", "agent", "name", vm.agentPort())));
        // A guest that waits for random numbers waits for seconds under emulation.
        all.add(new Switch.Device("virtio-rng-pci", Map.of()));
        GuestImage image = vm.image();
        if (image != null) {
            addImage(all, image);
        }
        for (int i = 0; i < vm.shares().size(); i++) {
            addShare(all, vm.shares().get(i), "share" + i);
        }
        for (NetworkDevice network : vm.networks()) {
            all.add(netdev(network));
            all.add(new Switch.Device("virtio-net-pci", networkProperties(network)));
        }
        for (int i = 0; i < vm.hotplugSlots(); i++) {
            all.add(
                    new Switch.Device(
                            "pcie-root-port",
                            ordered(
                                    "id",
                                    "slot" + i,
                                    "bus",
                                    "pcie.0",
                                    "chassis",
                                    "" + (i + 1),
                                    "slot",
                                    "" + (i + 1))));
        }
        String firmware = vm.firmware();
        if (firmware != null) {
            all.add(new Switch.Firmware(firmware));
        }
        all.add(new Switch.Kernel(vm.kernel()));
        Path initrd = vm.initrd();
        if (initrd != null) {
            all.add(new Switch.Initrd(initrd));
        }
        all.add(new Switch.Append(vm.kernelParameters()));
        return all;
    }

    private static Map<String, String> machineProperties() {
        return ordered(
                "usb",
                "off",
                "smbus",
                "off",
                "sata",
                "off",
                "vmport",
                "off",
                "hpet",
                "off",
                "graphics",
                "off",
                "memory-backend",
                MEMORY);
    }

    private static long pmemBytes(@Nullable GuestImage image) throws HypervisorException {
        if (image == null || image.attachment() != GuestImage.Attachment.PMEM) {
            return 0;
        }
        long bytes;
        try {
            bytes = Files.size(image.file());
        } catch (IOException e) {
            throw new HypervisorException("cannot read the guest image " + image.file(), e);
        }
        if (bytes == 0 || bytes % PMEM_ALIGNMENT != 0) {
            throw new HypervisorException(
                    "the guest image "
                            + image.file()
                            + " is not a multiple of 2 MiB long, as virtio-pmem needs it");
        }
        return bytes;
    }

    private static void addImage(List<Switch> all, GuestImage image) throws HypervisorException {
        switch (image.attachment()) {
            case PMEM -> {
                long bytes = pmemBytes(image);
                all.add(new Switch.FileBackend("image", image.file(), bytes));
                all.add(
                        new Switch.Device(
                                "virtio-pmem-pci", ordered("memdev", "image", "id", "pmem0")));
            }
            case BLOCK -> {
                all.add(new Switch.ReadOnlyFile("image", image.file()));
                all.add(
                        new Switch.Device(
                                "virtio-blk-pci", ordered("drive", "image", "id", "disk0")));
            }
        }
    }

    private static void addShare(List<Switch> all, ShareDevice share, String id) {
        all.add(new Switch.SocketChardev(id, share.socket(), false));
        all.add(
                share.window()
                        ? new Switch.Device(
                                "vhost-user-test-device-pci", windowProperties(share, id))
                        : new Switch.Device("vhost-user-fs-pci", shareProperties(share, id)));
    }

    /**
     * QEMU's generic vhost-user device: no other has a window. It knows nothing of file systems:
     * number and size of the queues and of {@code struct virtio_fs_config} are told here, the tag
     * by the daemon.
     */
    private static Map<String, String> windowProperties(ShareDevice share, String chardev) {
        return ordered(
                "virtio-id",
                "26",
                "config_size",
                "44",
                "num_vqs",
                "2",
                "vq_size",
                "" + share.queueSize(),
                "chardev",
                chardev);
    }

    static Map<String, String> shareProperties(ShareDevice share, String chardev) {
        return ordered(
                "chardev", chardev, "tag", share.tag(), "queue-size", "" + share.queueSize());
    }

    static Map<String, String> networkProperties(NetworkDevice network) {
        return ordered(
                "netdev",
                network.id(),
                "mac",
                network.mac(),
                "id",
                "nic-" + network.id(),
                "romfile",
                "");
    }

    private static Switch.Netdev netdev(NetworkDevice network) {
        List<Map.Entry<String, String>> properties = new ArrayList<>();
        properties.add(Map.entry("id", network.id()));
        return switch (network) {
            case NetworkDevice.User user -> {
                for (PortForward f : user.forwards()) {
                    properties.add(Map.entry("hostfwd", hostForward(f)));
                }
                yield new Switch.Netdev("user", properties);
            }
            case NetworkDevice.Stream stream -> {
                properties.add(Map.entry("server", "off"));
                properties.add(Map.entry("addr.type", "unix"));
                properties.add(Map.entry("addr.path", stream.socket().toString()));
                yield new Switch.Netdev("stream", properties);
            }
            case NetworkDevice.Tap tap -> {
                properties.add(Map.entry("ifname", tap.interfaceName()));
                properties.add(Map.entry("script", "no"));
                properties.add(Map.entry("downscript", "no"));
                yield new Switch.Netdev("tap", properties);
            }
        };
    }

    static String hostForward(PortForward f) {
        return f.protocol() + ":" + f.hostAddress() + ":" + f.hostPort() + "-:" + f.guestPort();
    }

    static Map<String, String> ordered(String... keysAndValues) {
        Map<String, String> map = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            map.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        return map;
    }
}
