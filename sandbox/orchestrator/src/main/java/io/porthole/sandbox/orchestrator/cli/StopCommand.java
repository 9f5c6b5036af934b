package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.state.ContainerState;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code porthole stop}. */
@Command(name = "stop", description = "Stop containers: their stop signal, then KILL.")
final class StopCommand extends BaseCommand {
    @Option(
            names = {"-t", "--time"},
            paramLabel = "SECONDS",
            description = "How long to wait before KILL; 10 by default.")
    private int seconds = 10;

    @Parameters(arity = "1..*", paramLabel = "CONTAINER")
    private List<String> ids = new ArrayList<>();

    @Override
    public Integer call() throws Exception {
        for (String id : ids) {
            SandboxDirectory directory = context().store().require(id);
            ContainerState state = current(directory, id);
            if (state.status() == ContainerState.Status.RUNNING) {
                int signal = Signals.number(state.spec().stopSignal());
                new MonitorClient(directory).call(new Request.Stop(id, signal, seconds));
            }
        }
        return 0;
    }
}
