package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code porthole run}. */
@Command(name = "run", description = "Make a container, start it, and wait for its end.")
final class RunCommand extends BaseCommand {
    private static final Duration REMOVAL = Duration.ofSeconds(10);

    @Mixin private ContainerOptions options = new ContainerOptions();

    @Option(
            names = {"-d", "--detach"},
            description = "Print the name and leave the container running.")
    private boolean detach;

    @Option(names = "--timings", description = "Show afterwards what the parts of the start took.")
    private boolean timings;

    @Override
    public Integer call() throws Exception {
        CreateCommand.Created created;
        try (Progress progress = new Progress(context().err(), false)) {
            created = CreateCommand.create(context(), options, progress);
        }
        String id = created.spec().id();
        if (detach) {
            created.client().call(new Request.Start(id));
            context().out().println(id);
            return 0;
        }
        Attachment attachment =
                new Attachment(context(), created.client(), id, options.tty, options.interactive);
        SandboxState before = created.directory().read();
        int status = attachment.run(new Request.Attach(id, true));
        if (timings) {
            show(created.directory(), before, context().err());
        }
        if (options.remove && created.newSandbox()) {
            awaitRemoval(created.directory());
        }
        return status;
    }

    private static void show(SandboxDirectory directory, SandboxState before, PrintStream err) {
        SandboxState state = before;
        try {
            state = directory.read();
        } catch (IOException e) {
            // The sandbox of a single container may be gone already: the parts before its start are
            // known.
        }
        long sum = 0;
        for (var part : state.timingsMillis().entrySet()) {
            sum += part.getValue();
            err.printf(Locale.ROOT, "%-20s %6d ms%n", part.getKey(), part.getValue());
        }
        err.printf(Locale.ROOT, "%-20s %6d ms%n", "in all", sum);
    }

    /** The same, for a sandbox that may keep its directory. */
    static void awaitRemovalOrEnd(SandboxDirectory directory)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + REMOVAL.toNanos();
        while (directory.exists() && System.nanoTime() - deadline < 0) {
            try {
                if (directory.monitor().isEmpty()) {
                    return;
                }
            } catch (io.porthole.sandbox.orchestrator.state.StateException gone) {
                // Between the state file's removal and the directory's.
            }
            Thread.sleep(5);
        }
    }

    /** The monitor removes its directory last. */
    static void awaitRemoval(SandboxDirectory directory) throws InterruptedException {
        long deadline = System.nanoTime() + REMOVAL.toNanos();
        while (directory.exists() && System.nanoTime() - deadline < 0) {
            Thread.sleep(5);
        }
    }
}
