package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.state.ContainerState;
import io.porthole.sandbox.orchestrator.state.Json;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code porthole ps}. */
@Command(name = "ps", description = "List containers.")
final class ListCommand extends BaseCommand {
    @Option(
            names = {"-a", "--all"},
            description = "Also those that do not run.")
    private boolean all;

    @Option(
            names = {"-q", "--quiet"},
            description = "Names only.")
    private boolean quiet;

    @Option(names = "--json", description = "As JSON.")
    private boolean json;

    /** One line of the list. */
    record Row(
            String name,
            String sandbox,
            String image,
            String command,
            String status,
            Instant created,
            @Nullable Integer exitCode,
            @Nullable String error) {}

    @Override
    public Integer call() throws Exception {
        List<Row> rows = rows();
        if (json) {
            context().out().println(Json.pretty(rows));
        } else if (quiet) {
            rows.forEach(r -> context().out().println(r.name()));
        } else {
            print(rows);
        }
        return 0;
    }

    private List<Row> rows() throws IOException {
        List<Row> rows = new ArrayList<>();
        for (SandboxDirectory directory : context().store().all()) {
            try {
                SandboxState sandbox = directory.read();
                for (ContainerState read : directory.readContainers()) {
                    ContainerState c = current(sandbox, read);
                    if (all || c.status() == ContainerState.Status.RUNNING) {
                        rows.add(
                                new Row(
                                        c.spec().id(),
                                        directory.id(),
                                        c.spec().image(),
                                        String.join(" ", c.spec().args()),
                                        c.status().name().toLowerCase(Locale.ROOT),
                                        c.created(),
                                        c.exitCode(),
                                        c.error()));
                    }
                }
            } catch (IOException e) {
                // One that is being removed.
                if (directory.exists()) {
                    context().err().println("porthole: " + e.getMessage());
                }
            }
        }
        return rows;
    }

    private void print(List<Row> rows) {
        context()
                .out()
                .printf(
                        "%-20s %-20s %-24s %-24s %-14s %s%n",
                        "NAME", "SANDBOX", "IMAGE", "COMMAND", "CREATED", "STATUS");
        for (Row r : rows) {
            Integer exit = r.exitCode();
            String status =
                    r.status()
                            + (exit != null ? " (" + exit + ")" : "")
                            + (r.error() != null ? ": " + r.error() : "");
            context()
                    .out()
                    .printf(
                            "%-20s %-20s %-24s %-24s %-14s %s%n",
                            r.name(),
                            r.sandbox(),
                            shorten(r.image()),
                            shorten(r.command()),
                            age(r.created()),
                            status);
        }
    }

    private static String shorten(String text) {
        String line = text.replaceAll("\\s+", " ");
        return line.length() <= 24 ? line : line.substring(0, 21) + "...";
    }

    static String age(Instant then) {
        long seconds = Math.max(0, Duration.between(then, Instant.now()).toSeconds());
        if (seconds < 120) {
            return seconds + " s ago";
        }
        if (seconds < 7200) {
            return seconds / 60 + " min ago";
        }
        return seconds < 172_800 ? seconds / 3600 + " h ago" : seconds / 86_400 + " days ago";
    }
}
