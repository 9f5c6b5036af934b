package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.host.Trees;
import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.sandbox.Removal;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import io.porthole.sandbox.orchestrator.state.StateStore;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code porthole cleanup}. */
@Command(
        name = "cleanup",
        description = {
            "Take away what dead sandboxes have left: processes, mounts, taps, sockets, directories.",
            "Sandboxes that run, and containers that ended by themselves, are left alone."
        })
final class CleanupCommand extends BaseCommand {
    @Option(
            names = {"-a", "--all"},
            description = "End and remove everything, also what runs.")
    private boolean all;

    @Override
    public Integer call() throws Exception {
        StateStore store = context().store();
        int failures = 0;
        for (SandboxDirectory directory : store.all()) {
            try {
                clean(store, directory);
            } catch (IOException | SandboxException e) {
                context().err().println("porthole: " + directory.id() + ": " + e.getMessage());
                failures++;
            }
        }
        for (String name : store.containerNames()) {
            var sandbox = store.find(name);
            if (sandbox.isPresent() && !sandbox.get().exists()) {
                store.releaseName(name);
                context().out().println("released the name " + name);
            }
        }
        for (String name : store.containerDataNames()) {
            if (store.find(name).isEmpty()) {
                Trees.delete(store.containerData(name));
                context().out().println("removed the files of " + name);
            }
        }
        return failures == 0 ? 0 : PortholeCommand.FAILED;
    }

    private void clean(StateStore store, SandboxDirectory directory)
            throws IOException, SandboxException, InterruptedException {
        SandboxState state;
        try {
            state = directory.read();
        } catch (IOException e) {
            // Made, and never written to.
            Removal.sandbox(store, directory).forEach(context().out()::println);
            return;
        }
        // One that has failed is being taken down by its monitor: the removal waits for that.
        if (directory.monitor().isPresent() && !state.status().over()) {
            if (all) {
                new MonitorClient(directory).call(new Request.ShutDown());
                RunCommand.awaitRemovalOrEnd(directory);
                if (directory.exists()) {
                    Removal.sandbox(store, directory).forEach(context().out()::println);
                }
            }
            return;
        }
        boolean ended = state.status() == SandboxState.Status.STOPPED;
        if (all || !ended) {
            Removal.sandbox(store, directory).forEach(context().out()::println);
        } else {
            List<String> done = Removal.reap(directory);
            done.forEach(context().out()::println);
        }
    }
}
