package io.porthole.sandbox.orchestrator.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.Errno;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.Syscalls;
import java.io.ByteArrayInputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Needs root, as unpacking does: owners, whiteouts. */
class LayerUnpackerTest {
    @TempDir Path dir;
    private Path outside;
    private Path target;

    @BeforeEach
    void makeAVictim() throws Exception {
        outside = Files.createDirectory(dir.resolve("outside"));
        Files.writeString(outside.resolve("victim"), "unharmed");
        target = Files.createDirectory(dir.resolve("layer"));
    }

    private void unpack(Consumer<TestImages.Layer> content) throws Exception {
        LayerUnpacker.unpack(new ByteArrayInputStream(TestImages.layer(content)), target, 1 << 20);
    }

    private void assertNothingEscaped() throws Exception {
        assertEquals("unharmed", Files.readString(outside.resolve("victim")));
        try (var left = Files.list(outside)) {
            assertEquals(1, left.count());
        }
    }

    private static Object attribute(Path path, String name) throws Exception {
        return Files.getAttribute(path, "unix:" + name, LinkOption.NOFOLLOW_LINKS);
    }

    @Test
    void filesComeWithModeOwnerTimeAndAttributes() throws Exception {
        unpack(l ->
                l.directory("usr/bin")
                        .file("usr/bin/tool", "#!", 04755, 1000, Map.of("user.note", "kept"))
                        .symlink("usr/bin/alias", "tool")
                        .hardLink("usr/bin/twin", "usr/bin/tool")
                        .special("run/pipe", TarConstants.LF_FIFO));
        Path tool = target.resolve("usr/bin/tool");
        assertEquals(04755, (int) attribute(tool, "mode") & 07777);
        assertEquals(1000, attribute(tool, "uid"));
        assertEquals(2, attribute(tool, "nlink"));
        assertEquals(1_700_000_000_000L, Files.getLastModifiedTime(tool).toMillis());
        assertEquals(
                1_700_000_000_000L,
                Files.getLastModifiedTime(target.resolve("usr/bin")).toMillis());
        assertEquals(
                List.of("note"),
                Files.getFileAttributeView(tool, UserDefinedFileAttributeView.class).list());
        assertEquals(Path.of("tool"), Files.readSymbolicLink(target.resolve("usr/bin/alias")));
        assertEquals(0010000, (int) attribute(target.resolve("run/pipe"), "mode") & 0170000);
    }

    @Test
    void namesWithDotDotAreRefused() throws Exception {
        for (String name :
                List.of("../outside/new", "a/../../outside/new", "/../outside/new", "..")) {
            assertThrows(ImageException.class, () -> unpack(l -> l.file(name, "x")), name);
        }
        assertThrows(
                ImageException.class, () -> unpack(l -> l.hardLink("stolen", "../outside/victim")));
        assertNothingEscaped();
    }

    @Test
    void absoluteNamesStayInside() throws Exception {
        unpack(l -> l.file("/etc/passwd", "mine"));
        assertEquals("mine", Files.readString(target.resolve("etc/passwd")));
        assertNothingEscaped();
    }

    @Test
    void aFileBelowALinkThatLeadsOutStaysInside() throws Exception {
        unpack(l -> l.symlink("way", outside.toString()).file("inside", "x"));
        // In the layer's own view the link's target does not exist.
        assertThrows(ImageException.class, () -> unpack(l -> l.file("way/new", "x")));
        assertThrows(ImageException.class, () -> unpack(l -> l.file("way/victim", "x")));
        assertThrows(ImageException.class, () -> unpack(l -> l.hardLink("stolen", "way/victim")));
        assertNothingEscaped();
    }

    @Test
    void aLinkThatLeadsUpStopsAtTheLayersRoot() throws Exception {
        unpack(l -> l.directory("tmp").symlink("up", "../../../../tmp").file("up/new", "x"));
        assertEquals("x", Files.readString(target.resolve("tmp/new")));
        assertNothingEscaped();
    }

    @Test
    void aFileInPlaceOfALinkReplacesItInsteadOfWritingThroughIt() throws Exception {
        unpack(l -> l.symlink("f", outside.resolve("victim").toString()).file("f", "new"));
        assertTrue(Files.isRegularFile(target.resolve("f"), LinkOption.NOFOLLOW_LINKS));
        assertNothingEscaped();
    }

    @Test
    void aDirectoryInPlaceOfALinkReplacesIt() throws Exception {
        unpack(l -> l.symlink("d", outside.toString()).directory("d").file("d/new", "x"));
        assertTrue(Files.isDirectory(target.resolve("d"), LinkOption.NOFOLLOW_LINKS));
        assertNothingEscaped();
    }

    @Test
    void whiteoutsBecomeOverlaysOwn() throws Exception {
        unpack(l -> l.directory("etc").file("etc/.wh.gone", "").file("var/.wh..wh..opq", ""));
        Path gone = target.resolve("etc/gone");
        assertEquals(0020000, (int) attribute(gone, "mode") & 0170000);
        assertEquals(0L, attribute(gone, "rdev"));
        assertEquals("y", xattr(target.resolve("var"), "trusted.overlay.opaque"));
    }

    /** The value, or the errno as text. */
    private static String xattr(Path path, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(64);
            long n =
                    Syscalls.host()
                            .lgetxattr(
                                    NativeStrings.of(arena, path.toString()).address(),
                                    NativeStrings.of(arena, name).address(),
                                    value.address(),
                                    value.byteSize());
            return n < 0 ? Long.toString(n) : NativeStrings.read(value, 0);
        }
    }

    @Test
    void malformedWhiteoutsAreRefused() {
        for (String name : List.of(".wh.", ".wh...", ".wh..")) {
            assertThrows(ImageException.class, () -> unpack(l -> l.file(name, "")), name);
        }
    }

    @Test
    void attributesThatSpeakToOverlayfsAreDropped() throws Exception {
        unpack(l ->
                l.file(
                        "f",
                        "x",
                        0644,
                        0,
                        Map.of(
                                "trusted.overlay.redirect",
                                "/etc",
                                "trusted.overlay.metacopy",
                                "y")));
        String none = Long.toString(-Errno.ENODATA);
        assertEquals(none, xattr(target.resolve("f"), "trusted.overlay.redirect"));
        assertEquals(none, xattr(target.resolve("f"), "trusted.overlay.metacopy"));
    }

    @Test
    void aLayerThatUnpacksToTooMuchIsRefused() {
        assertThrows(ImageException.class, () -> unpack(l -> l.file("big", "x".repeat(2 << 20))));
    }

    @Test
    void aTruncatedLayerIsRefused() {
        byte[] whole = TestImages.layer(l -> l.file("f", "x".repeat(5000)));
        assertThrows(
                java.io.IOException.class,
                () ->
                        LayerUnpacker.unpack(
                                new ByteArrayInputStream(whole, 0, 3000), target, 1 << 20));
        assertFalse(Files.exists(outside.resolve("f")));
    }
}
