package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.state.ProcessSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code porthole exec}. */
@Command(name = "exec", description = "Start a further process in a running container.")
final class ExecCommand extends BaseCommand {
    @Option(
            names = {"-t", "--tty"},
            description = "Give it a terminal.")
    private boolean tty;

    @Option(
            names = {"-i", "--interactive"},
            description = "Connect standard input.")
    private boolean interactive;

    @Option(
            names = {"-d", "--detach"},
            description = "Do not wait for it; its output is dropped.")
    private boolean detach;

    @Option(
            names = {"-e", "--env"},
            paramLabel = "NAME=VALUE",
            description = "Set a variable.")
    private List<String> env = new ArrayList<>();

    @Option(
            names = {"-w", "--workdir"},
            paramLabel = "DIR",
            description = "Working directory.")
    private @Nullable String workdir;

    @Option(
            names = {"-u", "--user"},
            paramLabel = "USER[:GROUP]",
            description = "User, by name or number.")
    private @Nullable String user;

    @Option(names = "--privileged", description = "With all capabilities.")
    private boolean privileged;

    @Parameters(index = "0", paramLabel = "CONTAINER")
    private String id = "";

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "ARG")
    private List<String> args = new ArrayList<>();

    @Override
    public Integer call() throws Exception {
        MonitorClient client = client(id);
        ProcessSpec process =
                new ProcessSpec(
                        args,
                        env,
                        workdir == null ? "" : workdir,
                        user == null ? "" : user,
                        privileged,
                        tty,
                        interactive);
        if (detach) {
            client.call(new Request.Exec(id, process, true));
            return 0;
        }
        return new Attachment(context(), client, id, tty, interactive)
                .run(new Request.Exec(id, process, false));
    }
}
