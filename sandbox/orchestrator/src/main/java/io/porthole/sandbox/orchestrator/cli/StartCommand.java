package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.state.ContainerSpec;
import io.porthole.sandbox.orchestrator.state.ContainerState;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code porthole start}. */
@Command(
        name = "start",
        description =
                "Start a container that was created, or that has ended: its files are as it left them.")
final class StartCommand extends BaseCommand {
    @Option(
            names = {"-a", "--attach"},
            description = "Attach to its output and wait for its end.")
    private boolean attach;

    @Option(
            names = {"-i", "--interactive"},
            description = "Attach standard input too.")
    private boolean interactive;

    @Parameters(paramLabel = "CONTAINER")
    private String id = "";

    @Override
    public Integer call() throws Exception {
        SandboxDirectory directory = context().store().require(id);
        ContainerState state = current(directory, id);
        ContainerSpec spec = state.spec();
        if (state.status() == ContainerState.Status.RUNNING) {
            return 0;
        }
        if (state.status() == ContainerState.Status.STOPPED) {
            try (Progress progress = new Progress(context().err(), false)) {
                if (current(directory.read()).status() != SandboxState.Status.RUNNING) {
                    new Launcher(context()).restart(directory, progress);
                } else {
                    // The agent knows the old one still; its files stay.
                    new MonitorClient(directory).call(new Request.Forget(id));
                }
                new MonitorClient(directory).call(new Request.Create(spec));
            }
        }
        MonitorClient client = new MonitorClient(directory);
        if (attach || interactive) {
            return new Attachment(context(), client, id, spec.terminal(), interactive)
                    .run(new Request.Attach(id, true));
        }
        client.call(new Request.Start(id));
        context().out().println(id);
        return 0;
    }
}
