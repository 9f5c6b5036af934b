package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.state.ContainerSpec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code porthole attach}. */
@Command(
        name = "attach",
        description = "Attach to a running container; ctrl-p ctrl-q detaches from a terminal.")
final class AttachCommand extends BaseCommand {
    @Option(names = "--no-stdin", description = "Do not connect standard input.")
    private boolean noStdin;

    @Parameters(paramLabel = "CONTAINER")
    private String id = "";

    @Override
    public Integer call() throws Exception {
        MonitorClient client = client(id);
        ContainerSpec spec = current(context().store().require(id), id).spec();
        return new Attachment(context(), client, id, spec.terminal(), spec.stdin() && !noStdin)
                .run(new Request.Attach(id, false));
    }
}
