package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What an option of the command line changes, seen from outside on a mount of this host: each test
 * fails if its option does nothing. docs/options.md says which is whose.
 */
class EveryOptionIT extends MountTestBase {
    /** Opens a file with flags of its own, says so, and waits for the end of its input. */
    private static final String OPEN =
            """
            use Fcntl;
            $| = 1;
            sysopen(my $f, $ARGV[0], oct $ARGV[1]) or die "open: $!";
            print "open\\n";
            <STDIN>;
            """;

    /** Maps a file shared and writable, by mmap(2) itself: perl has no word for it. */
    private static final String MAP =
            """
            use Fcntl;
            sysopen(my $f, $ARGV[0], O_RDWR) or die "open: $!";
            my $at = syscall(9, 0, 4096, 3, 1, fileno($f), 0);
            print $at == -1 ? "errno " . ($! + 0) : "mapped";
            """;

    /** setxattr(2) of u::r,u:1234:rwx,g::r,m::rwx,o::r (linux/posix_acl_xattr.h). */
    private static final String SET_ACL =
            """
            my $acl = pack("V", 2) . join "", map { pack "vvV", @$_ }
                [1, 4, -1], [2, 7, 1234], [4, 4, -1], [16, 7, -1], [32, 4, -1];
            my $name = "system.posix_acl_access";
            my $result = syscall(188, $ARGV[0], $name, $acl, length $acl, 0);
            print $result, " ", $result ? $! + 0 : "";
            """;

    private long requests(String opcode) throws IOException {
        try (Stream<String> lines = Files.lines(log)) {
            return lines.filter(line -> line.contains("virtiofsd] " + opcode + " ")).count();
        }
    }

    /** What INIT agreed on, from the log of a daemon with --log-level=debug. */
    private List<String> flags(String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of(options));
        all.add("--log-level=debug");
        end(start(all.toArray(new String[0])));
        try (Stream<String> lines = Files.lines(log)) {
            String init = lines.filter(line -> line.contains("] INIT ")).findFirst().orElseThrow();
            String names = init.substring(init.indexOf(" flags=") + 7, init.lastIndexOf(", "));
            return List.of(names.split("[|]", -1));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "--posix-acl, POSIX_ACL, true",
        "--posix-acl=auto, POSIX_ACL, true",
        "--posix-acl=never, POSIX_ACL, false",
        "-oposix_acl, POSIX_ACL, true",
        "--security-label, SECURITY_CTX, true",
        "--security-label=auto, SECURITY_CTX, true",
        "--security-label=never, SECURITY_CTX, false",
        "--killpriv-v2, HANDLE_KILLPRIV_V2, true",
        "--no-killpriv-v2, HANDLE_KILLPRIV_V2, false",
        "--writeback, WRITEBACK_CACHE, true",
        "--announce-submounts, WRITEBACK_CACHE, false",
        "--no-readdirplus, DO_READDIRPLUS, false",
        "--cache=auto, DO_READDIRPLUS, true",
        "--cache=never, DO_READDIRPLUS, false",
        "--allow-mmap, DIRECT_IO_ALLOW_MMAP, true",
        "--announce-submounts, DIRECT_IO_ALLOW_MMAP, false",
        "--posix-lock, POSIX_LOCKS, true",
        "--flock, FLOCK_LOCKS, true",
        "--announce-submounts, POSIX_LOCKS, false",
    })
    void theSessionHasWhatWasAskedFor(String option, String flag, boolean expected)
            throws Exception {
        List<String> flags = flags(option);
        assertEquals(expected, flags.contains(flag), flags::toString);
    }

    @Test
    void xattr() throws Exception {
        Path file = Files.writeString(share.resolve("f"), "x");
        Files.setAttribute(file, "user:seen", ByteBuffer.wrap(new byte[] {1}));
        Process without = start();
        assertFalse(has(mount.resolve("f"), "seen"));
        end(without);
        Process with = start("--xattr");
        assertTrue(has(mount.resolve("f"), "seen"));
        end(with);
    }

    private static boolean has(Path file, String attribute) {
        try {
            return Files.getAttribute(file, "user:" + attribute) != null;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void posixAclsAreKept() throws Exception {
        Files.writeString(share.resolve("f"), "x");
        Process with = start("--posix-acl");
        assertEquals("0", Processes.output("perl", "-e", SET_ACL, mount + "/f"));
        end(with);
        // Bits of the group are those of the mask now.
        assertEquals(0474, (int) Files.getAttribute(share.resolve("f"), "unix:mode") & 0777);
        Process without = start("--xattr");
        assertEquals("-1 95", Processes.output("perl", "-e", SET_ACL, mount + "/f"), "EOPNOTSUPP");
        end(without);
    }

    @Test
    void socketPathGroupAndItsOldName() throws Exception {
        for (String option : List.of("--socket-path=", "--socket=")) {
            Path socket = dir.resolve("sock");
            Process daemon =
                    new ProcessBuilder(
                                    Rig.virtiofsd().toString(),
                                    "--shared-dir=" + share,
                                    option + socket,
                                    "--socket-group=daemon")
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile())
                            .start();
            try {
                awaitLog("Waiting for vhost-user socket");
                Map<String, Object> is = Files.readAttributes(socket, "unix:gid,mode");
                assertEquals(1, is.get("gid"), "daemon is group 1 of every Debian");
                assertEquals(0770, (int) is.get("mode") & 0777);
            } finally {
                daemon.destroy();
                daemon.waitFor();
            }
        }
    }

    private void awaitLog(String text) throws Exception {
        for (int i = 0; i < 500; i++) {
            if (Files.exists(log) && Files.readString(log).contains(text)) {
                return;
            }
            Thread.sleep(20);
        }
        throw new AssertionError(text + " is not in: " + Files.readString(log));
    }

    /** The flags, in the daemon, of a file that was opened through the mount. */
    private int flagsOnTheHost(int flags, String... options) throws Exception {
        Files.writeString(share.resolve("opened"), "x".repeat(5000));
        Process daemon = start(options);
        Process user =
                new ProcessBuilder(
                                "perl", "-e", OPEN, mount + "/opened", Integer.toOctalString(flags))
                        .start();
        try {
            assertEquals('o', user.getInputStream().read());
            Path of = Path.of("/proc", Long.toString(jvm(daemon)));
            try (Stream<Path> all = Files.list(of.resolve("fd"))) {
                for (Path fd : all.toList()) {
                    String info = info(of.resolve("fdinfo").resolve(fd.getFileName()));
                    if (target(fd).endsWith("/opened") && (octal(info) & 010000000) == 0) {
                        return octal(info);
                    }
                }
            }
            throw new AssertionError("the daemon has not opened it");
        } finally {
            user.getOutputStream().close();
            user.waitFor();
            end(daemon);
        }
    }

    private static String info(Path file) throws IOException {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            return "flags:\t010000000\n"; // closed since
        }
    }

    private static String target(Path link) throws IOException {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (NoSuchFileException e) {
            return "";
        }
    }

    private static int octal(String fdinfo) {
        int at = fdinfo.indexOf("flags:\t") + 7;
        return Integer.parseInt(fdinfo.substring(at, fdinfo.indexOf('\n', at)), 8);
    }

    @Test
    void directIoReachesTheHost() throws Exception {
        int direct = 040000;
        assertEquals(0, flagsOnTheHost(direct) & direct);
        assertEquals(direct, flagsOnTheHost(direct, "--allow-direct-io") & direct);
    }

    @Test
    void noatimeReachesTheHost() throws Exception {
        int noatime = 01000000;
        assertEquals(0, flagsOnTheHost(noatime) & noatime);
        assertEquals(noatime, flagsOnTheHost(noatime, "--preserve-noatime") & noatime);
    }

    @Test
    void writebackGathersWrites() throws Exception {
        String write = "for i in 1 2 3 4 5 6 7 8 9; do printf $i; done >" + mount + "/w";
        Process through = start("--log-level=debug");
        assertEquals("", Processes.output("sh", "-c", write));
        end(through);
        assertEquals(9, requests("WRITE"));
        Process back = start("--log-level=debug", "--writeback");
        assertEquals("", Processes.output("sh", "-c", write));
        end(back);
        assertEquals(1, requests("WRITE"));
        assertEquals("123456789", Files.readString(share.resolve("w")));
    }

    @Test
    void readdirplusBringsAttributes() throws Exception {
        for (int i = 0; i < 20; i++) {
            Files.createFile(share.resolve("f" + i));
        }
        Process with = start("--log-level=debug");
        Processes.output("ls", "-l", mount.toString());
        end(with);
        assertNotEquals(0, requests("READDIRPLUS"));
        Process without = start("--log-level=debug", "--no-readdirplus");
        Processes.output("ls", "-l", mount.toString());
        end(without);
        assertEquals(0, requests("READDIRPLUS"));
        assertNotEquals(0, requests("READDIR"));
    }

    /** What another process of the host does is seen at once, within a second, or not for a day. */
    @ParameterizedTest
    @CsvSource({
        "never, true, true",
        "auto, false, true",
        "metadata, false, false",
        "always, false, false"
    })
    void cachePoliciesKeepWhatTheyPromise(String policy, boolean atOnce, boolean soon)
            throws Exception {
        Path file = Files.writeString(share.resolve("f"), "1234");
        Process daemon = start("--cache=" + policy);
        Path seen = mount.resolve("f");
        assertEquals(4, Files.size(seen));
        Files.writeString(file, "123456");
        long begin = System.nanoTime();
        boolean first = Files.size(seen) == 6;
        if (System.nanoTime() - begin < 500_000_000L) {
            assertEquals(atOnce, first);
        }
        Thread.sleep(1500);
        assertEquals(soon, Files.size(seen) == 6);
        end(daemon);
    }

    @Test
    void mmapOfFilesThatAreNotCached() throws Exception {
        Files.writeString(share.resolve("f"), "x".repeat(4096));
        Process without = start("--cache=never");
        assertEquals("errno 19", Processes.output("perl", "-e", MAP, mount + "/f"));
        end(without);
        Process with = start("--cache=never", "--allow-mmap");
        assertEquals("mapped", Processes.output("perl", "-e", MAP, mount + "/f"));
        end(with);
    }

    private static String status(Process daemon, String line) throws IOException {
        try (Stream<String> lines =
                Files.lines(Path.of("/proc", Long.toString(jvm(daemon)), "status"))) {
            return lines.filter(l -> l.startsWith(line + ":"))
                    .findFirst()
                    .orElseThrow()
                    .substring(line.length() + 1)
                    .strip();
        }
    }

    private static String namespace(long pid) throws IOException {
        return Files.readSymbolicLink(Path.of("/proc", Long.toString(pid), "ns/mnt")).toString();
    }

    @Test
    void sandboxAndSeccomp() throws Exception {
        long self = ProcessHandle.current().pid();
        Process namespace = start();
        assertNotEquals(namespace(self), namespace(jvm(namespace)));
        assertEquals("2", status(namespace, "Seccomp"));
        end(namespace);
        Process chroot = start("--sandbox=chroot", "--seccomp=log");
        assertEquals(namespace(self), namespace(jvm(chroot)));
        assertEquals(share, root(chroot));
        assertEquals("2", status(chroot, "Seccomp"));
        end(chroot);
        Process none = start("--sandbox=none", "--seccomp=none");
        assertEquals(namespace(self), namespace(jvm(none)));
        assertEquals(Path.of("/"), root(none));
        assertEquals("0", status(none, "Seccomp"));
        end(none);
    }

    private static Path root(Process daemon) throws IOException {
        return Files.readSymbolicLink(Path.of("/proc", Long.toString(jvm(daemon)), "root"));
    }

    /** Of the threads that serve; those of the JVM keep what the way into the jail needs. */
    @Test
    void modcaps() throws Exception {
        long mknod = 1L << 27;
        Process with = start();
        assertNotEquals(0, servingCapabilities(with) & mknod);
        end(with);
        Process without = start("--modcaps=-mknod");
        assertEquals(0, servingCapabilities(without) & mknod);
        assertTrue(
                Processes.output("mknod", mount + "/n", "b", "7", "0").contains("not permitted"));
        end(without);
    }

    private static long servingCapabilities(Process daemon) throws IOException {
        Path tasks = Path.of("/proc", Long.toString(jvm(daemon)), "task");
        try (Stream<Path> all = Files.list(tasks)) {
            for (Path task : all.toList()) {
                if (Files.readString(task.resolve("comm")).startsWith("fuse-")) {
                    String status = Files.readString(task.resolve("status"));
                    int at = status.indexOf("CapPrm:\t") + 8;
                    return Long.parseUnsignedLong(status.substring(at, at + 16), 16);
                }
            }
        }
        throw new AssertionError("no thread serves");
    }

    @Test
    void rlimitNofile() throws Exception {
        Process daemon = start("--rlimit-nofile=4321");
        String limits = Files.readString(Path.of("/proc", Long.toString(jvm(daemon)), "limits"));
        assertTrue(limits.contains("Max open files            4321"), limits);
        end(daemon);
    }

    /** Beyond the budget of descriptors there are handles, or nothing more. */
    @Test
    void inodeFileHandlesAndMaxOpenInodes() throws Exception {
        for (int i = 0; i < 300; i++) {
            Files.createFile(share.resolve("f" + i));
        }
        Process many = start("--inode-file-handles=never");
        assertEquals(300, Processes.output("ls", "-l", mount.toString()).lines().count() - 1);
        assertTrue(descriptors(many) > 300, () -> descriptors(many) + " descriptors");
        end(many);
        Process few = start("--inode-file-handles=never", "--max-open-inodes=50");
        assertTrue(Processes.output("ls", "-l", mount.toString()).contains("Too many open files"));
        end(few);
        Process handles = start("--inode-file-handles=prefer", "--max-open-inodes=50");
        assertEquals(300, Processes.output("ls", "-l", mount.toString()).lines().count() - 1);
        assertTrue(descriptors(handles) < 120, () -> descriptors(handles) + " descriptors");
        end(handles);
    }

    /** procfs has no file handles. */
    @Test
    void mandatoryFileHandles() throws Exception {
        Processes.output("mount", "-t", "proc", "none", share.toString());
        try {
            end(start("--inode-file-handles=prefer"));
            AssertionError refused =
                    assertThrows(
                            AssertionError.class, () -> start("--inode-file-handles=mandatory"));
            assertTrue(String.valueOf(refused).contains("EOPNOTSUPP"), refused::toString);
        } finally {
            Processes.output("umount", share.toString());
        }
    }

    private static int descriptors(Process daemon) {
        String[] all = Path.of("/proc", Long.toString(jvm(daemon)), "fd").toFile().list();
        return all == null ? -1 : all.length;
    }

    /** The peer is asked itself: a new version of it may have more. */
    @Test
    void versionAndHelp() throws Exception {
        assertTrue(
                Processes.output(Rig.virtiofsd().toString(), "--version")
                        .matches("virtiofsd \\S+.*"));
        String help = Processes.output(Rig.virtiofsd().toString(), "--help");
        String peers = Processes.output(Rig.tool("virtiofsd-rust").toString(), "--help");
        List<String> options =
                Pattern.compile("^ +(?:-\\w, )?--([a-z][a-z0-9-]+)", Pattern.MULTILINE)
                        .matcher(peers)
                        .results()
                        .map(found -> found.group(1))
                        .toList();
        assertTrue(options.size() > 35, options::toString);
        String page = Files.readString(Rig.repository().resolve("docs/options.md"));
        for (String option : options) {
            assertTrue(help.contains("--" + option), option);
            assertTrue(
                    Pattern.compile("^\\| `--" + option + "\\b", Pattern.MULTILINE)
                            .matcher(page)
                            .find(),
                    option);
        }
    }

    @Test
    void logLevel() throws Exception {
        end(start("--log-level=off"));
        assertEquals("", Files.readString(log));
        end(start());
        assertTrue(Files.readString(log).contains("is mounted on"));
        assertEquals(0, requests("INIT"));
        end(start("--log-level=debug"));
        assertEquals(1, requests("INIT"));
    }

    /** With a /dev of its own, in which there is a log socket. */
    @Test
    void syslog() throws Exception {
        Path socket = dir.resolve("devlog");
        String receive =
                """
                use Socket;
                $| = 1;
                socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
                bind($s, pack_sockaddr_un($ARGV[0])) or die "bind: $!";
                print "bound\\n";
                recv($s, my $line, 4096, 0);
                print $line;
                """;
        Process system = new ProcessBuilder("perl", "-e", receive, socket.toString()).start();
        assertEquals('b', system.getInputStream().read());
        Files.createFile(dir.resolve("empty"));
        Process daemon =
                new ProcessBuilder(
                                "unshare",
                                "--mount",
                                "sh",
                                "-c",
                                "mkdir \"$0/dev\" && mount -t tmpfs none \"$0/dev\""
                                        + " && for n in null urandom random; do"
                                        + " touch \"$0/dev/$n\"; mount --bind /dev/$n \"$0/dev/$n\";"
                                        + " done; touch \"$0/dev/log\""
                                        + " && mount --bind \"$0/devlog\" \"$0/dev/log\""
                                        + " && mount --rbind \"$0/dev\" /dev; exec \"$@\"",
                                dir.toString(),
                                Rig.virtiofsd().toString(),
                                "--shared-dir=" + share,
                                "--socket-path=" + dir.resolve("sock"),
                                "--syslog")
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        try {
            assertTrue(system.waitFor(20, TimeUnit.SECONDS), () -> "no line came");
            String line =
                    new String(system.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(line.contains("<30>") && line.contains("virtiofsd"), line);
        } finally {
            system.destroy();
            daemon.destroy();
            daemon.waitFor();
        }
    }
}
