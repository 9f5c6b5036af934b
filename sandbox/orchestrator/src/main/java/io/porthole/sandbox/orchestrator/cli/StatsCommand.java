package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import io.porthole.sandbox.orchestrator.state.ContainerState;
import io.porthole.sandbox.orchestrator.state.ContainerStats;
import io.porthole.sandbox.orchestrator.state.Json;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code porthole stats}. */
@Command(
        name = "stats",
        description = "Show what running containers use, as their cgroups count it.")
final class StatsCommand extends BaseCommand {
    @Option(names = "--json", description = "As JSON.")
    private boolean json;

    @Parameters(paramLabel = "CONTAINER", description = "All that run, when none is named.")
    private List<String> ids = new ArrayList<>();

    @Override
    public Integer call() throws Exception {
        List<ContainerStats> all = new ArrayList<>();
        for (String id : ids.isEmpty() ? running() : ids) {
            all.add(stats(client(id), id));
        }
        if (json) {
            context().out().println(Json.pretty(all));
            return 0;
        }
        context()
                .out()
                .printf(
                        "%-20s %12s %22s %12s %24s%n",
                        "NAME", "CPU", "MEMORY / LIMIT", "PIDS", "NET RX / TX");
        for (ContainerStats s : all) {
            long rx =
                    s.networks().stream()
                            .mapToLong(ContainerStats.NetworkCounters::receivedBytes)
                            .sum();
            long tx =
                    s.networks().stream()
                            .mapToLong(ContainerStats.NetworkCounters::sentBytes)
                            .sum();
            context()
                    .out()
                    .printf(
                            java.util.Locale.ROOT,
                            "%-20s %10.2f s %22s %12s %24s%n",
                            s.id(),
                            s.cpuNanos() / 1e9,
                            Sizes.show(s.memoryBytes())
                                    + " / "
                                    + (s.memoryLimitBytes() > 0
                                            ? Sizes.show(s.memoryLimitBytes())
                                            : "-"),
                            s.pids() + " / " + (s.pidsLimit() > 0 ? s.pidsLimit() : "-"),
                            Sizes.show(rx) + " / " + Sizes.show(tx));
        }
        return 0;
    }

    private static ContainerStats stats(MonitorClient client, String id)
            throws SandboxException, IOException {
        ContainerStats stats = client.call(new Request.Stats(id)).stats();
        if (stats == null) {
            throw new SandboxException("the monitor gave no counters for " + id);
        }
        return stats;
    }

    private List<String> running() throws IOException {
        List<String> found = new ArrayList<>();
        for (SandboxDirectory directory : context().store().all()) {
            SandboxState sandbox = directory.read();
            for (ContainerState c : directory.readContainers()) {
                if (current(sandbox, c).status() == ContainerState.Status.RUNNING) {
                    found.add(c.spec().id());
                }
            }
        }
        return found;
    }
}
