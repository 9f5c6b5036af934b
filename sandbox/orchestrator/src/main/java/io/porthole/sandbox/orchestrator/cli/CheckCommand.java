package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.config.PortholeConfig;
import io.porthole.sandbox.orchestrator.hypervisor.HypervisorException;
import io.porthole.sandbox.orchestrator.hypervisor.HypervisorInfo;
import io.porthole.sandbox.orchestrator.image.ImageStore;
import io.porthole.sandbox.orchestrator.process.Commands;
import io.porthole.sandbox.orchestrator.state.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code porthole check}. */
@Command(name = "check", description = "Show what this host can do, and why not.")
final class CheckCommand extends BaseCommand {
    @Option(names = "--json", description = "As JSON.")
    private boolean json;

    private final List<Finding> findings = new ArrayList<>();

    /** How much a finding matters. */
    enum Verdict {
        OK,
        LIMITED,
        MISSING
    }

    /** One thing that was looked at. */
    record Finding(String subject, Verdict verdict, String detail) {}

    @Override
    public Integer call() throws Exception {
        PortholeConfig config = context().config();
        Path file = config.file();
        add("configuration", Verdict.OK, file == null ? "built-in values" : file.toString());
        checkUser();
        checkHypervisor();
        checkFile("guest kernel", config.qemu().kernel(), true);
        checkFile("guest initramfs", config.qemu().initrd(), true);
        checkFile("guest image", config.qemu().image(), true);
        checkProgram("virtiofsd", config.shares().daemon(), true);
        checkOverlay(config);
        checkProgram(
                "passt", config.network().passt(), config.network().userBackend().equals("passt"));
        for (String program : List.of("setsid", "nsenter", "ip", "tc")) {
            checkProgram(program, program, program.equals("setsid"));
        }
        add(
                "/dev/net/tun",
                Files.isWritable(Path.of("/dev/net/tun")) ? Verdict.OK : Verdict.LIMITED,
                Files.isWritable(Path.of("/dev/net/tun"))
                        ? "can be opened"
                        : "missing: no --network netns=");
        add(
                "/dev/vhost-vsock",
                Files.exists(Path.of("/dev/vhost-vsock")) ? Verdict.OK : Verdict.LIMITED,
                Files.exists(Path.of("/dev/vhost-vsock"))
                        ? "present"
                        : "missing: the agent is reached through virtio-serial, which needs nothing");
        if (json) {
            context().out().println(Json.pretty(findings));
        } else {
            for (Finding f : findings) {
                context()
                        .out()
                        .printf(
                                "%-18s %-8s %s%n",
                                f.subject(),
                                f.verdict().name().toLowerCase(Locale.ROOT),
                                f.detail());
            }
        }
        return findings.stream().anyMatch(f -> f.verdict() == Verdict.MISSING) ? 1 : 0;
    }

    private void add(String subject, Verdict verdict, String detail) {
        findings.add(new Finding(subject, verdict, detail));
    }

    private void checkUser() throws IOException {
        boolean root =
                Files.readAllLines(Path.of("/proc/self/status")).stream()
                        .anyMatch(l -> l.startsWith("Uid:") && l.split("\\s+", -1)[2].equals("0"));
        add(
                "user",
                root ? Verdict.OK : Verdict.MISSING,
                root ? "root" : "not root: mounts and images need it");
    }

    private void checkHypervisor() throws IOException {
        try {
            HypervisorInfo info = context().hypervisor().info();
            add("hypervisor", Verdict.OK, info.name() + " " + info.version());
            boolean kvm = info.accelerator().name().equals("KVM");
            add(
                    "acceleration",
                    kvm ? Verdict.OK : Verdict.LIMITED,
                    info.accelerator().name().toLowerCase(Locale.ROOT)
                            + ": "
                            + info.acceleratorReason());
        } catch (HypervisorException e) {
            add("hypervisor", Verdict.MISSING, String.valueOf(e.getMessage()));
        }
    }

    private void checkFile(String subject, @Nullable Path file, boolean needed) {
        if (file == null) {
            add(subject, Verdict.OK, "none is configured");
        } else if (Files.isReadable(file)) {
            add(subject, Verdict.OK, file.toString());
        } else {
            add(
                    subject,
                    needed ? Verdict.MISSING : Verdict.LIMITED,
                    file + " is missing: " + PortholeConfig.GUEST_SOURCE);
        }
    }

    private void checkProgram(String subject, String program, boolean needed) {
        String found = find(program);
        add(
                subject,
                found != null ? Verdict.OK : needed ? Verdict.MISSING : Verdict.LIMITED,
                found != null ? found : program + " is not found");
    }

    private static @Nullable String find(String program) {
        if (program.contains("/")) {
            return Files.isExecutable(Path.of(program)) ? program : null;
        }
        String path = System.getenv("PATH");
        for (String directory : (path == null ? "/usr/bin" : path).split(":", -1)) {
            Path candidate = Path.of(directory, program);
            if (Files.isExecutable(candidate)) {
                return candidate.toString();
            }
        }
        return null;
    }

    /** A container's root is an overlay whose upper directory must be on a file system that can. */
    private void checkOverlay(PortholeConfig config) {
        try {
            Path data = ImageStore.makePrivate(config.dataRoot());
            String type = Commands.run(List.of("stat", "-f", "-c", "%T", data.toString())).strip();
            boolean can = !type.equals("overlayfs") && !type.equals("nfs");
            add(
                    "data directory",
                    can ? Verdict.OK : Verdict.MISSING,
                    data
                            + " on "
                            + type
                            + (can ? "" : ": overlayfs cannot have its upper directory there"));
        } catch (IOException e) {
            add("data directory", Verdict.MISSING, String.valueOf(e.getMessage()));
        }
    }
}
