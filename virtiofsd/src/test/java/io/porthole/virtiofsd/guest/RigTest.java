package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rig itself, without a guest. */
class RigTest {
    @TempDir Path folder;

    @Test
    void missingPartFailsWithTheCommandThatProvidesIt() {
        Rig.MissingPartException missing =
                assertThrows(
                        Rig.MissingPartException.class,
                        () -> Rig.required(folder.resolve("qemu-7"), "dev/setup fetches it"));
        assertTrue(missing.getMessage().contains("dev/setup fetches it"));
    }

    @Test
    void manifestOfATarEqualsTheManifestOfWhatTarUnpacks()
            throws IOException, InterruptedException {
        Path tree = Files.createDirectory(folder.resolve("tree"));
        String longName = "long/".repeat(30) + "n".repeat(120);
        Files.createDirectories(tree.resolve(longName).getParent());
        Files.writeString(tree.resolve(longName), "deep");
        Files.write(tree.resolve("odd"), new byte[777]);
        Files.setAttribute(tree.resolve("odd"), "unix:mode", 0640);
        Files.createSymbolicLink(tree.resolve("link"), Path.of("x".repeat(150)));
        for (String format : List.of("gnu", "pax")) {
            Process tar =
                    new ProcessBuilder(
                                    "tar", "-C", tree.toString(), "--format=" + format, "-c", ".")
                            .start();
            byte[] bytes = tar.getInputStream().readAllBytes();
            assertEquals(0, tar.waitFor());
            Manifest archive = Manifest.ofTar(new ByteArrayInputStream(bytes));
            assertEquals(List.of(), Manifest.ofTree(tree).differences(archive), format);
            assertEquals(Manifest.ofTree(tree).hash(), archive.hash(), format);
        }
    }

    @Test
    void manifestTellsAChangedByteAModeAndAMissingName() throws IOException {
        Files.writeString(folder.resolve("a"), "one");
        Manifest before = Manifest.ofTree(folder);
        Files.writeString(folder.resolve("a"), "two");
        Manifest changed = Manifest.ofTree(folder);
        assertNotEquals(before.hash(), changed.hash());
        assertEquals(1, before.differences(changed).size());
        Files.setAttribute(folder.resolve("a"), "unix:mode", 0600);
        Files.createFile(folder.resolve("b"));
        assertEquals(2, changed.differences(Manifest.ofTree(folder)).size());
    }

    @Test
    void manifestOfAGuestReadsModesHashesAndLinks() throws IOException {
        Files.writeString(folder.resolve("a b"), "x\n");
        Files.setAttribute(folder.resolve("a b"), "unix:mode", 0644);
        Files.createSymbolicLink(folder.resolve("l"), Path.of("a b"));
        String printed =
                "S 81a4 2 ./a b\nS a1ff 3 ./l\n"
                        + Manifest.sha256("x\n".getBytes(StandardCharsets.UTF_8))
                        + "  ./a b\nL ./l//a b\n";
        assertEquals(List.of(), Manifest.ofTree(folder).differences(Manifest.ofGuest(printed)));
    }
}
