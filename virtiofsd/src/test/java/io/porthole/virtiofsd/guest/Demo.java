package io.porthole.virtiofsd.guest;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Locale;

/**
 * What {@code dev/demo} runs: boots a guest on a share and prints, operation by operation, what the
 * guest did and saw beside what the host then sees. Exit code 0 only if both agree everywhere, and
 * the whole tree at the end.
 */
public final class Demo {
    private static final ShareOperation.Scale SCALE = ShareOperation.Scale.DEMO;
    private static final Duration OPERATION_LIMIT = Duration.ofSeconds(60);
    private static final int COLUMN = 46;

    private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private final boolean colour =
            System.getenv("PORTHOLE_COLOUR") != null && Rig.setting("NO_COLOR") == null;
    private int disagreements;

    private Demo() {}

    /** Arguments: none. */
    public static void main(String[] arguments) {
        int exit;
        try {
            exit = new Demo().run();
        } catch (Rig.MissingPartException e) {
            System.err.println("demo: " + e.getMessage());
            exit = 1;
        } catch (AssertionError e) {
            System.err.println("demo: " + e.getMessage());
            System.err.println(
                    "  What to do: run dev/test --guest for the same operations one by one;"
                            + " PORTHOLE_VIRTIOFSD="
                            + Rig.cache().resolve("bin/virtiofsd-rust")
                            + " dev/demo shows whether another daemon fails in the same way.");
            exit = 1;
        } catch (IOException | InterruptedException e) {
            System.err.println("demo: " + e);
            exit = 1;
        }
        System.exit(exit);
    }

    private int run() throws IOException, InterruptedException {
        long begin = System.nanoTime();
        Path share = Files.createTempDirectory("porthole-demo");
        // Not only for root: one step of the demo is another user's.
        Files.setPosixFilePermissions(share, PosixFilePermissions.fromString("rwxr-xr-x"));
        try {
            serve(share);
        } finally {
            Processes.deleteTree(share);
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        out.println();
        if (disagreements > 0) {
            out.printf(
                    Locale.ROOT,
                    "%s%d operations left guest and host disagreeing.%s Total %.1f s.%n",
                    code("31"),
                    disagreements,
                    code("0"),
                    seconds);
            out.println(
                    "  What to do: run dev/test --guest, which fails on the same operation with both logs.");
            return 1;
        }
        out.printf(
                Locale.ROOT,
                "%sGuest and host agree on every byte and mode.%s Total %.1f s.%n",
                code("32"),
                code("0"),
                seconds);
        return 0;
    }

    private void serve(Path share) throws IOException, InterruptedException {
        ShareOperation.prepare(share, SCALE);
        long started = System.nanoTime();
        try (VirtiofsdProcess daemon =
                VirtiofsdProcess.share(share, "--tag=demo", "--cache=auto", "--xattr")) {
            Duration daemonStart = Duration.ofNanos(System.nanoTime() - started);
            try (GuestVm guest = boot(daemon, daemonStart, share)) {
                out.println();
                row("   " + code("1"), "the guest did", "the guest sees", "the host sees", "time");
                out.print(code("0"));
                for (ShareOperation operation : ShareOperation.all(SCALE)) {
                    show(operation, guest, share);
                }
                compareTrees(guest, share);
            } catch (AssertionError failure) {
                throw new AssertionError(failure.getMessage() + daemon.logTail(), failure);
            }
            long hungUp = System.nanoTime();
            int exit = daemon.awaitExit(Duration.ofSeconds(10));
            judge(
                    "power off; virtiofsd ends",
                    "exit 0, socket removed",
                    "exit " + exit + (daemon.leftFiles() ? ", socket left" : ", socket removed"),
                    Duration.ofNanos(System.nanoTime() - hungUp));
        }
    }

    private GuestVm boot(VirtiofsdProcess daemon, Duration daemonStart, Path share)
            throws IOException, InterruptedException {
        line("host folder", share + ", served by " + Rig.virtiofsd());
        line("virtiofsd", "listens after " + seconds(daemonStart));
        GuestVm guest = GuestVm.builder().share("demo", daemon, 1).mount("demo", "/mnt").start();
        line(
                "guest",
                "Linux "
                        + guest.release()
                        + " under "
                        + Qemu.V7_2
                        + (GuestVm.hardwareVirtualisation() ? " with KVM" : " (emulated CPU)")
                        + ", share mounted after "
                        + seconds(guest.bootTime()));
        line("in the guest", "mount -t virtiofs demo /mnt");
        return guest;
    }

    private void show(ShareOperation operation, GuestVm guest, Path share) throws IOException {
        GuestVm.Result result = guest.run("cd /mnt && " + operation.guestScript(), OPERATION_LIMIT);
        String guestSees =
                result.output().strip()
                        + (result.exit() == 0 ? "" : " [exit " + result.exit() + "]");
        String hostSees;
        try {
            hostSees = operation.hostView().see(share);
        } catch (IOException e) {
            hostSees = e.toString();
        }
        judge(operation.name(), guestSees, hostSees, result.time());
    }

    private void compareTrees(GuestVm guest, Path share) {
        // The big file has been compared above; hashing it once more would only cost time.
        GuestVm.Result result = guest.run("rm /mnt/big.bin && " + Manifest.guestScript("/mnt"));
        Manifest guestTree = Manifest.ofGuest(result.output());
        Manifest hostTree = Manifest.ofTree(share);
        judge(
                "compare the whole tree at the end",
                guestTree.size() + " paths, sha256 " + guestTree.hash().substring(0, 16),
                hostTree.size() + " paths, sha256 " + hostTree.hash().substring(0, 16),
                result.time());
        guestTree.differences(hostTree).forEach(difference -> out.println("       " + difference));
    }

    private void judge(String name, String guestSees, String hostSees, Duration time) {
        boolean same = guestSees.equals(hostSees);
        row(
                " " + code(same ? "32" : "31") + (same ? "✓" : "✗") + code("0") + " ",
                name,
                guestSees,
                hostSees,
                seconds(time));
        if (!same) {
            disagreements++;
            out.println("       guest: " + guestSees.replace("\n", "\n              "));
            out.println("       host:  " + hostSees.replace("\n", "\n              "));
        }
    }

    private static String cell(String text) {
        String line = text.replace('\n', ' ');
        return line.length() <= COLUMN ? line : line.substring(0, COLUMN - 1) + "…";
    }

    private void row(String mark, String name, String guestSees, String hostSees, String time) {
        out.printf(
                Locale.ROOT,
                "%s%-38s  %-" + COLUMN + "s  %-" + COLUMN + "s %8s%n",
                mark,
                name,
                cell(guestSees),
                cell(hostSees),
                time);
    }

    private void line(String title, String text) {
        out.printf(Locale.ROOT, "   %-14s %s%n", title, text);
    }

    private String code(String sgr) {
        return colour ? "\u001b[" + sgr + "m" : "";
    }

    private static String seconds(Duration time) {
        return String.format(Locale.ROOT, "%.2f s", time.toNanos() / 1e9);
    }
}
