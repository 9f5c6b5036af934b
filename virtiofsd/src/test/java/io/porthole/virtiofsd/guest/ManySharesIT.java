package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Several shares from one process: each is a world of its own, they come and go while others run,
 * and the process sees nothing but them.
 */
class ManySharesIT extends GuestTestBase {
    private static final Machine MACHINE = Machine.pair().get(1);
    private static final int GET_FEATURES = 1;
    private static final Duration END_LIMIT = Duration.ofSeconds(20);

    private Path sockets = Path.of("unset");

    @BeforeEach
    void makeShares() throws IOException {
        sockets = Files.createTempDirectory("porthole-many");
        for (String name : List.of("a", "b", "c")) {
            Files.createDirectories(share.resolve(name));
            Files.writeString(share.resolve(name).resolve("name"), name);
        }
    }

    @AfterEach
    void removeSockets() {
        Processes.deleteTree(sockets);
    }

    private Path socket(String name) {
        return sockets.resolve(name + ".sock");
    }

    private String spec(String name, String more) {
        return name + "=" + share.resolve(name) + ",socket=" + socket(name) + more;
    }

    /** The daemon with shares a and, read-only, b; its SOCKET is the control socket. */
    private VirtiofsdProcess start(String... more) throws IOException, InterruptedException {
        List<String> command =
                Stream.concat(
                                Stream.of(
                                        Rig.virtiofsd().toString(),
                                        "--share",
                                        spec("a", ",xattr"),
                                        "--share=" + spec("b", ",ro,cache=always"),
                                        "--control",
                                        "SOCKET"),
                                Stream.of(more))
                        .toList();
        VirtiofsdProcess daemon = VirtiofsdProcess.command(command);
        daemon.awaitLog("Waiting for vhost-user", END_LIMIT);
        return daemon;
    }

    private GuestVm.Builder guest() {
        return GuestVm.builder().kernel(MACHINE.kernel()).qemu(MACHINE.qemu());
    }

    private static SocketChannel connect(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        return channel;
    }

    /** Whether a vhost-user back-end answers there. */
    private static void assertServes(Path socket) throws IOException {
        try (SocketChannel channel = connect(socket)) {
            ByteBuffer ask = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
            channel.write(ask.putInt(0, GET_FEATURES).putInt(4, 1).putInt(8, 0));
            ByteBuffer reply = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
            while (reply.hasRemaining() && channel.read(reply) >= 0) {}
            assertEquals(0, reply.remaining());
            assertEquals(GET_FEATURES, reply.getInt(0));
        }
    }

    private static String state(VirtiofsdProcess daemon, String tag)
            throws IOException, InterruptedException {
        return Ctl.must("ctl", "list", "--control", daemon.socket().toString())
                .lines()
                .map(line -> line.split("\t"))
                .filter(fields -> fields[0].equals(tag))
                .map(fields -> fields[1])
                .findFirst()
                .orElse("none");
    }

    private static void awaitState(VirtiofsdProcess daemon, String tag, String state)
            throws IOException, InterruptedException {
        long end = System.nanoTime() + END_LIMIT.toNanos();
        while (!state(daemon, tag).equals(state)) {
            assertTrue(System.nanoTime() < end, tag + " is not " + state + daemon.logTail());
            Thread.sleep(50);
        }
    }

    @Test
    void guestsOfTwoSharesSeeTheirOwnAndLiveTheirOwnLives()
            throws IOException, InterruptedException {
        try (VirtiofsdProcess daemon = start()) {
            GuestVm first = guest().share("a", socket("a"), 4).mount("a", "/mnt").start();
            try (first;
                    GuestVm second =
                            guest().share("b", socket("b"), 1).mount("b", "/mnt").start()) {
                assertEquals("name", first.must("ls /mnt"));
                assertEquals("a", first.must("cat /mnt/name"));
                assertEquals("b", second.must("cat /mnt/name"));
                first.must("echo new > /mnt/new && mkdir -p /mnt/d/e");
                assertNotEquals(0, second.run("echo x > /mnt/x").exit());
                assertTrue(
                        second.run("touch /mnt/x").output().contains("Read-only"),
                        second.run("touch /mnt/x").output());
                assertEquals("name", second.must("ls /mnt"), "b has nothing of a's");
                assertEquals("connected", state(daemon, "a"));
                first.must(
                        "(while :; do dd if=/dev/zero of=/mnt/f bs=1M count=16; done)"
                                + " >/dev/null 2>&1 &");
                first.crash();
                awaitState(daemon, "a", "waiting");
                assertEquals("b", second.must("cat /mnt/name"));
                // The crashed guest's successor finds everything as it was left.
                try (GuestVm again =
                        guest().share("a", socket("a"), 1).mount("a", "/mnt").start()) {
                    assertEquals("new", again.must("cat /mnt/new"));
                    assertEquals("b", second.must("cat /mnt/name"));
                }
                awaitState(daemon, "a", "waiting");
                second.must("echo 3 > /proc/sys/vm/drop_caches; ls -l /mnt");
            }
            assertTrue(daemon.isAlive());
        }
    }

    /** The shares of a process tell each other who waits, without an option. */
    @Test
    void aDeadlockThroughTwoSharesIsTold() throws IOException, InterruptedException {
        Path common = Files.createDirectory(share.resolve("common"));
        Processes.compile("locker", common.resolve("locker"));
        String options = ",posix-lock";
        VirtiofsdProcess started =
                VirtiofsdProcess.command(
                        List.of(
                                Rig.virtiofsd().toString(),
                                "--share",
                                "x=" + common + ",socket=" + socket("x") + options,
                                "--share",
                                "y=" + common + ",socket=" + socket("y") + options,
                                "--control",
                                "SOCKET"));
        try (VirtiofsdProcess daemon = started) {
            daemon.awaitLog("Waiting for vhost-user", END_LIMIT);
            try (GuestVm guest =
                    guest().share("x", socket("x"), 1)
                            .share("y", socket("y"), 1)
                            .mount("x", "/mnt")
                            .mount("y", "/run")
                            .start()) {
                guest.must(
                        "(cd /mnt && ./locker d w:0:1 p:x.has a:y.has w:1:1 >/tmp/x 2>&1) &"
                                + " cd /run && ./locker d w:1:1 p:y.has a:x.has w:0:1 >/tmp/y 2>&1;"
                                + " wait");
                assertEquals("w=EDEADLK\nw=OK\nw=OK\nw=OK", guest.must("sort /tmp/x /tmp/y"));
            }
        }
    }

    @Test
    void garbageForOneShareIsNothingToTheOther() throws IOException, InterruptedException {
        try (VirtiofsdProcess daemon = start();
                SocketChannel held = connect(socket("b"))) {
            Random random = new Random(17);
            for (int i = 0; i < 50; i++) {
                try (SocketChannel channel = connect(socket("a"))) {
                    byte[] noise = new byte[1 + random.nextInt(4000)];
                    random.nextBytes(noise);
                    channel.write(ByteBuffer.wrap(noise));
                } catch (IOException e) {
                    // The daemon may hang up in mid-write.
                }
            }
            assertServes(socket("a"));
            ByteBuffer ask = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
            held.write(ask.putInt(0, GET_FEATURES).putInt(4, 1).putInt(8, 0));
            ByteBuffer reply = ByteBuffer.allocate(20);
            while (reply.hasRemaining() && held.read(reply) >= 0) {}
            assertEquals(0, reply.remaining(), "the connection of b was there all the time");
            assertTrue(daemon.isAlive());
        }
    }

    @Test
    void sharesComeAndGoWhileAGuestWorks() throws IOException, InterruptedException {
        try (VirtiofsdProcess daemon = start();
                GuestVm guest = guest().share("a", socket("a"), 1).mount("a", "/mnt").start()) {
            String control = daemon.socket().toString();
            guest.must("(while :; do echo x >> /mnt/log; done) >/dev/null 2>&1 &");
            int descriptors = daemon.openDescriptors();
            for (int round = 0; round < 3; round++) {
                Ctl.must("ctl", "add", spec("c", ",cache=never"), "--control", control);
                assertServes(socket("c"));
                Ctl.Result twice = Ctl.run("ctl", "add", spec("c", ""), "--control", control);
                assertEquals(2, twice.exit(), twice.output());
                assertServes(socket("c"));
                Ctl.must("ctl", "remove", "c", "--control=" + control);
                assertFalse(Files.exists(socket("c")));
                assertFalse(Files.exists(Path.of(socket("c") + ".pid")));
            }
            assertEquals(descriptors, daemon.openDescriptors(), 3.0, "descriptors");
            Ctl.must("ctl", "add", spec("c", ""), "--control", control);
            try (GuestVm late = guest().share("c", socket("c"), 1).mount("c", "/mnt").start()) {
                assertEquals("c", late.must("cat /mnt/name"));
                late.must("cd /mnt && for i in $(seq 100); do echo $i > $i; done; rm 5");
            }
            try (Stream<Path> files = Files.list(share.resolve("c"))) {
                assertEquals(100, files.count());
            }
            guest.must("test -s /mnt/log");
            Ctl.Result none = Ctl.run("ctl", "remove", "nobody", "--control", control);
            assertEquals(1, none.exit());
            assertTrue(none.output().contains("no share with the tag 'nobody'"), none.output());
        }
    }

    @Test
    void processSeesNothingButItsShares() throws IOException, InterruptedException {
        try (VirtiofsdProcess daemon = start()) {
            assertServes(socket("a"));
            Path process = Path.of("/proc", Long.toString(daemon.servingPid()));
            try (Stream<Path> root = Files.list(process.resolve("root"))) {
                assertEquals(List.of(), root.toList(), "the root is empty");
            }
            List<String> mounts = Files.readAllLines(process.resolve("mountinfo"));
            assertEquals(1, mounts.size(), String.join("\n", mounts));
            assertTrue(mounts.getFirst().contains(" / / ro,"), mounts.getFirst());
            String status = Files.readString(process.resolve("status"));
            assertTrue(status.contains("Seccomp:\t2"), status);
            daemon.terminate();
            daemon.awaitExit(END_LIMIT);
            try (Stream<Path> left = Files.list(sockets)) {
                assertEquals(List.of(), left.toList(), "sockets and pid files are removed");
            }
            assertFalse(daemon.leftFiles());
        }
    }

    @Test
    void configurationFileMeansTheSame() throws IOException, InterruptedException {
        Path file = sockets.resolve("shares.toml");
        Files.writeString(
                file,
                """
                log-level = "info"

                [[share]]
                tag = "a"
                dir = "%s"
                socket = "%s"
                xattr = true

                [[share]]
                tag = "b"
                dir = "%s"
                socket = "%s"
                readonly = true
                cache = "always"
                """
                        .formatted(
                                share.resolve("a"), socket("a"), share.resolve("b"), socket("b")));
        try (VirtiofsdProcess daemon =
                VirtiofsdProcess.command(
                        List.of(
                                Rig.virtiofsd().toString(),
                                "--config",
                                file.toString(),
                                "--control=SOCKET"))) {
            daemon.awaitLog("Waiting for vhost-user", END_LIMIT);
            assertServes(socket("a"));
            assertServes(socket("b"));
            assertEquals("waiting", state(daemon, "a"));
            // The orders' defaults come from the file as well.
            Ctl.must("ctl", "add", spec("c", ""), "--control", daemon.socket().toString());
            assertServes(socket("c"));
        }
        Files.writeString(file, "[[share]]\ntag = 5\ndir = \"x\n");
        Ctl.Result wrong = Ctl.run("--config", file.toString());
        assertEquals(2, wrong.exit(), wrong.output());
        assertTrue(wrong.output().contains("line 3"), wrong.output());
    }

    @Test
    void oneShareMayOutliveItsGuestsToo() throws IOException, InterruptedException {
        try (VirtiofsdProcess daemon =
                VirtiofsdProcess.share(share.resolve("a"), "--tag=a", "--keep-running")) {
            for (int i = 0; i < 3; i++) {
                assertServes(daemon.socket());
            }
            assertTrue(daemon.isAlive());
        }
    }
}
