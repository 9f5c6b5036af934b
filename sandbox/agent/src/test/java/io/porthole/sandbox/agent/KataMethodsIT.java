package io.porthole.sandbox.agent;

import static io.porthole.sandbox.agentprotocol.WireBytes.bytes;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.sandbox.agentprotocol.WireBytes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The agent in a real guest, asked in bytes: service and method as text, and the messages' field
 * numbers as Kata publishes them (src/libs/protocols/protos). What another client of the protocol
 * would see.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class KataMethodsIT {
    private static final String ROOT = "/run/kata-containers/shared/containers/raw/rootfs";

    @TempDir static Path folder;

    private final Map<Integer, RawTtrpc.Answer> answers = new HashMap<>();
    private int last = -1;
    private GuestMachine machine;
    private SocketChannel channel;
    private InputStream in;

    @BeforeAll
    void boot() throws Exception {
        machine = GuestMachine.start(folder);
        // Answers when the agent is there. The other port is ours alone.
        machine.connect(0).close();
        channel = machine.rawConnection(1);
        in = Channels.newInputStream(channel);
    }

    @AfterAll
    void end() throws Exception {
        if (machine != null) {
            if (channel != null) {
                channel.close();
            }
            System.out.println("guest console:\n" + machine.console());
            machine.close();
        }
    }

    /** Asks, and gives the stream's number. */
    private int send(String service, String method, WireBytes message, long timeoutNanos)
            throws IOException {
        last += 2;
        ByteBuffer frame =
                ByteBuffer.wrap(
                        RawTtrpc.request(
                                last, service, method, message.toByteArray(), timeoutNanos));
        while (frame.hasRemaining()) {
            channel.write(frame);
        }
        return last;
    }

    private RawTtrpc.Answer answer(int stream) throws IOException {
        while (!answers.containsKey(stream)) {
            RawTtrpc.Answer next = RawTtrpc.read(in);
            assertFalse(answers.containsKey(next.stream()), "a second answer");
            answers.put(next.stream(), next);
        }
        return answers.get(stream);
    }

    private RawTtrpc.Answer ask(String method, WireBytes message) throws IOException {
        return answer(send(KataMethods.AGENT, method, message, 0));
    }

    /** The result of a call that must succeed, in hexadecimal digits. */
    private String call(String method, WireBytes message) throws IOException {
        RawTtrpc.Answer answer = ask(method, message);
        assertEquals(0, answer.code(), () -> method + ": " + answer.message());
        return answer.payload();
    }

    private static WireBytes mount(String target, String type) {
        // Mount: destination = 1, source = 2, type = 3
        return bytes().text(1, target).text(2, type).text(3, type);
    }

    @Test
    @Order(1)
    void aContainerLivesThroughCallsThatWereWrittenByHand() throws Exception {
        RawTtrpc.Answer health = answer(send(KataMethods.HEALTH, "Check", bytes(), 0));
        assertEquals(0, health.code(), health::message);
        assertEquals(bytes().number(1, 1).hex(), health.payload());

        // CreateSandboxRequest: hostname = 1, sandbox_id = 5
        call("CreateSandbox", bytes().text(1, "by-hand").text(5, "sb"));
        // Process: Args = 4, Env = 5, Cwd = 6
        WireBytes process =
                bytes().text(4, "/bin/busybox")
                        .text(4, "sh")
                        .text(4, "-c")
                        .text(4, "read line; echo got $line on $(hostname); exit 7")
                        .text(5, "PATH=/bin")
                        .text(6, "/");
        // LinuxNamespace: Type = 1; Linux: Namespaces = 6
        WireBytes linux =
                bytes().message(6, bytes().text(1, "pid"))
                        .message(6, bytes().text(1, "mount"))
                        .message(6, bytes().text(1, "ipc"));
        // Spec: Version = 1, Process = 2, Root = 3 (Path = 1), Mounts = 5, Linux = 8
        WireBytes spec =
                bytes().text(1, "1.0.2")
                        .message(2, process)
                        .message(3, bytes().text(1, ROOT))
                        .message(5, mount("/proc", "proc"))
                        .message(5, mount("/dev", "tmpfs"))
                        .message(8, linux);
        // Storage: driver = 1, source = 3, fstype = 4, options = 5, mount_point = 6
        WireBytes storage =
                bytes().text(1, "overlayfs")
                        .text(3, "overlay")
                        .text(4, "overlay")
                        .text(5, "lowerdir=/")
                        .text(5, "upperdir=/run/layers/raw/upper")
                        .text(5, "workdir=/run/layers/raw/work")
                        .text(6, ROOT);
        // CreateContainerRequest: container_id = 1, storages = 5, OCI = 6
        call("CreateContainer", bytes().text(1, "raw").message(5, storage).message(6, spec));
        // An answer that comes last, though it was asked for first.
        int exit = send(KataMethods.AGENT, "WaitProcess", bytes().text(1, "raw"), 0);
        call("StartContainer", bytes().text(1, "raw"));
        // WriteStreamRequest: container_id = 1, data = 3; WriteStreamResponse: len = 1
        assertEquals(
                bytes().number(1, 6).hex(),
                call("WriteStdin", bytes().text(1, "raw").text(3, "bytes\n")));
        // ReadStreamRequest: container_id = 1, len = 3; ReadStreamResponse: data = 1
        assertEquals(
                bytes().text(1, "got bytes on by-hand\n").hex(),
                call("ReadStdout", bytes().text(1, "raw").number(3, 4096)));
        // WaitProcessResponse: status = 1
        RawTtrpc.Answer ended = answer(exit);
        assertEquals(0, ended.code(), ended::message);
        assertEquals(bytes().number(1, 7).hex(), ended.payload());
        call("RemoveContainer", bytes().text(1, "raw"));
        assertEquals(KataMethods.NOT_FOUND, ask("StatsContainer", bytes().text(1, "raw")).code());
    }

    @Test
    @Order(2)
    void aMethodThatTheAgentLacksIsUnimplemented() throws Exception {
        for (String method : KataMethods.REFUSED) {
            RawTtrpc.Answer answer = ask(method, bytes());
            assertEquals(KataMethods.UNIMPLEMENTED, answer.code(), method);
            assertEquals("/grpc.AgentService/" + method + " is not supported", answer.message());
        }
        RawTtrpc.Answer other = answer(send("grpc.Agent", "CreateContainer", bytes(), 0));
        assertEquals(KataMethods.UNIMPLEMENTED, other.code());
    }

    @Test
    @Order(3)
    void everyOtherMethodOfKatasProtocolIsServed() throws Exception {
        for (String method : KataMethods.OF_A_CONTAINER) {
            assertEquals(
                    KataMethods.NOT_FOUND, ask(method, bytes().text(1, "nobody")).code(), method);
        }
        for (String method : KataMethods.OF_THE_GUEST) {
            RawTtrpc.Answer answer = ask(method, bytes());
            assertNotEquals(KataMethods.UNIMPLEMENTED, answer.code(), answer::message);
        }
        // Interface: device = 1, name = 2
        assertTrue(
                call("ListInterfaces", bytes())
                        .contains(bytes().text(1, "lo").text(2, "lo").hex()));
        call("ListRoutes", bytes());
        assertTrue(
                call("GetMetrics", bytes())
                        .contains(HexFormat.of().formatHex("# TYPE ".getBytes(UTF_8))));
        // Waits for a container without memory, of which there is none: for as long as it may.
        RawTtrpc.Answer oom = answer(send(KataMethods.AGENT, "GetOOMEvent", bytes(), 50_000_000));
        assertEquals(KataMethods.DEADLINE_EXCEEDED, oom.code(), oom::message);
        call("DestroySandbox", bytes());
    }
}
