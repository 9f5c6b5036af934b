package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.MonitorServer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code porthole monitor}: the background process of a sandbox; started by other commands. */
@Command(
        name = "monitor",
        hidden = true,
        description = "Run a sandbox whose directory was made before.")
final class MonitorCommand extends BaseCommand {
    @Parameters(paramLabel = "SANDBOX")
    private String id = "";

    @Override
    public Integer call() throws Exception {
        return MonitorServer.run(context().config(), context().hypervisor(), context().store(), id);
    }
}
