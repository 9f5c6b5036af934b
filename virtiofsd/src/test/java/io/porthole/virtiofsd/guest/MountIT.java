package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** {@code --mount}: the share on this host's own kernel. Needs root and /dev/fuse. */
class MountIT extends MountTestBase {
    @Test
    void filesAreTheSameOnBothSides() throws Exception {
        Process daemon = start("--xattr");
        Files.createDirectories(mount.resolve("a/b"));
        byte[] content = new byte[3_000_001];
        new java.util.Random(1).nextBytes(content);
        Files.write(mount.resolve("a/b/file"), content);
        assertEquals(-1, Files.mismatch(mount.resolve("a/b/file"), share.resolve("a/b/file")));
        Files.write(share.resolve("from-below"), content);
        assertEquals(-1, Files.mismatch(mount.resolve("from-below"), share.resolve("from-below")));
        Files.move(mount.resolve("a/b/file"), mount.resolve("moved"));
        assertTrue(Files.exists(share.resolve("moved")));
        Files.createLink(mount.resolve("link"), mount.resolve("moved"));
        assertEquals(2, Files.getAttribute(share.resolve("moved"), "unix:nlink"));
        Files.setAttribute(mount.resolve("moved"), "unix:mode", 04711);
        assertEquals(
                Files.getAttribute(mount.resolve("moved"), "unix:mode"),
                Files.getAttribute(share.resolve("moved"), "unix:mode"));
        Files.setAttribute(mount.resolve("moved"), "user:name", ByteBuffer.wrap(new byte[] {7}));
        assertEquals(1, ((byte[]) Files.getAttribute(share.resolve("moved"), "user:name")).length);
        try (FileChannel open = FileChannel.open(mount.resolve("moved"), StandardOpenOption.READ)) {
            Files.delete(mount.resolve("moved"));
            Files.delete(mount.resolve("link"));
            assertEquals(content.length, open.size());
        }
        try (Arena arena = Arena.ofConfined();
                FileChannel open =
                        FileChannel.open(
                                mount.resolve("mapped"),
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE,
                                StandardOpenOption.CREATE)) {
            var pages = open.map(FileChannel.MapMode.READ_WRITE, 0, 10_000, arena);
            pages.set(ValueLayout.JAVA_BYTE, 9_999, (byte) 5);
            pages.force();
        }
        assertEquals(5, Files.readAllBytes(share.resolve("mapped"))[9_999]);
        end(daemon);
    }

    /** In the jail, whose system calls and classes the in-process tests of the maps do not meet. */
    @Test
    void namesAndIdsAreMapped() throws Exception {
        Process daemon =
                start(
                        "--xattrmap=:map:user.own.:user.virtiofs.:",
                        "--translate-uid=map:1000:70000:10",
                        "--translate-uid=forbid-guest:500:1",
                        "--translate-gid=squash-guest:2000:80000:5");
        Path file = Files.writeString(mount.resolve("f"), "text");
        Files.setAttribute(file, "user:own.a", ByteBuffer.wrap(new byte[] {7}));
        Files.setAttribute(file, "user:b", ByteBuffer.wrap(new byte[] {8}));
        UserDefinedFileAttributeView seen =
                Files.getFileAttributeView(file, UserDefinedFileAttributeView.class);
        assertEquals(Set.of("own.a", "b"), Set.copyOf(seen.list()));
        UserDefinedFileAttributeView kept =
                Files.getFileAttributeView(share.resolve("f"), UserDefinedFileAttributeView.class);
        assertEquals(Set.of("virtiofs.user.own.a", "b"), Set.copyOf(kept.list()));
        assertThrows(IOException.class, () -> seen.size("virtiofs.user.own.a"));
        Files.setAttribute(file, "unix:uid", 1003);
        Files.setAttribute(file, "unix:gid", 2002);
        assertEquals(70003, Files.getAttribute(share.resolve("f"), "unix:uid"));
        assertEquals(80000, Files.getAttribute(share.resolve("f"), "unix:gid"));
        assertEquals(1003, Files.getAttribute(file, "unix:uid"));
        assertEquals(80000, Files.getAttribute(file, "unix:gid"), "squashed one way");
        assertThrows(IOException.class, () -> Files.setAttribute(file, "unix:uid", 500));
        end(daemon);
    }

    /**
     * The launcher makes the user namespace; what the host has outside of its ranges is nobody's.
     */
    @Test
    void idsOfTheNamespaceAreTheRangesGiven() throws Exception {
        Files.writeString(share.resolve("host"), "text");
        Files.setAttribute(dir, "unix:mode", 0755); // else the namespace's root may not come by
        Files.setAttribute(share, "unix:uid", 100_000);
        Files.setAttribute(share, "unix:gid", 200_000);
        Process daemon =
                start(
                        "--uid-map=:0:100000:1000:",
                        "--uid-map",
                        ",5000,300000,10,",
                        "--gid-map=:0:200000:65536:");
        assertEquals(0, Files.getAttribute(mount, "unix:uid"));
        assertEquals(65534, Files.getAttribute(mount.resolve("host"), "unix:uid"));
        Path file = Files.writeString(mount.resolve("f"), "text");
        assertEquals(100_000, Files.getAttribute(share.resolve("f"), "unix:uid"));
        assertEquals(200_000, Files.getAttribute(share.resolve("f"), "unix:gid"));
        Files.setAttribute(file, "unix:uid", 5003);
        Files.setAttribute(file, "unix:gid", 7);
        assertEquals(300_003, Files.getAttribute(share.resolve("f"), "unix:uid"));
        assertEquals(200_007, Files.getAttribute(share.resolve("f"), "unix:gid"));
        assertEquals(5003, Files.getAttribute(file, "unix:uid"));
        assertThrows(IOException.class, () -> Files.setAttribute(file, "unix:uid", 2000));
        assertThrows(
                IOException.class, () -> Files.setAttribute(mount.resolve("host"), "unix:uid", 0));
        end(daemon);
    }

    @Test
    void manyProcessesAtOnceWithEveryThread() throws Exception {
        Process daemon = start("--mount-threads=4");
        List<Process> writers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            String script =
                    "cd $0; mkdir w"
                            + i
                            + " && cd w"
                            + i
                            + " && for n in $(seq 300); do echo $n > $n; mv $n m$n; done; cat m* | sum";
            writers.add(
                    new ProcessBuilder("sh", "-c", script, mount.toString())
                            .redirectErrorStream(true)
                            .redirectOutput(dir.resolve("sum" + i).toFile())
                            .start());
        }
        for (Process writer : writers) {
            assertTrue(writer.waitFor(120, TimeUnit.SECONDS));
            assertEquals(0, writer.exitValue());
        }
        for (int i = 0; i < 4; i++) {
            assertEquals(
                    Files.readString(dir.resolve("sum0")),
                    Files.readString(dir.resolve("sum" + i)));
            try (var files = Files.list(share.resolve("w" + i))) {
                assertEquals(300, files.count());
            }
        }
        end(daemon);
    }

    @Test
    void aReadOnlyShareRefusesChanges() throws Exception {
        Files.writeString(share.resolve("f"), "text");
        Process daemon = start("--readonly");
        assertEquals("text", Files.readString(mount.resolve("f")));
        IOException refused = null;
        try {
            Files.writeString(mount.resolve("g"), "x");
        } catch (IOException e) {
            refused = e;
        }
        assertTrue(String.valueOf(refused).contains("Read-only file system"), () -> "refused");
        end(daemon);
        assertFalse(Files.exists(share.resolve("g")));
    }

    @Test
    void endsWithTheMount() throws Exception {
        Process daemon = start();
        assertEquals(0, new ProcessBuilder("umount", mount.toString()).start().waitFor());
        assertTrue(daemon.waitFor(20, TimeUnit.SECONDS));
        assertEquals(0, daemon.exitValue(), Files.readString(log));
    }

    @Test
    void aBusyMountIsTakenAwayBySigterm() throws Exception {
        Process daemon = start();
        Process user = new ProcessBuilder("sleep", "1000").directory(mount.toFile()).start();
        try {
            daemon.destroy();
            assertTrue(daemon.waitFor(20, TimeUnit.SECONDS));
        } finally {
            user.destroyForcibly().waitFor();
        }
    }

    @Test
    void aDaemonThatIsKilledLeavesNoDeadMount() throws Exception {
        Process daemon = start();
        long jvm = jvm(daemon);
        ProcessHandle.of(jvm).orElseThrow().destroyForcibly();
        assertTrue(daemon.waitFor(20, TimeUnit.SECONDS));
        assertNotEquals(0, daemon.exitValue());
        assertFalse(mounted());
        try {
            Files.readString(mount.resolve("x"));
        } catch (NoSuchFileException expected) {
            return; // the empty directory below, not "transport endpoint is not connected"
        }
        throw new AssertionError("something is still there");
    }

    @Test
    void aWrongPlaceIsOneClearLine() throws Exception {
        Process process =
                new ProcessBuilder(
                                Rig.virtiofsd().toString(),
                                "--shared-dir=" + share,
                                "--mount=" + dir.resolve("nowhere"))
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertEquals(1, process.exitValue());
        assertTrue(Files.readString(log).contains("nowhere"), Files.readString(log));
    }

    /** The figures of a mount, from inside its jail. */
    @Test
    void metricsOfAMount() throws Exception {
        Files.writeString(share.resolve("f"), "text");
        Path socket = dir.resolve("metrics");
        Process daemon = start("--metrics=unix:" + socket);
        assertEquals("text", Files.readString(mount.resolve("f")));
        Map<String, Double> page = MetricsIT.scrape(UnixDomainSocketAddress.of(socket));
        assertEquals(2, page.get("porthole_inodes{share=\"\"}"));
        assertEquals(1, page.get("porthole_requests_total{share=\"\",operation=\"READ\"}"));
        end(daemon);
        assertFalse(Files.exists(socket));
    }

    /**
     * A remount drops what the kernel has cached. While the daemon stands still, FORGETs gather to
     * one message, longer than any that a guest sends.
     */
    @Test
    void inodesForgottenByTheThousandAreGone() throws Exception {
        int files = 20_000;
        for (int i = 0; i < files; i++) {
            Files.createFile(share.resolve("f" + i));
        }
        SocketAddress page = UnixDomainSocketAddress.of(dir.resolve("metrics"));
        Process daemon = start("--metrics=unix:" + dir.resolve("metrics"));
        String pid = Long.toString(jvm(daemon));
        for (int i = 0; i < files; i++) {
            assertTrue(Files.isRegularFile(mount.resolve("f" + i)));
        }
        String inodes = "porthole_inodes{share=\"\"}";
        assertEquals(files + 1, MetricsIT.scrape(page).get(inodes));
        Processes.must("kill", "-STOP", pid);
        try {
            Processes.must("mount", "-o", "remount", mount.toString());
        } finally {
            Processes.must("kill", "-CONT", pid);
        }
        Instant limit = Instant.now().plusSeconds(60);
        while (MetricsIT.scrape(page).get(inodes) > 1 && Instant.now().isBefore(limit)) {
            Thread.sleep(50);
        }
        assertEquals(1, MetricsIT.scrape(page).get(inodes));
        end(daemon);
    }
}
