package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.sandbox.orchestrator.process.EventLoops;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QmpClientTest {
    private static final Duration PATIENT = Duration.ofSeconds(10);
    private static final Duration SHORT = Duration.ofMillis(150);

    @TempDir Path dir;
    private Path socket;
    private final BlockingQueue<QmpEvent> events = new ArrayBlockingQueue<>(10);

    @BeforeEach
    void nameTheSocket() {
        socket = dir.resolve("qmp.sock");
    }

    private QmpClient connect() throws Exception {
        return QmpClient.connect(EventLoops.shared(), socket, PATIENT, events::add);
    }

    @Test
    void aSessionGreetsNegotiatesAndAnswersById() throws Exception {
        try (FakeQmp qemu =
                        new FakeQmp(
                                socket,
                                FakeQmp.GREETING,
                                c ->
                                        "\"return\": {\"status\": \"running\", \"for\": \""
                                                + c
                                                + "\"}");
                QmpClient client = connect()) {
            assertEquals("7.2.22", client.version());
            assertEquals(
                    "query-status", client.execute("query-status", PATIENT).path("for").asText());
            assertEquals("cont", client.execute("cont", PATIENT).path("for").asText());
            assertEquals(List.of("qmp_capabilities", "query-status", "cont"), qemu.commands);
        }
    }

    @Test
    void anErrorAnswerCarriesQemusReason() throws Exception {
        try (FakeQmp qemu =
                        new FakeQmp(
                                socket,
                                FakeQmp.GREETING,
                                c ->
                                        "\"error\": {\"class\": \"GenericError\", \"desc\": \"no such thing\"}");
                QmpClient client = connect()) {
            QmpException e =
                    assertThrows(QmpException.class, () -> client.execute("device_add", PATIENT));
            assertEquals(QmpException.Kind.REFUSED, e.kind());
            assertEquals("QEMU refused device_add: no such thing", e.getMessage());
            assertEquals(2, qemu.commands.size());
        }
    }

    @Test
    void aSilentQemuTimesOutAndALateAnswerIsIgnored() throws Exception {
        try (FakeQmp qemu =
                        new FakeQmp(
                                socket,
                                FakeQmp.GREETING,
                                c -> c.equals("query-status") ? null : "\"return\": {}");
                QmpClient client = connect()) {
            QmpException e =
                    assertThrows(QmpException.class, () -> client.execute("query-status", SHORT));
            assertEquals(QmpException.Kind.TIMED_OUT, e.kind());
            qemu.send("{\"return\": {}, \"id\": 2}");
            assertTrue(client.execute("cont", PATIENT).isEmpty());
        }
    }

    @Test
    void eventsArriveBetweenAnswers() throws Exception {
        try (FakeQmp qemu = new FakeQmp(socket, FakeQmp.GREETING, c -> "\"return\": {}");
                QmpClient client = connect()) {
            qemu.send(
                    "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"SHUTDOWN\","
                            + " \"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}");
            client.execute("cont", PATIENT);
            QmpEvent event = events.poll(5, TimeUnit.SECONDS);
            assertEquals("SHUTDOWN", event == null ? "none" : event.name());
            assertEquals("guest-reset", event == null ? "" : event.data().path("reason").asText());
        }
    }

    @Test
    void whenQemuHangsUpCommandsInFlightFailAtOnce() throws Exception {
        try (FakeQmp qemu = new FakeQmp(socket, FakeQmp.GREETING, c -> null);
                QmpClient client = connect()) {
            Thread.ofVirtual()
                    .start(() -> {
                        try {
                            while (qemu.commands.size() < 2) {
                                Thread.sleep(5);
                            }
                            qemu.hangUp();
                        } catch (Exception e) {
                            throw new AssertionError(e);
                        }
                    });
            QmpException e =
                    assertThrows(QmpException.class, () -> client.execute("query-status", PATIENT));
            assertEquals(QmpException.Kind.DISCONNECTED, e.kind());
            client.closed().get(5, TimeUnit.SECONDS);
            assertThrows(QmpException.class, () -> client.execute("cont", PATIENT));
        }
    }

    @Test
    void whatIsNoQemuIsRefused() throws Exception {
        try (FakeQmp other = new FakeQmp(socket, "SSH-2.0-OpenSSH", c -> null)) {
            QmpException e =
                    assertThrows(
                            QmpException.class,
                            () ->
                                    QmpClient.connect(
                                            EventLoops.shared(), socket, PATIENT, events::add));
            assertEquals(QmpException.Kind.DISCONNECTED, e.kind());
            assertTrue(other.commands.isEmpty());
        }
    }

    @Test
    void aMissingSocketIsOneClearLine() {
        QmpException e = assertThrows(QmpException.class, this::connect);
        assertEquals("cannot connect to QEMU's monitor at " + socket, e.getMessage());
    }
}
