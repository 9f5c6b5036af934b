package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.config.PortholeConfig;
import io.porthole.sandbox.orchestrator.hypervisor.PortForward;
import io.porthole.sandbox.orchestrator.image.Image;
import io.porthole.sandbox.orchestrator.image.ImageConfig;
import io.porthole.sandbox.orchestrator.network.NetworkMode;
import io.porthole.sandbox.orchestrator.state.ContainerSpec;
import io.porthole.sandbox.orchestrator.state.SandboxSpec;
import io.porthole.sandbox.orchestrator.state.Volume;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The options of a new container; with docker's names. */
final class ContainerOptions {
    private static final long MIB = 1 << 20;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "Name of the container; else a random one.")
    @Nullable String name;

    @Option(
            names = "--sandbox",
            paramLabel = "NAME",
            description = "Put the container into this running sandbox, like a pod.")
    @Nullable String sandbox;

    @Option(
            names = {"-v", "--volume"},
            paramLabel = "HOST:GUEST[:ro|:dax]",
            description =
                    "Show a host directory or file in the container; with dax its large files are"
                            + " mapped into the guest.")
    List<String> volumes = new ArrayList<>();

    @Option(
            names = {"-e", "--env"},
            paramLabel = "NAME[=VALUE]",
            description = "Set a variable; without a value, pass this process's own.")
    List<String> env = new ArrayList<>();

    @Option(
            names = {"-w", "--workdir"},
            paramLabel = "DIR",
            description = "Working directory in the container.")
    @Nullable String workdir;

    @Option(
            names = {"-u", "--user"},
            paramLabel = "USER[:GROUP]",
            description = "User, by name or number.")
    @Nullable String user;

    @Option(
            names = "--entrypoint",
            paramLabel = "PROGRAM",
            description = "In place of the image's entry point.")
    @Nullable String entrypoint;

    @Option(names = "--hostname", paramLabel = "NAME", description = "Host name in the container.")
    @Nullable String hostname;

    @Option(
            names = {"-m", "--memory"},
            paramLabel = "SIZE",
            description =
                    "Memory limit of the container, such as 64m. A new sandbox gets as much more.")
    @Nullable String memory;

    @Option(
            names = "--cpus",
            paramLabel = "N",
            description = "CPU limit of the container, such as 0.5.")
    double cpus;

    @Option(
            names = "--pids-limit",
            paramLabel = "N",
            description = "Limit of processes and threads.")
    long pidsLimit;

    @Option(names = "--cap-add", paramLabel = "CAP", description = "Add a capability, or ALL.")
    List<String> capAdd = new ArrayList<>();

    @Option(names = "--cap-drop", paramLabel = "CAP", description = "Drop a capability, or ALL.")
    List<String> capDrop = new ArrayList<>();

    @Option(
            names = "--privileged",
            description = "All capabilities and devices of the guest; nothing of the host.")
    boolean privileged;

    @Option(
            names = "--read-only",
            description = "Mount the container's root file system read-only.")
    boolean readOnly;

    @Option(names = "--rm", description = "Remove the container when it has ended.")
    boolean remove;

    @Option(
            names = {"-t", "--tty"},
            description = "Give the container a terminal.")
    boolean tty;

    @Option(
            names = {"-i", "--interactive"},
            description = "Connect standard input.")
    boolean interactive;

    @Option(
            names = "--network",
            paramLabel = "MODE",
            description = "none, user, or netns=PATH; a new sandbox's.")
    @Nullable String network;

    @Option(
            names = {"-p", "--publish"},
            paramLabel = "[[ADDR:]HOST:]GUEST[/udp]",
            description = "Forward a port of the host; network user only.")
    List<String> publish = new ArrayList<>();

    @Option(
            names = "--pid",
            paramLabel = "sandbox",
            description = "Share the process namespace of the sandbox.")
    @Nullable String pid;

    @Option(
            names = "--stop-signal",
            paramLabel = "SIGNAL",
            description = "Sent by stop; else the image's, else TERM.")
    @Nullable String stopSignal;

    @Parameters(
            index = "0",
            paramLabel = "IMAGE[:REF]",
            description = "OCI image layout (directory or tar), or a root directory.")
    String image = "";

    @Parameters(
            index = "1..*",
            paramLabel = "ARG",
            description = "Command, in place of the image's.")
    List<String> args = new ArrayList<>();

    /** The sandbox for this container alone. */
    SandboxSpec sandboxSpec(String id, PortholeConfig config) {
        String mode = network == null ? config.network().defaultMode() : network;
        NetworkMode parsed = NetworkMode.parse(mode);
        List<PortForward> forwards = publish.stream().map(PortForward::parse).toList();
        if (!forwards.isEmpty() && !(parsed instanceof NetworkMode.User)) {
            throw new IllegalArgumentException("ports can be published with --network user only");
        }
        long memoryBytes = config.qemu().defaultMemoryMib() * MIB + memoryBytes();
        int vcpus = Math.max(config.qemu().defaultVcpus(), (int) Math.ceil(cpus));
        long even = (memoryBytes + 2 * MIB - 1) / (2 * MIB) * (2 * MIB);
        return new SandboxSpec(id, false, vcpus, even, mode, forwards, false);
    }

    private long memoryBytes() {
        return memory == null ? 0 : Sizes.parse(memory);
    }

    ContainerSpec containerSpec(String id, Image from) {
        ImageConfig c = from.config();
        List<String> command = new ArrayList<>();
        if (entrypoint != null) {
            if (!entrypoint.isEmpty()) {
                command.add(entrypoint);
            }
            command.addAll(args);
        } else {
            command.addAll(c.entrypoint());
            command.addAll(args.isEmpty() ? c.cmd() : args);
        }
        if (command.isEmpty()) {
            throw new IllegalArgumentException("the image names no command: give one");
        }
        if (pid != null && !pid.equals("sandbox")) {
            throw new IllegalArgumentException("--pid must be sandbox");
        }
        if (cpus < 0 || pidsLimit < 0) {
            throw new IllegalArgumentException("a limit cannot be negative");
        }
        if (memory != null && memoryBytes() < 6 * MIB) {
            throw new IllegalArgumentException("--memory must be at least 6m");
        }
        List<Volume> mounts = volumes.stream().map(v -> Volume.parse(v, Path.of(""))).toList();
        for (Volume v : mounts) {
            if (!Files.exists(Path.of(v.source()))) {
                throw new IllegalArgumentException(
                        "there is nothing at " + v.source() + " to show");
            }
        }
        List<String> allEnv = new ArrayList<>(c.env());
        for (String e : env) {
            String own = System.getenv(e);
            if (e.contains("=")) {
                allEnv.add(e);
            } else if (own != null) {
                allEnv.add(e + "=" + own);
            }
        }
        return new ContainerSpec(
                id,
                from.name(),
                from.layers().stream().map(Path::toString).toList(),
                command,
                allEnv,
                workdir != null ? workdir : c.workingDir().isEmpty() ? "/" : c.workingDir(),
                user != null ? user : c.user(),
                hostname == null ? "" : hostname,
                mounts,
                memoryBytes(),
                cpus,
                pidsLimit,
                capAdd,
                capDrop,
                privileged,
                readOnly,
                tty,
                interactive,
                remove,
                pid != null,
                stopSignal != null
                        ? stopSignal
                        : c.stopSignal().isEmpty() ? "TERM" : c.stopSignal());
    }
}
