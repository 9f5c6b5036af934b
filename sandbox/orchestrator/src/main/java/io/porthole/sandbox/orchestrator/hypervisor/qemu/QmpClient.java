package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.LineBasedFrameDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * One QMP session: greeting, capability negotiation, commands matched to answers by id, events.
 *
 * <p>Commands may be sent from any thread but the event loop's; answers may come in any order.
 * Events are delivered on the event loop, so a listener must not block. When the connection ends,
 * every command in flight fails and {@link #closed} completes.
 */
public final class QmpClient implements AutoCloseable {
    private static final int MAX_LINE_BYTES = 16 << 20;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Channel channel;
    private final Map<Long, CompletableFuture<JsonNode>> pending;
    private final AtomicLong nextId = new AtomicLong(1);
    private final JsonNode greeting;
    private final CompletableFuture<Void> closed;

    private QmpClient(Channel channel, Session session, JsonNode greeting) {
        this.channel = channel;
        this.pending = session.pending;
        this.closed = session.closed;
        this.greeting = greeting;
    }

    /**
     * Connects, waits for the greeting and leaves negotiation mode.
     *
     * @param timeout for each of the three steps
     */
    public static QmpClient connect(
            EventLoopGroup loops, Path socket, Duration timeout, Consumer<QmpEvent> events)
            throws QmpException, InterruptedException {
        Session session = new Session(events);
        Bootstrap bootstrap =
                new Bootstrap()
                        .group(loops)
                        .channel(EpollDomainSocketChannel.class)
                        .handler(
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel ch) {
                                        ch.pipeline()
                                                .addLast(new LineBasedFrameDecoder(MAX_LINE_BYTES))
                                                .addLast(session);
                                    }
                                });
        ChannelFuture connecting = bootstrap.connect(new DomainSocketAddress(socket.toString()));
        if (!connecting.await(timeout.toMillis(), TimeUnit.MILLISECONDS)
                || !connecting.isSuccess()) {
            var _ = connecting.channel().close();
            throw new QmpException(
                    QmpException.Kind.DISCONNECTED,
                    "cannot connect to QEMU's monitor at " + socket);
        }
        Channel channel = connecting.channel();
        try {
            JsonNode greeting = await(session.greeting, "greet", timeout);
            QmpClient client = new QmpClient(channel, session, greeting);
            client.execute("qmp_capabilities", JSON.createObjectNode(), timeout);
            return client;
        } catch (QmpException | InterruptedException e) {
            var _ = channel.close();
            throw e;
        }
    }

    /** QEMU's version from its greeting, such as "7.2.22". */
    public String version() {
        JsonNode v = greeting.path("version").path("qemu");
        return v.path("major").asInt()
                + "."
                + v.path("minor").asInt()
                + "."
                + v.path("micro").asInt();
    }

    public static ObjectNode arguments() {
        return JSON.createObjectNode();
    }

    /** Sends a command and waits for its answer's {@code return} member. */
    public JsonNode execute(String command, JsonNode arguments, Duration timeout)
            throws QmpException, InterruptedException {
        long id = nextId.getAndIncrement();
        ObjectNode request = JSON.createObjectNode().put("execute", command).put("id", id);
        if (!arguments.isEmpty()) {
            request.set("arguments", arguments);
        }
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        pending.put(id, answer);
        try {
            if (closed.isDone()) {
                throw disconnected(command);
            }
            var _ =
                    channel.writeAndFlush(
                            Unpooled.copiedBuffer(request + "\r\n", StandardCharsets.UTF_8));
            return await(answer, command, timeout);
        } finally {
            pending.remove(id);
        }
    }

    public JsonNode execute(String command, Duration timeout)
            throws QmpException, InterruptedException {
        return execute(command, JSON.createObjectNode(), timeout);
    }

    /** Completes when the connection has ended, by either side. */
    public CompletableFuture<Void> closed() {
        return closed;
    }

    @Override
    public void close() {
        var _ = channel.close();
    }

    private static QmpException disconnected(String command) {
        return new QmpException(
                QmpException.Kind.DISCONNECTED, "QEMU's monitor went away during " + command);
    }

    private static JsonNode await(
            CompletableFuture<JsonNode> answer, String command, Duration timeout)
            throws QmpException, InterruptedException {
        try {
            return answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new QmpException(
                    QmpException.Kind.TIMED_OUT,
                    "QEMU did not answer " + command + " within " + timeout.toMillis() + " ms");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Refusal refusal) {
                throw new QmpException(
                        QmpException.Kind.REFUSED,
                        "QEMU refused " + command + ": " + refusal.getMessage());
            }
            throw disconnected(command);
        }
    }

    /** An answer with an {@code error} member. */
    private static final class Refusal extends Exception {
        @java.io.Serial private static final long serialVersionUID = 1L;

        Refusal(String message) {
            super(message, null, false, false);
        }
    }

    /** What arrives on the connection. */
    private static final class Session extends SimpleChannelInboundHandler<ByteBuf> {
        final Map<Long, CompletableFuture<JsonNode>> pending = new ConcurrentHashMap<>();
        final CompletableFuture<JsonNode> greeting = new CompletableFuture<>();
        final CompletableFuture<Void> closed = new CompletableFuture<>();
        private final Consumer<QmpEvent> events;

        Session(Consumer<QmpEvent> events) {
            this.events = events;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf line)
                throws JsonProcessingException {
            if (!line.isReadable()) {
                return;
            }
            JsonNode message = JSON.readTree(line.toString(StandardCharsets.UTF_8));
            if (message.has("QMP")) {
                greeting.complete(message.get("QMP"));
            } else if (message.has("event")) {
                JsonNode data = message.path("data");
                events.accept(
                        new QmpEvent(
                                message.get("event").asText(),
                                data.isObject() ? data : JSON.createObjectNode()));
            } else {
                CompletableFuture<JsonNode> answer = pending.remove(message.path("id").asLong(-1));
                if (answer == null) {
                    return; // Its sender has given up.
                }
                if (message.has("error")) {
                    answer.completeExceptionally(
                            new Refusal(
                                    message.get("error").path("desc").asText("no reason given")));
                } else {
                    answer.complete(message.path("return"));
                }
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            closed.complete(null);
            Exception gone = new java.nio.channels.ClosedChannelException();
            greeting.completeExceptionally(gone);
            pending.values().forEach(p -> p.completeExceptionally(gone));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            // A line that is no JSON, or too long: what speaks there is no QEMU.
            var _ = context.close();
        }
    }
}
