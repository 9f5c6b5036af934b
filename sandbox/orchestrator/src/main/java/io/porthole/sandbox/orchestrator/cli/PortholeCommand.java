package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;

/** The root command. */
@Command(
        name = "porthole",
        description = "Runs containers, each sandbox with a kernel of its own.",
        mixinStandardHelpOptions = true,
        versionProvider = PortholeCommand.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            RunCommand.class,
            CreateCommand.class,
            StartCommand.class,
            ExecCommand.class,
            AttachCommand.class,
            LogsCommand.class,
            KillCommand.class,
            StopCommand.class,
            RemoveCommand.class,
            ListCommand.class,
            InspectCommand.class,
            StatsCommand.class,
            SandboxCommand.class,
            GuestCommand.class,
            CheckCommand.class,
            CleanupCommand.class,
            MonitorCommand.class,
            AutoComplete.GenerateCompletion.class,
            CommandLine.HelpCommand.class,
        })
public final class PortholeCommand implements Runnable {
    /** An error of porthole itself, as docker numbers it. */
    static final int FAILED = 125;

    private static final Set<String> STOP_AT_POSITIONAL = Set.of("run", "create", "exec");
    private static final int NOT_EXECUTABLE = 126;
    private static final int NOT_FOUND = 127;

    private final PrintStream out;
    private final PrintStream err;

    @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "Configuration; else PORTHOLE_CONFIG, else /etc/porthole/config.toml.")
    private @Nullable Path configFile;

    private @Nullable Context context;

    PortholeCommand(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    Context context() {
        Context known = context;
        if (known == null) {
            known = new Context(configFile, out, err);
            context = known;
        }
        return known;
    }

    @Override
    public void run() {
        if (spec != null) {
            throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing");
        }
    }

    static CommandLine commandLine(PrintStream out, PrintStream err) {
        CommandLine line = new CommandLine(new PortholeCommand(out, err));
        line.setOut(new PrintWriter(out, true, StandardCharsets.UTF_8));
        line.setErr(new PrintWriter(err, true, StandardCharsets.UTF_8));
        line.setExecutionExceptionHandler((e, at, parsed) -> failure(e, err));
        line.setParameterExceptionHandler((e, args) -> {
            err.println("porthole: " + e.getMessage());
            err.println(
                    "Run '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
            return FAILED;
        });
        // What follows the image belongs to the container.
        line.getSubcommands()
                .forEach((name, command) -> {
                    command.setStopAtPositional(STOP_AT_POSITIONAL.contains(name));
                    if (name.equals("generate-completion")) {
                        command.getCommandSpec().usageMessage().hidden(true);
                    }
                });
        return line;
    }

    static int execute(String[] args, PrintStream out, PrintStream err) {
        return commandLine(out, err).execute(args);
    }

    private static int failure(Exception e, PrintStream err) {
        switch (e) {
            case SandboxException s -> {
                err.println("porthole: " + s.getMessage());
                if (!s.consoleTail().isEmpty()) {
                    err.println("porthole: the end of the guest's console:");
                    s.consoleTail().forEach(line -> err.println("    " + line));
                }
                return switch (s.kind()) {
                    case FAILED -> FAILED;
                    case NOT_EXECUTABLE -> NOT_EXECUTABLE;
                    case NOT_FOUND -> NOT_FOUND;
                };
            }
            case IOException io -> err.println("porthole: " + message(io));
            case io.porthole.sandbox.orchestrator.hypervisor.HypervisorException h ->
                    err.println("porthole: " + h.getMessage());
            case IllegalArgumentException i -> err.println("porthole: " + i.getMessage());
            case InterruptedException i -> {
                Thread.currentThread().interrupt();
                err.println("porthole: interrupted");
            }
            default -> {
                err.println("porthole: this is a defect: " + e);
                e.printStackTrace(err);
            }
        }
        return FAILED;
    }

    private static String message(IOException e) {
        return switch (e) {
            case java.nio.file.AccessDeniedException a ->
                    a.getFile() + ": permission denied (root is needed)";
            case java.nio.file.NoSuchFileException n -> n.getFile() + ": no such file or directory";
            default -> e.getMessage() == null ? e.toString() : e.getMessage();
        };
    }

    /** The version in the jar's manifest. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = PortholeCommand.class.getPackage().getImplementationVersion();
            return new String[] {"porthole " + (version == null ? "development" : version)};
        }
    }
}
