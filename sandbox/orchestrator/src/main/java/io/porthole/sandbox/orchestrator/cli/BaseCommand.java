package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.sandbox.Removal;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import io.porthole.sandbox.orchestrator.state.ContainerState;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import io.porthole.sandbox.orchestrator.state.StateException;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** What all commands have. */
abstract class BaseCommand implements Callable<Integer> {
    @ParentCommand @Nullable Object parent;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    private boolean help;

    Context context() {
        return contextOf(parent);
    }

    static Context contextOf(@Nullable Object parent) {
        return switch (parent) {
            case PortholeCommand root -> root.context();
            case BaseCommand command -> command.context();
            case null, default -> throw new IllegalStateException("a command without its root");
        };
    }

    boolean helpAsked() {
        return help;
    }

    /** A container as its files have it, corrected when its monitor is dead. */
    static ContainerState current(SandboxDirectory directory, String id) throws IOException {
        ContainerState state =
                directory
                        .readContainer(id)
                        .orElseThrow(
                                () -> new StateException("there is no container called " + id));
        return current(directory.read(), state);
    }

    static ContainerState current(SandboxState sandbox, ContainerState state) {
        if (state.status() == ContainerState.Status.STOPPED || monitorAlive(sandbox)) {
            return state;
        }
        String error = sandbox.error();
        return state.ended(
                null, state.oomKilled(), error != null ? error : Removal.deathOfMonitor(sandbox));
    }

    /** A sandbox as its file has it, corrected when its monitor is dead. */
    static SandboxState current(SandboxState state) {
        if (state.status().over() || monitorAlive(state)) {
            return state;
        }
        return state.failed(Removal.deathOfMonitor(state), state.consoleTail());
    }

    private static boolean monitorAlive(SandboxState state) {
        var monitor = state.processes().get("monitor");
        // Before it has written itself down it is being started.
        return monitor == null
                ? state.created().isAfter(java.time.Instant.now().minusSeconds(20))
                : monitor.alive();
    }

    /** The monitor of a container that runs; fails with the reason when it does not. */
    MonitorClient client(String container) throws IOException, SandboxException {
        SandboxDirectory directory = context().store().require(container);
        ContainerState state = current(directory, container);
        if (state.status() != ContainerState.Status.RUNNING) {
            String error = state.error();
            throw new SandboxException(
                    "the container "
                            + container
                            + " is not running"
                            + (error == null ? "" : ": " + error));
        }
        return new MonitorClient(directory);
    }
}
