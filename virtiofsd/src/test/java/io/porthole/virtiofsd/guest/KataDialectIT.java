package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The daemon started with the arguments of either of Kata's runtimes serves a guest. */
class KataDialectIT extends GuestTestBase {
    private static final Machine MACHINE = Machine.pair().get(0);

    /**
     * Listens on the socket named first and runs the rest with it as descriptor 3; Java's own
     * processes inherit none. Perl is in every Debian's base.
     */
    private static final String PASS_AS_FD_3 =
            """
            use Socket; use POSIX;
            $^F = 255;
            my $path = shift @ARGV;
            socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
            bind($s, pack_sockaddr_un($path)) or die "bind: $!";
            listen($s, 1) or die "listen: $!";
            POSIX::dup2(fileno($s), 3);
            exec @ARGV or die "exec: $!";
            """;

    @Test
    void servesWhenStartedAsKatasGoRuntimeDoes() throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("perl", "-e", PASS_AS_FD_3, "SOCKET"));
        command.add(Rig.virtiofsd().toString());
        command.addAll(
                List.of(
                        "--syslog",
                        "--cache=auto",
                        "--shared-dir=" + share,
                        "--fd=3",
                        "--thread-pool-size=1",
                        "--announce-submounts",
                        "--xattr"));
        serves(VirtiofsdProcess.command(command));
    }

    @Test
    void servesWhenStartedAsKatasRustRuntimeDoes() throws IOException, InterruptedException {
        VirtiofsdProcess daemon =
                VirtiofsdProcess.command(
                        List.of(
                                Rig.virtiofsd().toString(),
                                "--socket-path",
                                "SOCKET",
                                "--shared-dir",
                                share.toString(),
                                "--cache",
                                "auto",
                                "--thread-pool-size=1",
                                "-o",
                                "announce_submounts",
                                "--xattr"));
        try {
            // The runtime waits for this line.
            daemon.awaitLog("Waiting for vhost-user socket connection", Duration.ofSeconds(5));
        } catch (AssertionError missing) {
            daemon.close();
            throw missing;
        }
        serves(daemon);
    }

    private void serves(VirtiofsdProcess started) throws IOException, InterruptedException {
        try (VirtiofsdProcess daemon = started;
                GuestVm guest =
                        GuestVm.builder()
                                .kernel(MACHINE.kernel())
                                .qemu(MACHINE.qemu())
                                .share("kataShared", daemon, 1)
                                .mount("kataShared", "/mnt")
                                .start()) {
            Files.writeString(share.resolve("from-host"), "host\n");
            assertEquals("host", guest.must("cat /mnt/from-host"));
            guest.must("echo guest > /mnt/from-guest && setfattr -n user.a -v b /mnt/from-guest");
            assertEquals("guest\n", Files.readString(share.resolve("from-guest")));
        }
    }
}
