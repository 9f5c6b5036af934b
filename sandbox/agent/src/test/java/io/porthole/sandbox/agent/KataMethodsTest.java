package io.porthole.sandbox.agent;

import static io.porthole.sandbox.agentprotocol.WireBytes.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.sandbox.agentprotocol.ttrpc.Link;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The agent's services and its ttrpc server, asked in bytes with the names of Kata's protocol as
 * text. Nothing is carried out on this host: the messages are malformed, or name no container.
 * {@link KataMethodsIT} does the same in a guest, with messages that are carried out.
 */
class KataMethodsTest {
    /** A string of 127 bytes is announced, and ends here: no message begins like that. */
    private static final byte[] MALFORMED = HexFormat.of().parseHex("0a7f");

    /** Never asked to watch anything. */
    private static final Poller POLLER = new Poller();

    @TempDir Path folder;

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();

    @AfterEach
    void stop() {
        timer.shutdownNow();
    }

    /** One request and no more; then the client is gone. */
    private static final class OneRequest implements Link {
        private final ByteArrayInputStream in;
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        OneRequest(byte[] frame) {
            in = new ByteArrayInputStream(frame);
        }

        @Override
        public int read(byte[] buffer, int offset, int lengthBytes, boolean inFrame) {
            return in.read(buffer, offset, lengthBytes);
        }

        @Override
        public void write(byte[] buffer, int offset, int lengthBytes) {
            out.write(buffer, offset, lengthBytes);
        }
    }

    /** The bytes of the answer. Work goes on the calling thread: it is done when serving ends. */
    private byte[] exchange(byte[] frame) throws IOException {
        Reaper reaper = new Reaper();
        Spawner spawner = new Spawner(reaper);
        Sandbox sandbox =
                new Sandbox(
                        new Crun(spawner, POLLER, folder),
                        reaper,
                        spawner,
                        new OomWatcher(POLLER),
                        timer);
        OneRequest link = new OneRequest(frame);
        new TtrpcServer(link, new AgentService(sandbox, Runnable::run, timer, false)).serveOne();
        return link.out.toByteArray();
    }

    private RawTtrpc.Answer ask(String service, String method, byte[] payload) throws IOException {
        byte[] out = exchange(RawTtrpc.request(77, service, method, payload, 0));
        ByteArrayInputStream in = new ByteArrayInputStream(out);
        RawTtrpc.Answer answer = RawTtrpc.read(in);
        assertEquals(0, in.available(), "one answer");
        assertEquals(77, answer.stream());
        return answer;
    }

    @Test
    void aHealthCheckIsAnsweredByteForByteAsPublished() throws Exception {
        // Stream 1; Request {service = 1 "grpc.Health", method = 2 "Check"}
        byte[] request =
                HexFormat.of()
                        .parseHex(
                                "00000014"
                                        + "00000001"
                                        + "01"
                                        + "00"
                                        + "0a0b"
                                        + "677270632e4865616c7468"
                                        + "1205"
                                        + "436865636b");
        // Stream 1; Response {payload = 2 {HealthCheckResponse.status = 1 SERVING}}
        assertEquals(
                "00000004" + "00000001" + "02" + "00" + "1202" + "0801",
                HexFormat.of().formatHex(exchange(request)));
    }

    @Test
    void theVersionIsOfKatasProtocol() throws Exception {
        RawTtrpc.Answer answer = ask(KataMethods.HEALTH, "Version", new byte[0]);
        assertEquals(0, answer.code(), answer::message);
        assertEquals(bytes().text(1, "0.0.1").text(2, "0.1.0").hex(), answer.payload());
    }

    static Stream<String> methodsWithAMessage() {
        return Stream.of(KataMethods.OF_A_CONTAINER, KataMethods.OF_THE_GUEST)
                .flatMap(List::stream);
    }

    @ParameterizedTest
    @MethodSource("methodsWithAMessage")
    void aServedMethodReadsItsMessage(String method) throws Exception {
        RawTtrpc.Answer answer = ask(KataMethods.AGENT, method, MALFORMED);
        assertEquals(KataMethods.INVALID_ARGUMENT, answer.code(), answer::message);
        assertTrue(
                answer.message().startsWith("malformed message for " + method + ":"),
                answer::message);
    }

    static Stream<String> methodsOfAContainer() {
        return KataMethods.OF_A_CONTAINER.stream();
    }

    @ParameterizedTest
    @MethodSource("methodsOfAContainer")
    void aContainerThatIsNotThereIsNotFound(String method) throws Exception {
        // In each of these messages container_id has the number 1.
        RawTtrpc.Answer answer =
                ask(KataMethods.AGENT, method, bytes().text(1, "nobody").toByteArray());
        assertEquals(KataMethods.NOT_FOUND, answer.code(), answer::message);
        assertTrue(answer.message().contains("nobody"), answer::message);
    }

    static Stream<String> refusedMethods() {
        return KataMethods.REFUSED.stream();
    }

    @ParameterizedTest
    @MethodSource("refusedMethods")
    void aMethodThatTheAgentLacksIsUnimplemented(String method) throws Exception {
        RawTtrpc.Answer answer = ask(KataMethods.AGENT, method, new byte[0]);
        assertEquals(KataMethods.UNIMPLEMENTED, answer.code());
        assertEquals("/grpc.AgentService/" + method + " is not supported", answer.message());
    }

    @ParameterizedTest
    @CsvSource({
        "grpc.AgentService, createContainer",
        "grpc.AgentService, /grpc.AgentService/CreateContainer",
        "grpc.AgentService, Check",
        "grpc.AgentService, ''",
        "grpc.agentservice, CreateContainer",
        "/grpc.AgentService, CreateContainer",
        "AgentService, CreateContainer",
        "grpc.Health, CreateContainer",
        "grpc.Health, check",
        "containerd.task.v2.Task, Create",
        "'', ''",
    })
    void anyOtherNameIsUnimplemented(String service, String method) throws Exception {
        RawTtrpc.Answer answer = ask(service, method, new byte[0]);
        assertEquals(KataMethods.UNIMPLEMENTED, answer.code());
        assertEquals("/" + service + "/" + method + " is not supported", answer.message());
    }
}
