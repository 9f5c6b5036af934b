package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A real source tree, written by one side and read by the other. */
class SourceTreeIT extends GuestTestBase {
    private static final Duration LIMIT = Duration.ofMinutes(8);

    static List<Machine> machines() {
        return Machine.pair();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("machines")
    void treeUnpackedInTheGuestIsTheArchivesOnTheHost(Machine machine)
            throws IOException, InterruptedException {
        Path archive = Rig.sourceTreeArchive();
        Manifest expected;
        try (InputStream tar = new BufferedInputStream(Files.newInputStream(archive))) {
            expected = Manifest.ofTar(tar);
        }
        assertTrue(expected.files() >= 20_000, "the archive holds " + expected.files() + " files");
        Files.createDirectory(share.resolve("tree"));
        Files.copy(archive, share.resolve("tree.tar"));
        withGuest(
                machine,
                (guest, daemon) -> {
                    guest.must("cd /mnt/tree && tar xf ../tree.tar", LIMIT);
                    Manifest onHost = Manifest.ofTree(share.resolve("tree"));
                    assertEquals(List.of(), expected.differences(onHost));
                    assertEquals(expected.hash(), onHost.hash());
                });
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("machines")
    void treeUnpackedOnTheHostIsTheArchivesInTheGuest(Machine machine)
            throws IOException, InterruptedException {
        Path archive = Rig.sourceTreeArchive();
        Path tree = Files.createDirectory(share.resolve("tree"));
        int exit =
                new ProcessBuilder(
                                Rig.tool("busybox").toString(),
                                "tar",
                                "xf",
                                archive.toString(),
                                "-C",
                                tree.toString())
                        .inheritIO()
                        .start()
                        .waitFor();
        assertEquals(0, exit);
        // What the archive lacks: links, odd modes, odd names.
        Files.createSymbolicLink(tree.resolve("to-a-directory"), Path.of("php-8.2.32/main"));
        Files.createSymbolicLink(tree.resolve("to-nothing"), Path.of("not/there"));
        Files.setAttribute(Files.createFile(tree.resolve("closed")), "unix:mode", 0);
        Files.setAttribute(Files.createDirectory(tree.resolve("sticky")), "unix:mode", 01777);
        Files.writeString(tree.resolve("n".repeat(255)), "the longest name\n");
        withGuest(
                machine,
                (guest, daemon) -> {
                    Manifest inGuest =
                            Manifest.ofGuest(guest.must(Manifest.guestScript("/mnt/tree"), LIMIT));
                    Manifest onHost = Manifest.ofTree(tree);
                    assertEquals(List.of(), onHost.differences(inGuest));
                    assertEquals(onHost.hash(), inGuest.hash());
                    assertTrue(inGuest.files() >= 20_000, inGuest.files() + " files");
                });
    }
}
