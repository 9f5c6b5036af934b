package io.porthole.sandbox.orchestrator.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.sandbox.orchestrator.process.ProcessId;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateStoreTest {
    @TempDir Path dir;
    private StateStore store;

    @BeforeEach
    void open() {
        store = new StateStore(dir.resolve("s"), dir.resolve("d"));
    }

    static SandboxSpec spec(String id) {
        return new SandboxSpec(id, false, 1, 256L << 20, "none", List.of(), false);
    }

    static ContainerSpec container(String id) {
        return new ContainerSpec(
                id,
                "img",
                List.of("/l"),
                List.of("sh"),
                List.of(),
                "/",
                "",
                "",
                List.of(),
                0,
                0.5,
                0,
                List.of(),
                List.of(),
                false,
                false,
                false,
                false,
                false,
                false,
                "TERM");
    }

    @Test
    void whatWasWrittenIsReadAgain() throws Exception {
        SandboxDirectory made = store.createSandbox(spec("one"));
        SandboxState state =
                made.read().withProcess("monitor", ProcessId.self()).withTiming("vm exec", 12);
        made.write(state);
        assertEquals(state, made.read());
        ContainerState c =
                ContainerState.created(container("c1"), "one").running().ended(137, true, null);
        made.writeContainer(c);
        assertEquals(Optional.of(c), made.readContainer("c1"));
        assertEquals(List.of(c), made.readContainers());
        assertEquals(List.of(made), store.all());
    }

    @Test
    void aNameIsTakenOnce() throws Exception {
        store.createSandbox(spec("one"));
        assertThrows(StateException.class, () -> store.createSandbox(spec("one")));
        store.claimName("c", "one");
        StateException e = assertThrows(StateException.class, () -> store.claimName("c", "two"));
        assertEquals("there is already a container called c", e.getMessage());
        assertEquals("one", store.require("c").id());
        store.releaseName("c");
        assertTrue(store.find("c").isEmpty());
    }

    @Test
    void namesThatArePathsAreRefused() {
        for (String bad : List.of("", ".", "..", "../x", "a/b", "-x", "a b", "x".repeat(64))) {
            assertThrows(StateException.class, () -> StateStore.checkName(bad), bad);
        }
    }

    @Test
    void aPathTooLongForSocketsIsRefusedBeforeAnythingIsMade() {
        StateStore deep = new StateStore(dir.resolve("x".repeat(90)), dir);
        assertThrows(StateException.class, () -> deep.createSandbox(spec("one")));
        assertFalse(deep.sandbox("one").exists());
    }

    @Test
    void theLockIsHeldUntilItIsClosed() throws Exception {
        SandboxDirectory made = store.createSandbox(spec("one"));
        FileChannel held = made.tryLock().orElseThrow();
        assertTrue(made.tryLock().isEmpty());
        held.close();
        made.tryLock().orElseThrow().close();
    }

    @Test
    void aDamagedStateIsNamed() throws Exception {
        SandboxDirectory made = store.createSandbox(spec("one"));
        Files.writeString(made.path().resolve("sandbox.json"), "{\"spec\": ");
        IOException e = assertThrows(IOException.class, made::read);
        assertTrue(
                String.valueOf(e.getMessage()).contains("sandbox.json is damaged"), e::getMessage);
    }

    @Test
    void volumesTakeDockersForm() {
        assertEquals(
                new Volume("/base/rel", "/data", true, false),
                Volume.parse("rel:/data:ro", Path.of("/base")));
        assertEquals(
                new Volume("/a", "/b", false, true), Volume.parse("/a:/b:dax", Path.of("/base")));
        for (String bad : List.of("/a", "/a:b", "/a:/b:rx", ":/b", "/a:/", "/a:/b:ro:x")) {
            assertThrows(
                    IllegalArgumentException.class, () -> Volume.parse(bad, Path.of("/")), bad);
        }
    }
}
