package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.sandbox.Removal;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import io.porthole.sandbox.orchestrator.state.ContainerState;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.StateStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code porthole rm}. */
@Command(name = "rm", description = "Remove containers, and the sandbox with its last one.")
final class RemoveCommand extends BaseCommand {
    private static final int SIGKILL = 9;

    @Option(
            names = {"-f", "--force"},
            description = "Kill a running container; no error when there is none.")
    private boolean force;

    @Parameters(arity = "1..*", paramLabel = "CONTAINER")
    private List<String> ids = new ArrayList<>();

    @Override
    public Integer call() throws Exception {
        for (String id : ids) {
            remove(id);
        }
        return 0;
    }

    private void remove(String id) throws IOException, SandboxException, InterruptedException {
        StateStore store = context().store();
        Optional<SandboxDirectory> found = store.find(id);
        if (found.isEmpty() && force) {
            return;
        }
        SandboxDirectory directory = found.isPresent() ? found.get() : store.require(id);
        if (!directory.exists()) {
            // Its sandbox never came up.
            store.releaseName(id);
            return;
        }
        boolean last = !directory.read().spec().keep() && directory.readContainers().size() <= 1;
        if (directory.monitor().isPresent()) {
            MonitorClient client = new MonitorClient(directory);
            if (current(directory, id).status() == ContainerState.Status.RUNNING) {
                if (!force) {
                    throw new SandboxException(
                            "the container " + id + " is running: stop it, or use --force");
                }
                client.call(new Request.Stop(id, SIGKILL, 10));
            }
            if (removeByMonitor(client, directory, id)) {
                if (last) {
                    RunCommand.awaitRemoval(directory);
                }
                return;
            }
        }
        if (last) {
            Removal.sandbox(store, directory);
        } else {
            Removal.container(store, directory, id);
        }
    }

    /** False when the monitor ended meanwhile, as it does after the last container's end. */
    private static boolean removeByMonitor(
            MonitorClient client, SandboxDirectory directory, String id)
            throws IOException, SandboxException, InterruptedException {
        try {
            client.call(new Request.Remove(id));
            return true;
        } catch (SandboxException e) {
            for (int i = 0; i < 100 && directory.exists() && directory.monitor().isPresent(); i++) {
                Thread.sleep(50);
            }
            if (!directory.exists()) {
                return true;
            }
            if (directory.monitor().isPresent()) {
                throw e;
            }
            return false;
        }
    }
}
