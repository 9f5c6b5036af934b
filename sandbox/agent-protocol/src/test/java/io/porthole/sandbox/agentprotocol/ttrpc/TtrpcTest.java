package io.porthole.sandbox.agentprotocol.ttrpc;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.porthole.sandbox.agentprotocol.AgentClient;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamResponse;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamResponse;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Response;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class TtrpcTest {
    @TempDir Path folder;

    private final MultiThreadIoEventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final BlockingQueue<Call> waiting = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> serverErrors = new LinkedBlockingQueue<>();
    private ServerSocketChannel listener;
    private Path socket;

    @BeforeEach
    void listen() throws IOException {
        socket = folder.resolve("agent.sock");
        listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
        Thread.ofPlatform().daemon().name("test-agent").start(this::accept);
    }

    @AfterEach
    void stop() throws IOException {
        listener.close();
        group.shutdownGracefully(0, 0, TimeUnit.SECONDS).syncUninterruptibly();
    }

    private void accept() {
        while (listener.isOpen()) {
            try (SocketChannel channel = listener.accept()) {
                new TtrpcServer(new SocketLink(channel), this::serve).serveOne();
            } catch (IOException e) {
                serverErrors.add(String.valueOf(e.getMessage()));
            }
        }
    }

    /** WriteStdin answers its length at once; ReadStdout waits for the test. */
    private void serve(String service, String method, ByteString payload, Call call)
            throws InvalidProtocolBufferException {
        switch (method) {
            case "WriteStdin" ->
                    call.reply(
                            WriteStreamResponse.newBuilder()
                                    .setLen(WriteStreamRequest.parseFrom(payload).getData().size())
                                    .build());
            case "ReadStdout" -> waiting.add(call);
            case "RemoveContainer" -> call.fail(StatusCode.NOT_FOUND, "no container x");
            case "StatsContainer" -> throw new IllegalStateException("broken");
            default -> call.fail(StatusCode.UNIMPLEMENTED, service + "/" + method);
        }
    }

    private TtrpcClient connect() throws InterruptedException {
        return AgentClient.await(TtrpcClient.connect(group, socket));
    }

    private static CompletableFuture<WriteStreamResponse> write(TtrpcClient client, int bytes) {
        return client.call(
                AgentClient.AGENT_SERVICE,
                "WriteStdin",
                WriteStreamRequest.newBuilder()
                        .setData(ByteString.copyFrom(new byte[bytes]))
                        .build(),
                WriteStreamResponse.parser(),
                Duration.ZERO);
    }

    private static CompletableFuture<ReadStreamResponse> read(
            TtrpcClient client, Duration timeout) {
        return call(client, "ReadStdout", timeout);
    }

    private static CompletableFuture<ReadStreamResponse> call(
            TtrpcClient client, String method, Duration timeout) {
        return client.call(
                AgentClient.AGENT_SERVICE,
                method,
                ReadStreamRequest.getDefaultInstance(),
                ReadStreamResponse.parser(),
                timeout);
    }

    private static TtrpcException failureOf(CompletableFuture<?> call) {
        return assertThrows(TtrpcException.class, () -> AgentClient.await(call));
    }

    @Test
    void aCallThatWaitsDoesNotHoldUpOthers() throws Exception {
        try (TtrpcClient client = connect()) {
            CompletableFuture<ReadStreamResponse> reading = read(client, Duration.ZERO);
            Call call = waiting.take();
            for (int bytes : new int[] {0, 1, 100, 70_000}) {
                assertEquals(bytes, AgentClient.await(write(client, bytes)).getLen());
            }
            assertFalse(reading.isDone());
            assertTrue(
                    call.reply(
                            ReadStreamResponse.newBuilder()
                                    .setData(ByteString.copyFromUtf8("late"))
                                    .build()));
            assertEquals("late", AgentClient.await(reading).getData().toStringUtf8());
        }
    }

    @Test
    void manyCallsAtOnceEachGetTheirOwnAnswer() throws Exception {
        try (TtrpcClient client = connect()) {
            List<CompletableFuture<WriteStreamResponse>> calls = new ArrayList<>();
            for (int i = 0; i < 2000; i++) {
                calls.add(write(client, i % 977));
            }
            for (int i = 0; i < 2000; i++) {
                assertEquals(i % 977, AgentClient.await(calls.get(i)).getLen());
            }
        }
    }

    @Test
    void aFailureCarriesItsStatusAndNamesTheMethod() throws Exception {
        try (TtrpcClient client = connect()) {
            TtrpcException missing = failureOf(call(client, "RemoveContainer", Duration.ZERO));
            assertEquals(StatusCode.NOT_FOUND, missing.code());
            assertEquals("grpc.AgentService/RemoveContainer: no container x", missing.getMessage());
            assertEquals(
                    StatusCode.UNIMPLEMENTED,
                    failureOf(call(client, "Nonsense", Duration.ZERO)).code());
            assertEquals(
                    StatusCode.INTERNAL,
                    failureOf(call(client, "StatsContainer", Duration.ZERO)).code());
        }
    }

    @Test
    void aMalformedMessageIsAnInvalidArgument() throws Exception {
        try (SocketChannel raw = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            // Request{service: "s", method: "WriteStdin", payload: {0x1a, 0x7f}}: 127 bytes
            // announced, none there.
            byte[] method = "WriteStdin".getBytes(US_ASCII);
            ByteBuffer frame = ByteBuffer.allocate(64);
            frame.putInt(3 + 2 + method.length + 4).putInt(5).put((byte) 1).put((byte) 0);
            frame.put(new byte[] {0x0a, 1, 's', 0x12, (byte) method.length}).put(method);
            frame.put(new byte[] {0x1a, 2, 0x1a, 0x7f}).flip();
            raw.write(frame);
            byte[] answer = readFrame(raw);
            assertEquals(5, TtrpcFrame.stream(answer, 0));
            assertEquals(
                    StatusCode.INVALID_ARGUMENT.number(),
                    Response.parseFrom(Arrays.copyOfRange(answer, 10, answer.length))
                            .getStatus()
                            .getCode());
        }
    }

    private static byte[] readFrame(SocketChannel raw) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(TtrpcFrame.HEADER_BYTES);
        while (header.hasRemaining()) {
            assertTrue(raw.read(header) > 0);
        }
        int length = (int) TtrpcFrame.length(header.array(), 0);
        ByteBuffer whole = ByteBuffer.allocate(TtrpcFrame.HEADER_BYTES + length);
        whole.put(header.array());
        while (whole.hasRemaining()) {
            assertTrue(raw.read(whole) > 0);
        }
        return whole.array();
    }

    @Test
    void aRequestOnTheWireIsByteForByteAsPublished() throws Exception {
        listener.close();
        Path other = folder.resolve("raw.sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(other));
            CompletableFuture<TtrpcClient> connecting = TtrpcClient.connect(group, other);
            try (SocketChannel raw = server.accept();
                    TtrpcClient client = AgentClient.await(connecting)) {
                CompletableFuture<ReadStreamResponse> call =
                        client.call(
                                "grpc.AgentService",
                                "ReadStdout",
                                ReadStreamRequest.newBuilder().setLen(300).build(),
                                ReadStreamResponse.parser(),
                                Duration.ofSeconds(5));
                byte[] frame = readFrame(raw);
                int stream = TtrpcFrame.stream(frame, 0);
                assertEquals(1, stream & 1);
                HexFormat hex = HexFormat.of();
                String expected =
                        "0a11"
                                + hex.formatHex("grpc.AgentService".getBytes(US_ASCII))
                                + "120a"
                                + hex.formatHex("ReadStdout".getBytes(US_ASCII))
                                // payload: len (field 3) = 300
                                + "1a0318ac02"
                                // timeout_nano: 5,000,000,000
                                + "2080e497d012";
                assertEquals(expected, hex.formatHex(frame, 10, frame.length));
                assertEquals(
                        String.format("%08x%08x0101", expected.length() / 2, stream),
                        hex.formatHex(frame, 0, 10));

                // Response{payload: ReadStreamResponse{data: "ok"}}
                ByteBuffer answer = ByteBuffer.allocate(64);
                answer.putInt(6).putInt(stream).put((byte) 2).put((byte) 0);
                answer.put(new byte[] {0x12, 4, 0x0a, 2, 'o', 'k'}).flip();
                raw.write(answer);
                assertEquals("ok", AgentClient.await(call).getData().toStringUtf8());
            }
        }
    }

    @Test
    void aCallTimesOutAndItsLateAnswerIsIgnored() throws Exception {
        try (TtrpcClient client = connect()) {
            CompletableFuture<ReadStreamResponse> call = read(client, Duration.ofMillis(50));
            assertEquals(StatusCode.DEADLINE_EXCEEDED, failureOf(call).code());
            Call late = waiting.take();
            assertEquals(50_000_000, late.timeoutNanos());
            late.reply(ReadStreamResponse.getDefaultInstance());
            assertEquals(3, AgentClient.await(write(client, 3)).getLen());
        }
    }

    @Test
    void aCancelledCallIsForgotten() throws Exception {
        try (TtrpcClient client = connect()) {
            CompletableFuture<ReadStreamResponse> call = read(client, Duration.ZERO);
            Call taken = waiting.take();
            assertTrue(call.cancel(false));
            taken.reply(ReadStreamResponse.getDefaultInstance());
            assertEquals(3, AgentClient.await(write(client, 3)).getLen());
        }
    }

    @Test
    void aMessageOfFourMebibytesPassesAndOneMoreIsRefused() throws Exception {
        try (TtrpcClient client = connect()) {
            int overhead = 64;
            int most = TtrpcFrame.MAX_MESSAGE_BYTES - overhead;
            assertEquals(most, AgentClient.await(write(client, most)).getLen());
            assertEquals(
                    StatusCode.RESOURCE_EXHAUSTED,
                    failureOf(write(client, TtrpcFrame.MAX_MESSAGE_BYTES)).code());

            CompletableFuture<ReadStreamResponse> call = read(client, Duration.ZERO);
            waiting.take()
                    .reply(
                            ReadStreamResponse.newBuilder()
                                    .setData(
                                            ByteString.copyFrom(
                                                    new byte[TtrpcFrame.MAX_MESSAGE_BYTES]))
                                    .build());
            assertEquals(StatusCode.RESOURCE_EXHAUSTED, failureOf(call).code());
        }
    }

    @Test
    void theServerSkipsAnOversizedRequestAndGoesOn() throws Exception {
        try (SocketChannel raw = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            int length = TtrpcFrame.MAX_MESSAGE_BYTES + 1;
            ByteBuffer frame = ByteBuffer.allocate(TtrpcFrame.HEADER_BYTES + length);
            frame.putInt(length)
                    .putInt(7)
                    .put((byte) 1)
                    .put((byte) 0)
                    .position(0)
                    .limit(frame.capacity());
            while (frame.hasRemaining()) {
                raw.write(frame);
            }
            byte[] answer = readFrame(raw);
            assertEquals(7, TtrpcFrame.stream(answer, 0));
            assertEquals(StatusCode.RESOURCE_EXHAUSTED.number(), answer[13]);

            ByteBuffer next = ByteBuffer.allocate(32);
            next.putInt(3).putInt(9).put((byte) 1).put((byte) 0).put(new byte[] {0x12, 1, 'x'});
            raw.write(next.flip());
            assertEquals(9, TtrpcFrame.stream(readFrame(raw), 0));
        }
    }

    @Test
    void openCallsFailWhenTheServerGoes() throws Exception {
        Path other = folder.resolve("gone.sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(other));
            CompletableFuture<TtrpcClient> connecting = TtrpcClient.connect(group, other);
            SocketChannel raw = server.accept();
            TtrpcClient client = AgentClient.await(connecting);
            CompletableFuture<ReadStreamResponse> call = read(client, Duration.ZERO);
            readFrame(raw);
            raw.close();
            assertEquals(StatusCode.UNAVAILABLE, failureOf(call).code());
            AgentClient.await(client.closed());
            assertFalse(client.isOpen());
            assertEquals(StatusCode.UNAVAILABLE, failureOf(read(client, Duration.ZERO)).code());
        }
    }

    @Test
    void aPeerThatDoesNotSpeakTtrpcFailsTheConnectionWithAReason() throws Exception {
        Path other = folder.resolve("http.sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(other));
            CompletableFuture<TtrpcClient> connecting = TtrpcClient.connect(group, other);
            try (SocketChannel raw = server.accept();
                    TtrpcClient client = AgentClient.await(connecting)) {
                CompletableFuture<ReadStreamResponse> call = read(client, Duration.ZERO);
                raw.write(ByteBuffer.wrap("HTTP/1.1 400 Bad Request".getBytes(US_ASCII)));
                TtrpcException failure = failureOf(call);
                assertEquals(StatusCode.UNAVAILABLE, failure.code());
                assertTrue(
                        failure.getMessage().contains("does not speak ttrpc"), failure::getMessage);
            }
        }
    }

    @Test
    void theServerRefusesAPeerThatDoesNotSpeakTtrpc() throws Exception {
        try (SocketChannel raw = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            raw.write(ByteBuffer.wrap("GET / HTTP/1.1\r\n\r\n".getBytes(US_ASCII)));
            assertEquals("not a ttrpc frame: message type 84", serverErrors.take());
        }
    }

    @Test
    void openCallsAreCancelledWhenTheClientGoes() throws Exception {
        TtrpcClient client = connect();
        var _ = read(client, Duration.ZERO);
        Call call = waiting.take();
        CountDownLatch cancelled = new CountDownLatch(1);
        call.onCancel(cancelled::countDown);
        client.close();
        cancelled.await();
        assertFalse(call.reply(ReadStreamResponse.getDefaultInstance()));
    }

    @Test
    void openCallsAreCancelledWhenAnotherClientSpeaksOnTheSameLink() throws Exception {
        try (SocketChannel raw = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            raw.write(request(101, "ReadStdout"));
            Call call = waiting.take();
            raw.write(request(800_001, "ReadStdout"));
            Call next = waiting.take();
            assertTrue(call.isOver());
            assertFalse(call.reply(ReadStreamResponse.getDefaultInstance()));
            assertTrue(next.reply(ReadStreamResponse.getDefaultInstance()));
            assertEquals(800_001, TtrpcFrame.stream(readFrame(raw), 0));
        }
    }

    private static ByteBuffer request(int stream, String method) {
        byte[] name = method.getBytes(US_ASCII);
        ByteBuffer frame = ByteBuffer.allocate(64);
        frame.putInt(2 + name.length).putInt(stream).put((byte) 1).put((byte) 1);
        return frame.put(new byte[] {0x12, (byte) name.length}).put(name).flip();
    }

    @Test
    void connectingToNothingIsUnavailable() {
        TtrpcException failure =
                failureOf(TtrpcClient.connect(group, folder.resolve("missing.sock")));
        assertEquals(StatusCode.UNAVAILABLE, failure.code());
        assertTrue(failure.getMessage().contains("missing.sock"), failure::getMessage);
    }

    @Test
    void anAgentThatNeverAnswersIsReportedWithinThePatience() {
        long start = System.nanoTime();
        TtrpcException failure =
                assertThrows(
                        TtrpcException.class,
                        () ->
                                AgentClient.connect(
                                        group,
                                        folder.resolve("missing.sock"),
                                        Duration.ofMillis(200),
                                        Duration.ZERO));
        assertTrue(failure.getMessage().startsWith("the agent did not answer within 200 ms"));
        assertTrue(System.nanoTime() - start < 5_000_000_000L);
    }
}
