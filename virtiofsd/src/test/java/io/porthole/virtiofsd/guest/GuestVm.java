package io.porthole.virtiofsd.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A Linux guest under QEMU that runs shell commands for the test.
 *
 * <p>The protocol on the virtio-serial port "porthole" (the other end is {@code dev/guest/init}):
 * the guest greets with {@code porthole-guest 1 RELEASE [problem: TEXT]}; then, for each command,
 * the host sends one line, the script in base64, and the guest answers with a line {@code EXIT
 * LENGTH} and as many bytes of output (stdout and stderr together). When the host hangs up, the
 * guest powers off.
 *
 * <p>{@link #close} hangs up and waits for QEMU to end. One thread.
 */
public final class GuestVm implements AutoCloseable {
    /** Generous: an emulated CPU on a busy machine. */
    private static final Duration BOOT_LIMIT = Duration.ofSeconds(90);

    /**
     * One emulated processor. Where QEMU knows that there can never be a second it leaves memory
     * barriers out, and the guest's driver and QEMU's own device may each miss the other's store.
     */
    private static final String ONE_WITH_BARRIERS = "1,maxcpus=2";

    private static final Duration COMMAND_LIMIT = Duration.ofMinutes(2);
    private static final Duration POWER_OFF_LIMIT = Duration.ofSeconds(20);

    /** What a command left: its exit code, its output, and how long the host waited for both. */
    public record Result(int exit, String output, Duration time) {}

    /** What to boot. The setters return this. */
    public static final class Builder {
        private record Share(String tag, Path socket, int requestQueues, boolean window) {}

        private final List<Share> shares = new ArrayList<>();
        private final List<VirtiofsdProcess> daemons = new ArrayList<>();
        private final List<String> mounts = new ArrayList<>();
        private final List<String> extraArguments = new ArrayList<>();
        private GuestKernel kernel = GuestKernel.LINUX_6_1;
        private Qemu qemu = Qemu.V7_2;
        private int memoryMegabytes = 512;
        private boolean monitor;
        private @Nullable Path image;

        private Builder() {}

        public Builder kernel(GuestKernel value) {
            kernel = value;
            return this;
        }

        /**
         * Boots another {@code vmlinuz} and {@code initramfs.cpio} than the kernel's usual ones, of
         * this folder.
         */
        public Builder image(Path folder) {
            image = folder;
            return this;
        }

        public Builder qemu(Qemu value) {
            qemu = value;
            return this;
        }

        public Builder memoryMegabytes(int value) {
            memoryMegabytes = value;
            return this;
        }

        /** Attaches a share; the guest gets as many CPUs as the share has request queues. */
        public Builder share(String tag, VirtiofsdProcess daemon, int requestQueues) {
            daemons.add(daemon);
            return share(tag, daemon.socket(), requestQueues);
        }

        /** The same with one of a daemon's several sockets. */
        public Builder share(String tag, Path socket, int requestQueues) {
            shares.add(new Share(tag, socket, requestQueues, false));
            return this;
        }

        /**
         * Attaches a share through QEMU's generic vhost-user device, which has a window for DAX.
         * The daemon gives it its tag and the number of request queues ({@code --tag}, {@code
         * --request-queues}).
         */
        public Builder shareWithWindow(VirtiofsdProcess daemon, int requestQueues) {
            daemons.add(daemon);
            shares.add(new Share("window", daemon.socket(), requestQueues, true));
            return this;
        }

        /** Has the share mounted before the guest greets. */
        public Builder mount(String tag, String directory) {
            mounts.add(tag + ":" + directory);
            return this;
        }

        /** The same with mount options, as {@code dax=inode}. */
        public Builder mount(String tag, String directory, String options) {
            mounts.add(tag + ":" + directory + ":" + options);
            return this;
        }

        /** Lets a QMP client control QEMU: {@link GuestVm#monitorSocket}. */
        public Builder monitor() {
            monitor = true;
            return this;
        }

        /** Appends to QEMU's command line. */
        public Builder arguments(String... values) {
            extraArguments.addAll(List.of(values));
            return this;
        }

        /** Boots, and returns when the guest has greeted with its shares mounted. */
        public GuestVm start() throws IOException, InterruptedException {
            // A missing part shows before anything is made.
            Rig.qemu(qemu);
            kernelImage();
            initramfs();
            return new GuestVm(this);
        }

        private Path kernelImage() {
            return image == null ? Rig.kernelImage(kernel) : image.resolve("vmlinuz");
        }

        private Path initramfs() {
            return image == null ? Rig.initramfs(kernel) : image.resolve("initramfs.cpio");
        }

        private List<String> commandLine(Path folder) {
            int cpus = shares.stream().mapToInt(Share::requestQueues).max().orElse(1);
            boolean hardware = hardwareVirtualisation();
            // Processors that are emulated side by side now and then meet code that another is just
            // patching: Linux 7 on four of them panics in 1 boot of 120 ("Oops: int3", in the
            // scheduler, no share attached); in turns none of 240 did.
            String threads = cpus > 1 ? "single" : "multi";
            List<String> line = new ArrayList<>();
            line.add(Rig.qemu(qemu).toString());
            line.addAll(
                    List.of(
                            "-nodefaults",
                            "-no-user-config",
                            "-display",
                            "none",
                            "-no-reboot",
                            "-M",
                            "q35,usb=off,smbus=off,sata=off,vmport=off,graphics=off,memory-backend=mem",
                            "-accel",
                            hardware ? "kvm" : "tcg,thread=" + threads + ",tb-size=128",
                            "-cpu",
                            hardware ? "host" : qemu.emulatedCpu(),
                            "-smp",
                            cpus > 1 || hardware ? Integer.toString(cpus) : ONE_WITH_BARRIERS,
                            "-m",
                            memoryMegabytes + "M",
                            "-object",
                            "memory-backend-memfd,id=mem,share=on,size=" + memoryMegabytes + "M",
                            "-kernel",
                            kernelImage().toString(),
                            "-initrd",
                            initramfs().toString(),
                            "-chardev",
                            "socket,id=console,server=on,wait=off,path="
                                    + Autopsy.console(folder)
                                    + ",logfile="
                                    + folder.resolve("console.log"),
                            "-serial",
                            "chardev:console",
                            "-chardev",
                            "socket,id=channel,path=" + folder.resolve("channel.sock"),
                            "-device",
                            "virtio-serial-pci",
                            "-device",
                            "virtserialport,chardev=channel,name=porthole",
                            "-qmp",
                            "unix:" + Autopsy.monitor(folder) + ",server=on,wait=off"));
            if (monitor) {
                line.addAll(
                        List.of(
                                "-qmp",
                                "unix:" + folder.resolve("qmp.sock") + ",server=on,wait=off"));
            }
            for (Share share : shares) {
                String id = "fs-" + share.tag();
                if (share.window()) {
                    // 26: VIRTIO_ID_FS; 44: struct virtio_fs_config. No option for a tag.
                    line.addAll(
                            List.of(
                                    "-chardev",
                                    "socket,id=" + id + ",path=" + share.socket(),
                                    "-device",
                                    "vhost-user-test-device-pci,virtio-id=26,config_size=44,"
                                            + "vq_size=1024,chardev="
                                            + id
                                            + ",num_vqs="
                                            + (1 + share.requestQueues())));
                    continue;
                }
                line.addAll(
                        List.of(
                                "-chardev",
                                "socket,id=" + id + ",path=" + share.socket(),
                                "-device",
                                "vhost-user-fs-pci,queue-size=1024,chardev="
                                        + id
                                        + ",tag="
                                        + share.tag()
                                        + ",num-request-queues="
                                        + share.requestQueues()));
            }
            StringBuilder append =
                    new StringBuilder(
                            "console=ttyS0 quiet panic=-1 no_timer_check mitigations=off nokaslr"
                                    + " cryptomgr.notests=1 sysrq_always_enabled=1");
            for (String mount : mounts) {
                append.append(" porthole.share=").append(mount);
            }
            line.addAll(List.of("-append", append.toString()));
            line.addAll(extraArguments);
            return line;
        }
    }

    private final Path folder;
    private final List<VirtiofsdProcess> daemons;
    private final Process process;
    private final GuestChannel channel;
    private final String release;
    private final Duration bootTime;

    /** A guest with defaults: kernel 6.1, QEMU 7.2, 512 MiB, no share. */
    public static Builder builder() {
        return new Builder();
    }

    private GuestVm(Builder builder) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        folder = Files.createTempDirectory("porthole-vm");
        daemons = List.copyOf(builder.daemons);
        channel = new GuestChannel(folder.resolve("channel.sock"));
        process =
                new ProcessBuilder(builder.commandLine(folder))
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("qemu.log").toFile())
                        .start();
        process.getOutputStream().close();
        try {
            long deadline = begin + BOOT_LIMIT.toNanos();
            channel.accept(deadline, process::isAlive);
            String greeting = channel.readLine(deadline);
            String[] words = greeting.split(" ", 4);
            if (words.length < 3 || !words[0].equals("porthole-guest") || !words[1].equals("1")) {
                throw new IOException("unknown greeting: " + greeting);
            }
            if (words.length > 3) {
                throw new IOException("the guest reports " + words[3]);
            }
            release = words[2];
            bootTime = Duration.ofNanos(System.nanoTime() - begin);
        } catch (IOException e) {
            AssertionError failure =
                    new AssertionError("The guest did not come up: " + e.getMessage() + logs(), e);
            abandon();
            throw failure;
        }
    }

    /** Whether this machine runs guests on its own CPU: /dev/kvm alone does not tell. */
    public static boolean hardwareVirtualisation() {
        String asked = Rig.setting("PORTHOLE_ACCEL");
        if (asked != null) {
            return asked.equals("kvm");
        }
        try {
            String cpu = Files.readString(Path.of("/proc/cpuinfo"));
            return Files.isWritable(Path.of("/dev/kvm"))
                    && (cpu.contains(" vmx ") || cpu.contains(" svm "));
        } catch (IOException e) {
            return false;
        }
    }

    /** The guest kernel's release, as uname prints it. */
    public String release() {
        return release;
    }

    /** From starting QEMU until the guest greeted. */
    public Duration bootTime() {
        return bootTime;
    }

    /** Runs a shell script in the guest. */
    public Result run(String script) {
        return run(script, COMMAND_LIMIT);
    }

    /** Runs a shell script in the guest; a guest that does not answer in time fails the test. */
    public Result run(String script, Duration limit) {
        long begin = System.nanoTime();
        long deadline = begin + limit.toNanos();
        try {
            channel.send(
                    Base64.getEncoder().encodeToString(script.getBytes(StandardCharsets.UTF_8)));
            String[] answer = channel.readLine(deadline).split(" ", 2);
            int exit = Integer.parseInt(answer[0]);
            byte[] output = channel.readBytes(Integer.parseInt(answer[1]), deadline);
            return new Result(
                    exit,
                    new String(output, StandardCharsets.UTF_8),
                    Duration.ofNanos(System.nanoTime() - begin));
        } catch (IOException e) {
            throw new AssertionError(
                    "The guest failed at: " + script + ": " + e.getMessage() + logs() + autopsy(),
                    e);
        }
    }

    /** Runs a script that must succeed, and returns its output without trailing white space. */
    public String must(String script) {
        return must(script, COMMAND_LIMIT);
    }

    /** The same with a time limit. */
    public String must(String script, Duration limit) {
        Result result = run(script, limit);
        if (result.exit() != 0) {
            throw new AssertionError(
                    "Exit code "
                            + result.exit()
                            + " in the guest from: "
                            + script
                            + "\n"
                            + result.output());
        }
        return result.output().stripTrailing();
    }

    /** The ends of QEMU's messages and of the guest's console, for error messages. */
    public String logs() {
        return Processes.tail("QEMU's messages", folder.resolve("qemu.log"))
                + Processes.tail("the guest's console", folder.resolve("console.log"));
    }

    private String autopsy() {
        if (!process.isAlive()) {
            return "";
        }
        List<Long> serving =
                daemons.stream()
                        .filter(VirtiofsdProcess::isAlive)
                        .map(VirtiofsdProcess::servingPid)
                        .toList();
        return Autopsy.of(folder, servingPid(), serving);
    }

    /** Where QEMU's QMP socket is, after {@link Builder#monitor}. */
    public Path monitorSocket() {
        return folder.resolve("qmp.sock");
    }

    /** QEMU's process id; the test may have started it through a wrapper. */
    public long servingPid() {
        ProcessHandle at = process.toHandle();
        while (true) {
            ProcessHandle child = at.children().findFirst().orElse(null);
            if (child == null) {
                return at.pid();
            }
            at = child;
        }
    }

    /** Whether QEMU still runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** Kills QEMU as a crash would. */
    public void crash() throws InterruptedException {
        Processes.kill(process);
    }

    private void abandon() throws IOException, InterruptedException {
        channel.close();
        Processes.kill(process);
        Processes.deleteTree(folder);
    }

    @Override
    public void close() throws IOException {
        channel.close();
        boolean ended = false;
        try {
            ended = Processes.awaitEnd(process, POWER_OFF_LIMIT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
        String logs = logs();
        Processes.deleteTree(folder);
        if (!ended) {
            throw new AssertionError(
                    "QEMU still ran " + POWER_OFF_LIMIT + " after the host hung up" + logs);
        }
    }
}
