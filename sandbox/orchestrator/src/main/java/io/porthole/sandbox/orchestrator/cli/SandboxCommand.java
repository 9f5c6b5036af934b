package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.config.PortholeConfig;
import io.porthole.sandbox.orchestrator.hypervisor.PortForward;
import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.network.NetworkMode;
import io.porthole.sandbox.orchestrator.sandbox.Removal;
import io.porthole.sandbox.orchestrator.state.Json;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxSpec;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import io.porthole.sandbox.orchestrator.state.StateStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code porthole sandbox}: sandboxes that live without a container, like pods. */
@Command(
        name = "sandbox",
        description = "Sandboxes for several containers.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            SandboxCommand.Create.class,
            SandboxCommand.Stop.class,
            SandboxCommand.Remove.class,
            SandboxCommand.ListAll.class,
            SandboxCommand.ShowMetrics.class
        })
final class SandboxCommand extends BaseCommand {
    @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

    @Override
    public Integer call() {
        if (spec != null) {
            throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing");
        }
        return PortholeCommand.FAILED;
    }

    /** {@code porthole sandbox create}. */
    @Command(name = "create", description = "Boot a sandbox that stays until it is removed.")
    static final class Create extends BaseCommand {
        private static final long MIB = 1 << 20;

        @Option(
                names = {"-m", "--memory"},
                paramLabel = "SIZE",
                description = "Memory of the guest.")
        private @Nullable String memory;

        @Option(names = "--cpus", paramLabel = "N", description = "Virtual processors.")
        private int cpus;

        @Option(
                names = "--network",
                paramLabel = "MODE",
                description = "none, user, or netns=PATH.")
        private @Nullable String network;

        @Option(
                names = {"-p", "--publish"},
                paramLabel = "[[ADDR:]HOST:]GUEST[/udp]",
                description = "Forward a port of the host.")
        private List<String> publish = new ArrayList<>();

        @Option(names = "--dax", description = "Room for volumes with dax.")
        private boolean dax;

        @Parameters(paramLabel = "NAME", arity = "0..1")
        private @Nullable String name;

        @Override
        public Integer call() throws Exception {
            PortholeConfig config = context().config();
            String mode = network == null ? config.network().defaultMode() : network;
            NetworkMode.parse(mode);
            long bytes =
                    memory == null ? config.qemu().defaultMemoryMib() * MIB : Sizes.parse(memory);
            SandboxSpec spec =
                    new SandboxSpec(
                            name == null ? Launcher.randomName() : name,
                            true,
                            cpus > 0 ? cpus : config.qemu().defaultVcpus(),
                            (bytes + 2 * MIB - 1) / (2 * MIB) * (2 * MIB),
                            mode,
                            publish.stream().map(PortForward::parse).toList(),
                            dax && DaxVolumes.possible(context()));
            try (Progress progress = new Progress(context().err(), false)) {
                new Launcher(context()).create(spec, progress);
            }
            context().out().println(spec.id());
            return 0;
        }
    }

    /** {@code porthole sandbox stop}. */
    @Command(name = "stop", description = "End sandboxes and everything in them.")
    static final class Stop extends BaseCommand {
        @Parameters(arity = "1..*", paramLabel = "NAME")
        private List<String> names = new ArrayList<>();

        @Override
        public Integer call() throws Exception {
            for (String name : names) {
                StateStore.checkName(name);
                SandboxDirectory directory = context().store().sandbox(name);
                directory.read();
                if (directory.monitor().isPresent()) {
                    new MonitorClient(directory).call(new Request.ShutDown());
                } else {
                    Removal.reap(directory);
                }
            }
            return 0;
        }
    }

    /** {@code porthole sandbox rm}. */
    @Command(name = "rm", description = "Remove sandboxes with their containers.")
    static final class Remove extends BaseCommand {
        @Option(
                names = {"-f", "--force"},
                description = "End those that run.")
        private boolean force;

        @Parameters(arity = "1..*", paramLabel = "NAME")
        private List<String> names = new ArrayList<>();

        @Override
        public Integer call() throws Exception {
            for (String name : names) {
                StateStore.checkName(name);
                SandboxDirectory directory = context().store().sandbox(name);
                directory.read();
                if (directory.monitor().isPresent()) {
                    if (!force) {
                        throw new IllegalArgumentException(
                                "the sandbox " + name + " is running: stop it, or use --force");
                    }
                    new MonitorClient(directory).call(new Request.ShutDown());
                }
                Removal.sandbox(context().store(), directory);
            }
            return 0;
        }
    }

    /** {@code porthole sandbox metrics}. */
    @Command(
            name = "metrics",
            description = "Print the guest's and its agent's metrics as Prometheus text.")
    static final class ShowMetrics extends BaseCommand {
        @Parameters(paramLabel = "NAME")
        private String name = "";

        @Override
        public Integer call() throws Exception {
            StateStore.checkName(name);
            SandboxDirectory directory = context().store().sandbox(name);
            directory.read();
            context()
                    .out()
                    .print(new MonitorClient(directory).call(new Request.Metrics()).metrics());
            return 0;
        }
    }

    /** {@code porthole sandbox ls}. */
    @Command(name = "ls", description = "List sandboxes.")
    static final class ListAll extends BaseCommand {
        @Option(names = "--json", description = "As JSON.")
        private boolean json;

        @Override
        public Integer call() throws Exception {
            List<SandboxState> all = new ArrayList<>();
            for (SandboxDirectory directory : context().store().all()) {
                all.add(current(directory.read()));
            }
            if (json) {
                context().out().println(Json.pretty(all));
                return 0;
            }
            context()
                    .out()
                    .printf(
                            "%-20s %-10s %5s %10s %-20s %s%n",
                            "NAME", "STATUS", "CPUS", "MEMORY", "NETWORK", "ERROR");
            for (SandboxState s : all) {
                String error = s.error();
                context()
                        .out()
                        .printf(
                                "%-20s %-10s %5d %10s %-20s %s%n",
                                s.spec().id(),
                                s.status().name().toLowerCase(Locale.ROOT),
                                s.spec().vcpus(),
                                Sizes.show(s.spec().memoryBytes()),
                                s.spec().network(),
                                error == null ? "" : error);
            }
            return 0;
        }
    }
}
