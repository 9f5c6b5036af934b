package io.porthole.perf;

import io.porthole.virtiofsd.guest.GuestKernel;
import io.porthole.virtiofsd.guest.GuestVm;
import io.porthole.virtiofsd.guest.Qemu;
import io.porthole.virtiofsd.guest.Rig;
import io.porthole.virtiofsd.guest.VirtiofsdProcess;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The same jobs inside one guest, over virtiofs of each daemon and over QEMU's 9p; {@code dev/bench
 * --guest} is its front. All serve the same directory, are attached to the same guest and take
 * turns.
 */
@Command(
        name = "guest-bench",
        mixinStandardHelpOptions = true,
        description = "Compares virtiofs daemons and 9p inside a guest.")
public final class GuestBench implements Callable<Integer> {
    @Option(
            names = "--target",
            required = true,
            description =
                    "A daemon: NAME=COMMAND, where {socket}, {share}, {queues} are filled in.")
    List<String> targetTexts = List.of();

    @Option(names = "--9p", description = "QEMU's 9p, too.")
    boolean nineP;

    @Option(names = "--share", required = true, description = "An empty directory.")
    Path share = Path.of(".");

    @Option(names = "--tree", required = true, description = "A real tree to copy files from.")
    Path tree = Path.of("/usr/share");

    @Option(names = "--jobs", required = true, description = "guestjobs, linked statically.")
    Path jobs = Path.of("guestjobs");

    @Option(names = "--out", required = true, description = "Where the results go.")
    Path out = Path.of(".");

    @Option(names = "--rows", split = ",", description = "Ids or parts of ids of rows.")
    List<String> wanted = List.of();

    @Option(names = "--kernels", split = ",", defaultValue = "6.1,7")
    List<String> kernels = List.of();

    @Option(names = "--rounds", defaultValue = "5")
    int rounds = 5;

    @Option(
            names = "--warm-ups",
            defaultValue = "2",
            description = "Rounds that are not counted: code that no compiler has seen yet.")
    int warmUps = 2;

    @Option(names = "--fio-seconds", defaultValue = "2", description = "Length of a fio job.")
    int fioSeconds = 2;

    @Option(names = "--list", description = "Print the rows and end.")
    boolean list;

    private static final String NINE_P = "9p";

    /** A thing to mount: how, and who serves it. */
    private record Mount(
            String name, String title, String command, @Nullable VirtiofsdProcess process) {
        /**
         * Asked for when the guest is up: the C daemon forks the process that serves after that.
         */
        List<Long> pids() {
            return process == null ? List.of() : List.of(process.servingPid());
        }
    }

    private final List<Sample> samples = new ArrayList<>();
    private final List<Map<String, Object>> lines = new ArrayList<>();
    private final List<GuestRow> shown = new ArrayList<>();
    private final Map<String, String> titles = new LinkedHashMap<>();
    private final Map<String, String> releases = new LinkedHashMap<>();
    private final List<String> failures = new ArrayList<>();
    private final PrintStream progress = System.err;

    public static void main(String[] args) {
        CommandLine line = new CommandLine(new GuestBench());
        line.setExecutionExceptionHandler((e, command, parsed) -> {
            System.err.println("guest-bench: " + e.getMessage());
            return 1;
        });
        System.exit(line.execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<GuestRow> all = GuestRow.all(fioSeconds);
        boolean sequence =
                all.stream().anyMatch(r -> isWanted(r) && r.group().equals(GuestRow.SEQUENCE));
        for (GuestRow row : all) {
            if (isWanted(row) || (sequence && row.group().equals(GuestRow.SEQUENCE))) {
                shown.add(row);
            }
        }
        if (list) {
            shown.forEach(row -> System.out.printf("%-24s %s%n", row.id(), row.title()));
            return 0;
        }
        if (shown.isEmpty()) {
            progress.println("guest-bench: no row is called " + String.join(" or ", wanted));
            return 2;
        }
        List<Daemon> daemons = new ArrayList<>();
        for (String text : targetTexts) {
            Daemon daemon = Daemon.parse(text);
            daemons.add(daemon);
            titles.put(daemon.name(), daemon.title());
        }
        if (nineP) {
            titles.put(NINE_P, "9p (QEMU 7.2)");
        }
        Files.createDirectories(out);
        // One for all: copies of a file lie in other pages of the host's memory, which alone makes
        // large reads of the same daemon differ by two thirds.
        Fixture.prepare(share, tree);
        for (String kernel : kernels) {
            measure(kernel, daemons);
        }
        write();
        failures.forEach(failure -> progress.println("FAILED " + failure));
        return failures.isEmpty() ? 0 : 1;
    }

    private boolean isWanted(GuestRow row) {
        return wanted.isEmpty() || wanted.stream().anyMatch(row.id()::contains);
    }

    private static GuestKernel kernel(String name) {
        return switch (name) {
            case "6.1" -> GuestKernel.LINUX_6_1;
            case "7" -> GuestKernel.LINUX_7;
            default -> throw new IllegalArgumentException("kernels are 6.1 and 7, not " + name);
        };
    }

    private void measure(String kernel, List<Daemon> daemons)
            throws IOException, InterruptedException {
        List<VirtiofsdProcess> processes = new ArrayList<>();
        try {
            GuestVm.Builder builder =
                    GuestVm.builder()
                            .image(Rig.benchGuest(kernel(kernel)))
                            .qemu(Qemu.V7_2)
                            .memoryMegabytes(1024);
            List<Mount> mounts = new ArrayList<>();
            for (Daemon daemon : daemons) {
                VirtiofsdProcess process =
                        VirtiofsdProcess.command(daemon.command(Path.of("SOCKET"), share, 1));
                processes.add(process);
                builder.share(daemon.name(), process, 1);
                mounts.add(
                        new Mount(
                                daemon.name(),
                                daemon.title(),
                                "mount -t virtiofs " + daemon.name() + " /mnt",
                                process));
            }
            if (nineP) {
                mounts.add(nineP(builder));
            }
            try (GuestVm guest = builder.start()) {
                releases.put(kernel, guest.release());
                install(guest);
                header(guest.release());
                run(kernel, guest, mounts);
            } catch (AssertionError e) {
                // A guest that hangs does not power off either; what was measured is kept.
                failures.add("Linux " + kernel + ": " + e.getMessage());
            }
        } finally {
            processes.forEach(VirtiofsdProcess::close);
        }
    }

    private Mount nineP(GuestVm.Builder builder) {
        builder.arguments(
                "-fsdev",
                "local,id=ninep,security_model=passthrough,path=" + share,
                "-device",
                "virtio-9p-pci,fsdev=ninep,mount_tag=ninep");
        return new Mount(
                NINE_P,
                "9p",
                "mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 ninep /mnt",
                null);
    }

    /** The job program goes the way commands go: no file system under test has a part in it. */
    private void install(GuestVm guest) throws IOException {
        String text = Base64.getEncoder().encodeToString(Files.readAllBytes(jobs));
        int piece = 64 << 10;
        guest.must(": > /tmp/guestjobs.b64");
        for (int at = 0; at < text.length(); at += piece) {
            guest.must(
                    "cat >> /tmp/guestjobs.b64 <<'END'\n"
                            + text.substring(at, Math.min(text.length(), at + piece))
                            + "\nEND");
        }
        guest.must("base64 -d /tmp/guestjobs.b64 > /tmp/guestjobs; chmod 755 /tmp/guestjobs");
    }

    private void run(String kernel, GuestVm guest, List<Mount> mounts)
            throws IOException, InterruptedException {
        List<String> groups = shown.stream().map(GuestRow::group).distinct().toList();
        for (String group : groups) {
            List<GuestRow> rows = shown.stream().filter(r -> r.group().equals(group)).toList();
            for (int round = -warmUps; round < rounds; round++) {
                for (int turn = 0; turn < mounts.size(); turn++) {
                    Mount mount = mounts.get((turn + round + warmUps) % mounts.size());
                    String at = "mount";
                    try {
                        guest.must(mount.command());
                        for (GuestRow row : rows) {
                            at = row.id();
                            Sample sample = sample(kernel, guest, mount, row, round);
                            if (round >= 0) {
                                samples.add(sample);
                            }
                        }
                        at = "umount";
                        guest.must("umount /mnt");
                    } catch (WrongReplyException e) {
                        fail(kernel, at, mount, e);
                        guest.must("umount /mnt");
                    } catch (AssertionError e) {
                        // It may still be busy with the job that did not end.
                        fail(kernel, at, mount, e);
                        return;
                    }
                }
                progress.printf(
                        "  %s: %s%n",
                        group, round < 0 ? "warm-up" : "round " + (round + 1) + " of " + rounds);
            }
            for (GuestRow row : rows) {
                lines.add(describe(kernel, row));
                line(kernel, row);
            }
        }
    }

    private void fail(String kernel, String at, Mount mount, Throwable why) {
        String failure =
                "Linux " + kernel + ", " + at + " over " + mount.title() + ": " + why.getMessage();
        failures.add(failure);
    }

    private static String rowId(String kernel, GuestRow row) {
        return kernel + "/" + row.id();
    }

    private Sample sample(String kernel, GuestVm guest, Mount mount, GuestRow row, int round)
            throws IOException {
        ProcessStats before = ProcessStats.of(mount.pids());
        GuestVm.Result ran = guest.run(row.script(), GuestRow.LIMIT);
        if (ran.exit() != 0) {
            throw new WrongReplyException("exit code " + ran.exit() + ": " + ran.output());
        }
        GuestRow.Result result = row.result(ran.output());
        ProcessStats after = ProcessStats.of(mount.pids());
        double operations = result.operations();
        return new Sample(
                rowId(kernel, row),
                mount.name(),
                round,
                operations * 1e9 / result.nanos(),
                (after.cpuNanos() - before.cpuNanos()) / operations,
                (after.switches() - before.switches()) / operations,
                result.p50Nanos(),
                result.p99Nanos(),
                result.p999Nanos(),
                result.max(),
                0,
                0);
    }

    private Map<String, Object> describe(String kernel, GuestRow row) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("id", rowId(kernel, row));
        line.put("group", "Linux " + kernel);
        line.put("title", row.title());
        line.put("depth", row.depth());
        line.put("queues", 1);
        return line;
    }

    private void header(String release) {
        progress.printf(
                "%nGuest with Linux %s: operations a second (daemon CPU in us an operation)%n%-24s",
                release, "");
        titles.keySet().forEach(name -> progress.printf("%20s", name));
        progress.println();
    }

    private double median(String row, String target, boolean cpu) {
        return Statistics.median(
                samples.stream()
                        .filter(s -> s.row().equals(row) && s.target().equals(target))
                        .mapToDouble(s -> cpu ? s.cpuNanosPerOp() / 1000 : s.opsPerSecond())
                        .toArray());
    }

    private void line(String kernel, GuestRow row) {
        progress.printf("%-24s", row.id());
        for (String target : titles.keySet()) {
            String id = rowId(kernel, row);
            if (target.equals(NINE_P)) {
                progress.printf("%20.0f", median(id, target, false));
            } else {
                progress.printf(
                        "%10.0f (%7.1f)", median(id, target, false), median(id, target, true));
            }
        }
        progress.println();
    }

    private void write() throws IOException {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("when", java.time.Instant.now().toString());
        all.put("machine", Machine.describe());
        all.put("kernels", releases);
        all.put("emulated", !GuestVm.hardwareVirtualisation());
        all.put("rounds", rounds);
        all.put("warmUps", warmUps);
        all.put("fioSeconds", fioSeconds);
        List<Object> kinds = new ArrayList<>();
        titles.forEach((name, title) -> {
            Map<String, Object> kind = new LinkedHashMap<>();
            kind.put("name", name);
            kind.put("title", title);
            kinds.add(kind);
        });
        all.put("targets", kinds);
        all.put("rows", lines);
        all.put("samples", samples.stream().map(Bench::fields).toList());
        all.put("failures", failures);
        Path raw = out.resolve("bench-guest.json");
        Files.writeString(raw, Json.of(all));
        Path tables = out.resolve("bench-guest.md");
        String caption =
                LocalDate.now(ZoneOffset.UTC)
                        + ", "
                        + rounds
                        + " rounds of all in turn: "
                        + Machine.describe()
                        + (GuestVm.hardwareVirtualisation() ? "." : "; the guest is emulated.");
        Files.writeString(tables, GuestMarkdown.of(caption, lines, titles, samples));
        progress.printf(
                "%nRaw data: %s%nReport:   %s%nTables:   %s%n", raw, Report.write(out), tables);
    }
}
