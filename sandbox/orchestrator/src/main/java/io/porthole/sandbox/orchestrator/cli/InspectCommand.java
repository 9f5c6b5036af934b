package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.state.ContainerState;
import io.porthole.sandbox.orchestrator.state.Json;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import io.porthole.sandbox.orchestrator.state.StateStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code porthole inspect}. */
@Command(
        name = "inspect",
        description = "Show all that is known of containers or sandboxes, as JSON.")
final class InspectCommand extends BaseCommand {
    @Parameters(arity = "1..*", paramLabel = "NAME")
    private List<String> names = new ArrayList<>();

    /** One element of the answer. */
    record Found(
            @Nullable ContainerState container,
            SandboxState sandbox,
            String directory,
            String log) {}

    @Override
    public Integer call() throws Exception {
        List<Found> all = new ArrayList<>();
        for (String name : names) {
            all.add(find(name));
        }
        context().out().println(Json.pretty(all));
        return 0;
    }

    private Found find(String name) throws IOException {
        StateStore store = context().store();
        StateStore.checkName(name);
        Optional<SandboxDirectory> of = store.find(name);
        SandboxDirectory directory = of.orElseGet(() -> store.sandbox(name));
        SandboxState sandbox = current(directory.read());
        ContainerState container = of.isPresent() ? current(directory, name) : null;
        return new Found(
                container,
                sandbox,
                directory.path().toString(),
                container == null
                        ? directory.monitorLog().toString()
                        : directory.containerLog(name).toString());
    }
}
