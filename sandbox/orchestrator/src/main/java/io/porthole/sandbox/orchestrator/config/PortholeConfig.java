package io.porthole.sandbox.orchestrator.config;

import io.porthole.sandbox.orchestrator.hypervisor.Accelerator;
import io.porthole.sandbox.orchestrator.hypervisor.GuestImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can be configured; docs/sandbox.md has the table.
 *
 * @param file where it came from, or null for the built-in values
 * @param home the installation: bin/, lib/, guest/
 * @param stateRoot sandboxes that run: sockets, logs, state; short, since socket paths are limited
 * @param dataRoot unpacked images and the containers' writable layers
 */
public record PortholeConfig(
        @Nullable Path file,
        Path home,
        Path stateRoot,
        Path dataRoot,
        Qemu qemu,
        Shares shares,
        Agent agent,
        Network network) {

    private static final String AUTO = "auto";
    private static final String QBOOT = "qboot.rom";

    /**
     * {@code [hypervisor.qemu]}, the machine.
     *
     * @param firmware a file, or a name in QEMU's data folder; null for QEMU's own choice
     */
    public record Qemu(
            String path,
            @Nullable String firmware,
            Path kernel,
            @Nullable Path initrd,
            @Nullable Path image,
            GuestImage.Attachment imageAttachment,
            List<String> kernelParams,
            int defaultVcpus,
            long defaultMemoryMib,
            int pcieRootPort,
            Accelerator accelerator,
            boolean seccomp,
            boolean debug,
            int answerTimeoutSeconds) {}

    /**
     * {@code [hypervisor.qemu]}, the keys of the shared file system.
     *
     * @param windowMib of DAX volumes: a power of two, since QEMU wants it so, and no more than
     *     fits its 512 memory regions
     */
    public record Shares(
            String daemon,
            List<String> extraArgs,
            String cache,
            int queueSize,
            String sandbox,
            int windowMib) {}

    /** {@code [agent.kata]}: how long the guest may take. */
    public record Agent(
            int dialTimeoutSeconds, int requestTimeoutSeconds, int hangTimeoutSeconds) {}

    /** {@code [network]}. */
    public record Network(String defaultMode, String userBackend, String passt) {}

    /** Where the guest's kernel, initramfs and image are to be had, for messages. */
    public static final String GUEST_SOURCE =
            "install the package porthole-guest, or run dev/guest-image in the source tree";

    /**
     * Reads the file named on the command line, else by PORTHOLE_CONFIG, else
     * /etc/porthole/config.toml where it exists, else takes the built-in values.
     */
    public static PortholeConfig load(
            @Nullable Path named, Path home, Map<String, String> environment) throws IOException {
        String variable = environment.get("PORTHOLE_CONFIG");
        Path file =
                named != null
                        ? named
                        : variable != null && !variable.isEmpty() ? Path.of(variable) : null;
        if (file == null) {
            Path system = Path.of("/etc/porthole/config.toml");
            if (!Files.exists(system)) {
                return read(null, ConfigReader.empty(), home, environment);
            }
            file = system;
        }
        try {
            return read(file, ConfigReader.of(file, Files.readString(file)), home, environment);
        } catch (NoSuchFileException e) {
            throw new ConfigException("there is no configuration file " + file);
        }
    }

    static PortholeConfig read(
            @Nullable Path file, ConfigReader in, Path home, Map<String, String> environment)
            throws ConfigException {
        String q = "hypervisor.qemu.";
        Path guest = home.resolve("guest");
        String initrd = in.text(q + "initrd", guest.resolve("initramfs").toString());
        String image = in.text(q + "image", guest.resolve("rootfs.erofs").toString());
        in.oneOf(q + "shared_fs", "virtio-fs", "virtio-fs");
        String path = in.text(q + "path", "qemu-system-x86_64");
        Qemu qemu =
                new Qemu(
                        path,
                        firmware(in.text(q + "firmware", AUTO), path),
                        Path.of(in.text(q + "kernel", guest.resolve("vmlinux.gz").toString())),
                        initrd.isEmpty() ? null : Path.of(initrd),
                        image.isEmpty() ? null : Path.of(image),
                        in.oneOf(
                                                q + "vm_rootfs_driver",
                                                "virtio-pmem",
                                                "virtio-pmem",
                                                "virtio-blk-pci")
                                        .equals("virtio-pmem")
                                ? GuestImage.Attachment.PMEM
                                : GuestImage.Attachment.BLOCK,
                        words(in.text(q + "kernel_params", "")),
                        (int) in.number(q + "default_vcpus", 1, 1, 256),
                        in.number(q + "default_memory", 256, 64, 1 << 24),
                        (int) in.number(q + "pcie_root_port", 0, 0, 16),
                        Accelerator.valueOf(
                                in.oneOf(q + "accelerator", "auto", "auto", "kvm", "tcg")
                                        .toUpperCase(Locale.ROOT)),
                        in.flag(q + "seccomp", true),
                        in.flag(q + "enable_debug", false),
                        (int) in.number(q + "answer_timeout", 4, 1, 3600));
        Shares shares =
                new Shares(
                        in.text(q + "virtio_fs_daemon", home.resolve("bin/virtiofsd").toString()),
                        in.texts(q + "virtio_fs_extra_args", List.of()),
                        in.oneOf(
                                q + "virtio_fs_cache",
                                "auto",
                                "never",
                                "auto",
                                "metadata",
                                "always"),
                        (int) in.number(q + "virtio_fs_queue_size", 1024, 2, 1024),
                        in.oneOf(
                                q + "virtio_fs_sandbox",
                                "namespace",
                                "namespace",
                                "chroot",
                                "none"),
                        window(in, q + "virtio_fs_cache_size"));
        Agent agent =
                new Agent(
                        (int) in.number("agent.kata.dial_timeout", 60, 1, 3600),
                        (int) in.number("agent.kata.request_timeout", 60, 1, 3600),
                        (int) in.number("agent.kata.hang_timeout", 30, 2, 3600));
        Network network =
                new Network(
                        in.text("network.default", "user"),
                        in.oneOf("network.user_backend", "slirp", "slirp", "passt"),
                        in.text("network.passt", "passt"));
        Path state =
                Path.of(
                        environment.getOrDefault(
                                "PORTHOLE_STATE", in.text("runtime.state_root", "/run/porthole")));
        Path data =
                Path.of(
                        environment.getOrDefault(
                                "PORTHOLE_DATA",
                                in.text("runtime.data_root", "/var/lib/porthole")));
        if (!state.isAbsolute() || !data.isAbsolute()) {
            throw new ConfigException("state_root and data_root must be absolute paths");
        }
        in.refuseOthers();
        return new PortholeConfig(file, home, state, data, qemu, shares, agent, network);
    }

    /**
     * Which firmware: qboot is made for starting a kernel and takes a tenth of SeaBIOS's time; not
     * every distribution's QEMU brings it.
     */
    private static @Nullable String firmware(String asked, String qemu) {
        if (!asked.equals(AUTO)) {
            return asked.isEmpty() ? null : asked;
        }
        List<Path> folders = new ArrayList<>();
        Path program = Path.of(qemu);
        if (program.isAbsolute()) {
            folders.add(program.resolveSibling("../share/qemu"));
        } else {
            folders.addAll(List.of(Path.of("/usr/local/share/qemu"), Path.of("/usr/share/qemu")));
        }
        for (Path folder : folders) {
            Path rom = folder.resolve(QBOOT).normalize();
            if (Files.isReadable(rom)) {
                return rom.toString();
            }
        }
        return null;
    }

    private static int window(ConfigReader in, String key) throws ConfigException {
        int mib = (int) in.number(key, 256, 2, 512);
        if (Integer.bitCount(mib) != 1) {
            throw new ConfigException(key + " must be a power of two (MiB), not " + mib);
        }
        return mib;
    }

    private static List<String> words(String text) {
        return text.isBlank() ? List.of() : List.of(text.strip().split("\\s+", -1));
    }
}
