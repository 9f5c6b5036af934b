package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.Request;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code porthole kill}. */
@Command(name = "kill", description = "Send a signal to containers.")
final class KillCommand extends BaseCommand {
    @Option(
            names = {"-s", "--signal"},
            paramLabel = "SIGNAL",
            description = "By name or number; KILL by default.")
    private String signal = "KILL";

    @Parameters(arity = "1..*", paramLabel = "CONTAINER")
    private List<String> ids = new ArrayList<>();

    @Override
    public Integer call() throws Exception {
        int number = Signals.number(signal);
        for (String id : ids) {
            client(id).call(new Request.Signal(id, "", number));
        }
        return 0;
    }
}
