package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.config.PortholeConfig;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code porthole guest}. */
@Command(
        name = "guest",
        description = "The guest's kernel and image.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = GuestCommand.Build.class)
final class GuestCommand extends BaseCommand {
    @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

    @Override
    public Integer call() {
        if (spec != null) {
            throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing");
        }
        return PortholeCommand.FAILED;
    }

    /** {@code porthole guest build}. */
    @Command(
            name = "build",
            description =
                    "Build kernel and image from Debian packages, with the repository's script.")
    static final class Build extends BaseCommand {
        @Parameters(paramLabel = "ARG", description = "Passed to the script.")
        private List<String> args = new ArrayList<>();

        @Override
        public Integer call() throws Exception {
            Path home = Context.home();
            Path parent = home.getParent();
            for (Path script :
                    new Path[] {
                        home.resolve("libexec/guest-build"),
                        (parent == null ? home : parent).resolve("dev/guest-image"),
                    }) {
                if (Files.isExecutable(script)) {
                    List<String> words = new ArrayList<>(List.of(script.toString()));
                    words.addAll(args);
                    return new ProcessBuilder(words).inheritIO().start().waitFor();
                }
            }
            throw new SandboxException(
                    "this installation has no script that builds guests: "
                            + PortholeConfig.GUEST_SOURCE
                            + " and name what it makes in "
                            + "/etc/porthole/config.toml ([hypervisor.qemu] kernel, initrd, image)");
        }
    }
}
