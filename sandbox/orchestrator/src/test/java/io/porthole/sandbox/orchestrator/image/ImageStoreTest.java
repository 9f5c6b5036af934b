package io.porthole.sandbox.orchestrator.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageStoreTest {
    private static final String CONFIG =
            "{\"Entrypoint\":[\"/bin/tool\"],\"Cmd\":[\"--help\"],\"Env\":[\"A=1\"],\"User\":\"app\","
                    + "\"WorkingDir\":\"/srv\",\"StopSignal\":\"SIGINT\"}";

    @TempDir Path dir;
    private Path layout;
    private ImageStore store;
    private final List<String> steps = new ArrayList<>();

    @BeforeEach
    void makeAnImage() throws Exception {
        layout = dir.resolve("image");
        TestImages.layout(
                layout,
                CONFIG,
                "v1",
                List.of(
                        TestImages.layer(l -> l.file("bin/tool", "one").file("etc/old", "x")),
                        TestImages.layer(l -> l.file("etc/.wh.old", "")),
                        TestImages.layer(l -> l.file("srv/data", "three"))));
        store = new ImageStore(dir.resolve("store"));
    }

    private Image open(String name) throws Exception {
        return store.open(name, steps::add);
    }

    @Test
    void gzipZstdAndPlainLayersAreUnpackedOncePerDigest() throws Exception {
        Image image = open(layout.toString());
        assertEquals(3, image.layers().size());
        assertEquals("one", Files.readString(image.layers().get(0).resolve("bin/tool")));
        assertEquals("three", Files.readString(image.layers().get(2).resolve("srv/data")));
        assertEquals(3, steps.size());
        assertEquals(image, open(layout.toString()));
        assertEquals(3, steps.size());
    }

    @Test
    void theConfigurationSaysWhatToRun() throws Exception {
        ImageConfig config = open(layout + ":v1").config();
        assertEquals(List.of("/bin/tool"), config.entrypoint());
        assertEquals(List.of("--help"), config.cmd());
        assertEquals("app", config.user());
        assertEquals("/srv", config.workingDir());
        assertEquals("SIGINT", config.stopSignal());
        assertTrue(config.env().contains("A=1"));
        assertTrue(config.env().stream().anyMatch(e -> e.startsWith("PATH=")));
    }

    @Test
    void aTarIsReadInPlace() throws Exception {
        Path tar = dir.resolve("image.tar");
        TestImages.asTar(layout, tar);
        assertEquals(open(layout.toString()).layers(), open(tar.toString()).layers());
    }

    @Test
    void aBlobThatDoesNotHaveItsDigestIsRefusedAndLeavesNothing() throws Exception {
        try (var blobs = Files.list(layout.resolve("blobs/sha256"))) {
            for (Path blob : (Iterable<Path>) blobs::iterator) {
                String text = Files.readString(blob, StandardCharsets.ISO_8859_1);
                if (text.contains("three")) {
                    Files.writeString(
                            blob, text.replace("three", "THREE"), StandardCharsets.ISO_8859_1);
                }
            }
        }
        ImageException e = assertThrows(ImageException.class, () -> open(layout.toString()));
        assertTrue(
                String.valueOf(e.getMessage()).contains("does not have that digest"),
                e::getMessage);
        try (var layers = Files.list(dir.resolve("store/layers/sha256"))) {
            assertEquals(
                    2, layers.filter(p -> !p.getFileName().toString().startsWith(".")).count());
        }
        assertFalse(Files.exists(dir.resolve("store/layers/sha256/.part")));
    }

    @Test
    void anUnknownReferenceNamesThoseThatExist() {
        ImageException e = assertThrows(ImageException.class, () -> open(layout + ":v9"));
        assertEquals("no image is called v9 here; there is [v1]", e.getMessage());
    }

    @Test
    void anImageForAnotherMachineIsRefused() throws Exception {
        Path index = layout.resolve("index.json");
        Files.writeString(
                index,
                Files.readString(index)
                        .replace(
                                "\"annotations\"",
                                "\"platform\":{\"os\":\"linux\",\"architecture\":\"s390x\"},\"annotations\""));
        ImageException e = assertThrows(ImageException.class, () -> open(layout.toString()));
        assertTrue(
                String.valueOf(e.getMessage()).contains("no manifest for linux/"), e::getMessage);
    }

    @Test
    void digestsThatArePathsAreRefused() {
        for (String bad :
                List.of(
                        "sha256:../../../etc/passwd",
                        "sha256:" + "G".repeat(64),
                        "md5:00",
                        "",
                        "sha256:")) {
            assertThrows(ImageException.class, () -> Digest.parse(bad), bad);
        }
    }

    @Test
    void aRootDirectoryIsItsOwnOnlyLayer() throws Exception {
        Path root = Files.createDirectories(dir.resolve("root/bin")).getParent();
        Image image = open(String.valueOf(root));
        assertEquals(
                List.of(String.valueOf(root)),
                image.layers().stream().map(Path::toString).toList());
        assertEquals(List.of("/bin/sh"), image.config().cmd());
    }

    @Test
    void whatIsNoImageIsSaidInOneLine() throws Exception {
        Path empty = Files.createDirectory(dir.resolve("empty"));
        Path text =
                Files.writeString(
                        dir.resolve("text"), "not a tar, only a line of text\n".repeat(100));
        for (String name : List.of(empty.toString(), text.toString(), dir + "/missing")) {
            ImageException e = assertThrows(ImageException.class, () -> open(name), name);
            assertFalse(String.valueOf(e.getMessage()).contains("\n"));
        }
    }
}
