package io.porthole.sandbox.orchestrator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Volumes with DAX, and the guest's own root, which is always mapped. */
class DaxIT {
    private static final int BYTES = 8 << 20;

    @TempDir static Path dir;

    private static Path volume(Path in) throws IOException {
        Path volume = Files.createDirectories(in.resolve("volume"));
        byte[] bytes = new byte[BYTES];
        new Random(6).nextBytes(bytes);
        Files.write(volume.resolve("big"), bytes);
        return volume;
    }

    private static String sha256(Path file) throws Exception {
        return HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    }

    /**
     * Where the process has a file mapped: bytes by the mapping's kind, from smaps. By its inode: a
     * path of the daemon's own mount namespace would say nothing here.
     */
    private static long mapped(long pid, Path file, String kind) throws IOException {
        long bytes = 0;
        boolean in = false;
        String inode = Files.getAttribute(file, "unix:ino").toString();
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                in = line.split("\\s+", -1)[4].equals(inode);
            } else if (in && line.startsWith(kind + ":")) {
                bytes += 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        return bytes;
    }

    @ParameterizedTest(name = "kernel {0}")
    @CsvSource({"6.1", "7"})
    void aDaxVolumeIsMappedIntoTheGuest(String kernel) throws Exception {
        String keys = "virtio_fs_cache_size = 64\n";
        if (kernel.equals("7")) {
            Path guest = GuestParts.newGuest();
            keys +=
                    "kernel = \"%s\"\ninitrd = \"%s\"\nimage = \"%s\"\n"
                            .formatted(
                                    guest.resolve("vmlinux.gz"),
                                    guest.resolve("initramfs"),
                                    guest.resolve("rootfs.erofs"));
        }
        Path own = Files.createDirectory(dir.resolve("k" + kernel));
        Path volume = volume(own);
        Path big = volume.resolve("big");
        try (Porthole porthole = new Porthole(own, GuestParts.newQemu(), keys)) {
            Porthole.Result started =
                    porthole.run(
                            "run",
                            "-d",
                            "--name",
                            "one",
                            "-v",
                            volume + ":/data:dax",
                            "-v",
                            volume + ":/plain",
                            "--network",
                            "none",
                            porthole.root().toString(),
                            "sleep",
                            "100000");
            started.ok();
            assertFalse(started.err().contains("without dax"), started::err);
            assertTrue(porthole.shell("one", "uname -r").line().startsWith(kernel), "guest kernel");
            long qemu = porthole.pid("one", "qemu");
            // The same file without DAX: QEMU knows nothing of it.
            assertEquals(
                    sha256(big) + "  /plain/big",
                    porthole.shell("one", "sha256sum /plain/big").line());
            assertEquals(0, mapped(qemu, big, "Size"));
            assertEquals(
                    sha256(big) + "  /data/big",
                    porthole.shell("one", "sha256sum /data/big").line());
            assertEquals(BYTES, mapped(qemu, big, "Size"));
            // Stores of both sides.
            porthole.shell(
                            "one",
                            "echo -n guest | dd of=/data/big bs=1 seek=5000 conv=notrunc 2>/dev/null")
                    .ok();
            try (FileChannel file =
                    FileChannel.open(big, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                ByteBuffer five = ByteBuffer.allocate(5);
                file.read(five, 5000);
                assertEquals(
                        "guest", new String(five.array(), java.nio.charset.StandardCharsets.UTF_8));
                file.write(
                        ByteBuffer.wrap("host".getBytes(java.nio.charset.StandardCharsets.UTF_8)),
                        7000);
            }
            assertEquals(
                    "host",
                    porthole.shell("one", "dd if=/data/big bs=1 skip=7000 count=4 2>/dev/null")
                            .line());
            assertEquals(
                    sha256(big) + "  /data/big",
                    porthole.shell("one", "sha256sum /data/big").line());
            porthole.run("rm", "-f", "one").ok();
            porthole.assertNothingLeft();
        }
    }

    @Test
    void twoContainersOfAPodShareADaxVolume() throws Exception {
        Path own = Files.createDirectory(dir.resolve("pod"));
        Path volume = volume(own);
        Path big = volume.resolve("big");
        String keys = "virtio_fs_cache_size = 64\n";
        try (Porthole porthole = new Porthole(own, GuestParts.newQemu(), keys)) {
            porthole.run("sandbox", "create", "--dax", "--network", "none", "pod").ok();
            for (String name : List.of("one", "two")) {
                Porthole.Result started =
                        porthole.run(
                                "run",
                                "-d",
                                "--name",
                                name,
                                "--sandbox",
                                "pod",
                                "-v",
                                volume + ":/data:dax",
                                porthole.root().toString(),
                                "sleep",
                                "100000");
                started.ok();
                assertFalse(started.err().contains("without dax"), started::err);
            }
            for (String name : List.of("one", "two")) {
                assertEquals(
                        sha256(big) + "  /data/big",
                        porthole.shell(name, "sha256sum /data/big").line());
            }
            long mapped = mapped(porthole.pid("one", "qemu"), big, "Size");
            assertTrue(mapped >= BYTES, () -> mapped + " bytes of the file in the window");
            porthole.shell(
                            "one",
                            "echo -n first | dd of=/data/big bs=1 seek=5000 conv=notrunc 2>/dev/null")
                    .ok();
            assertEquals(
                    "first",
                    porthole.shell("two", "dd if=/data/big bs=1 skip=5000 count=5 2>/dev/null")
                            .line());
            // The volume outlives the container that is removed first.
            porthole.run("rm", "-f", "one").ok();
            assertEquals(
                    sha256(big) + "  /data/big",
                    porthole.shell("two", "sha256sum /data/big").line());
            porthole.run("sandbox", "rm", "-f", "pod").ok();
            porthole.assertNothingLeft();
        }
    }

    /** What a container of the sandbox says of its volume, which is not mapped into the guest. */
    private static void assertSharedAsUsual(Porthole porthole, String name, Path big)
            throws Exception {
        assertEquals(
                sha256(big) + "  /data/big", porthole.shell(name, "sha256sum /data/big").line());
        assertEquals(0, mapped(porthole.pid(name, "qemu"), big, "Size"), "bytes mapped");
        porthole.shell(name, "echo -n guest | dd of=/data/big bs=1 seek=5000 conv=notrunc").ok();
        assertEquals(
                "guest",
                new String(
                        Files.readAllBytes(big), 5000, 5, java.nio.charset.StandardCharsets.UTF_8));
    }

    private static Porthole.Result runIn(
            Porthole porthole, String sandbox, String name, String volume) throws Exception {
        return porthole.run(
                "run",
                "-d",
                "--name",
                name,
                "--sandbox",
                sandbox,
                "-v",
                volume,
                porthole.root().toString(),
                "sleep",
                "100000");
    }

    @Test
    void aSandboxMadeWithoutDaxSharesADaxVolumeAsUsualAndSaysSo() throws Exception {
        Path own = Files.createDirectory(dir.resolve("without"));
        Path volume = volume(own);
        try (Porthole porthole = new Porthole(own, GuestParts.newQemu(), "")) {
            porthole.run("sandbox", "create", "--network", "none", "pod").ok();
            Porthole.Result plain = runIn(porthole, "pod", "plain", volume + ":/data").ok();
            assertEquals("", plain.err(), "nobody asked for dax");
            Porthole.Result dax = runIn(porthole, "pod", "dax", volume + ":/data:dax").ok();
            assertEquals(
                    "porthole: volumes are shared without dax: the sandbox pod has no window for it"
                            + " (sandbox create --dax makes one)",
                    dax.err().strip());
            assertSharedAsUsual(porthole, "dax", volume.resolve("big"));
            porthole.run("sandbox", "rm", "-f", "pod").ok();
            porthole.assertNothingLeft();
        }
    }

    @Test
    void aSandboxOfAnOlderQemuHasNoWindowThoughAskedForOneAndSaysSo() throws Exception {
        Path own = Files.createDirectory(dir.resolve("old-pod"));
        Path volume = volume(own);
        try (Porthole porthole = new Porthole(own)) {
            Porthole.Result created =
                    porthole.run("sandbox", "create", "--dax", "--network", "none", "pod").ok();
            assertTrue(
                    created.err()
                            .strip()
                            .matches(
                                    "porthole: volumes are shared without dax: QEMU 7\\.2[0-9.]* has"
                                            + " no windows for DAX \\(11\\.1 or newer has\\)"),
                    created::err);
            Porthole.Result dax = runIn(porthole, "pod", "dax", volume + ":/data:dax").ok();
            assertTrue(dax.err().contains("the sandbox pod has no window for it"), dax::err);
            assertSharedAsUsual(porthole, "dax", volume.resolve("big"));
            porthole.run("sandbox", "rm", "-f", "pod").ok();
            porthole.assertNothingLeft();
        }
    }

    @Test
    void anOlderQemuSaysSoAndSharesWithoutDax() throws Exception {
        Path own = Files.createDirectory(dir.resolve("old"));
        Path volume = volume(own);
        try (Porthole porthole = new Porthole(own)) {
            Porthole.Result r =
                    porthole.run(
                            "run",
                            "--rm",
                            "-v",
                            volume + ":/data:dax",
                            "--network",
                            "none",
                            porthole.root().toString(),
                            "sha256sum",
                            "/data/big");
            assertEquals(sha256(volume.resolve("big")) + "  /data/big", r.line());
            assertTrue(r.err().contains("volumes are shared without dax: QEMU 7.2"), r::err);
        }
    }

    /** Two guests, one image: its pages are the host's page cache, and there is one copy. */
    @Test
    void theGuestsRootIsTheHostsPageCache() throws Exception {
        Path own = Files.createDirectory(dir.resolve("root-dax"));
        Path image = GuestParts.guest("rootfs.erofs").toRealPath();
        try (Porthole porthole = new Porthole(own)) {
            for (String name : List.of("a", "b")) {
                porthole.run(
                                "run",
                                "-d",
                                "--privileged",
                                "--name",
                                name,
                                "--network",
                                "none",
                                porthole.root().toString(),
                                "sleep",
                                "100000")
                        .ok();
                String said = porthole.shell(name, "dmesg | grep -i 'erofs.*dax'").line();
                assertTrue(said.contains("pmem0") && said.contains("DAX enabled"), said);
            }
            for (String name : List.of("a", "b")) {
                long qemu = porthole.pid(name, "qemu");
                long resident = mapped(qemu, image, "Rss");
                long shared = mapped(qemu, image, "Pss");
                assertTrue(resident > 4 << 20, () -> resident + " bytes of the image in use");
                assertEquals(0, mapped(qemu, image, "Anonymous"), "copies");
                // Proportional set size: each page divided by the number of its users.
                assertTrue(shared < resident * 3 / 4, () -> shared + " of " + resident);
            }
        }
    }
}
