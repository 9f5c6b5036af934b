package io.porthole.sandbox.agentprotocol.ttrpc;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.Future;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Request;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Response;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A ttrpc client on a unix socket, such as that of a virtio-serial port's chardev.
 *
 * <p>Calls are multiplexed: any number may be open at once, from any thread. A call that is
 * cancelled or times out here is forgotten; the peer learns of its deadline through the request.
 * The event loop group belongs to the caller.
 */
public final class TtrpcClient implements AutoCloseable {
    private final Channel channel;
    private final String peer;
    private final Map<Integer, Pending<?>> pending = new ConcurrentHashMap<>();
    // A virtio-serial port serves one client after another, and the guest may still write an answer
    // for the one before: a random start keeps its stream ids and ours apart.
    private int nextStream = ThreadLocalRandom.current().nextInt(1 << 29) << 1 | 1;
    private volatile @Nullable Throwable failure;

    private TtrpcClient(Channel channel, String peer) {
        this.channel = channel;
        this.peer = peer;
    }

    /** Connects; fails with UNAVAILABLE where nothing listens there. */
    public static CompletableFuture<TtrpcClient> connect(EventLoopGroup group, Path socket) {
        CompletableFuture<TtrpcClient> result = new CompletableFuture<>();
        ChannelFuture connecting =
                new Bootstrap()
                        .group(group)
                        .channel(EpollDomainSocketChannel.class)
                        .handler(
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        TtrpcClient client =
                                                new TtrpcClient(channel, socket.toString());
                                        channel.pipeline()
                                                .addLast(new TtrpcFrameDecoder())
                                                .addLast(client.new Inbound(result));
                                    }
                                })
                        .connect(new DomainSocketAddress(socket.toFile()));
        connecting.addListener((ChannelFuture done) -> {
            if (!done.isSuccess()) {
                result.completeExceptionally(
                        new TtrpcException(
                                StatusCode.UNAVAILABLE,
                                "cannot connect to " + socket + ": " + reason(done.cause()),
                                done.cause()));
            }
        });
        return result;
    }

    /**
     * Calls a method.
     *
     * @param parser of the result
     * @param timeout zero is no limit
     * @return the result, or a {@link TtrpcException}; cancelling it forgets the call
     */
    public <R extends MessageLite> CompletableFuture<R> call(
            String service,
            String method,
            MessageLite request,
            Parser<R> parser,
            Duration timeout) {
        Pending<R> call = new Pending<>(service + "/" + method, parser);
        Request message =
                Request.newBuilder()
                        .setService(service)
                        .setMethod(method)
                        .setPayload(request.toByteString())
                        .setTimeoutNano(timeout.toNanos())
                        .build();
        int length = message.getSerializedSize();
        if (length > TtrpcFrame.MAX_MESSAGE_BYTES) {
            call.fail(
                    StatusCode.RESOURCE_EXHAUSTED,
                    "request of " + length + " bytes is over ttrpc's 4 MiB",
                    null);
            return call.result;
        }
        byte[] frame = new byte[TtrpcFrame.HEADER_BYTES + length];
        try {
            message.writeTo(CodedOutputStream.newInstance(frame, TtrpcFrame.HEADER_BYTES, length));
        } catch (IOException e) {
            throw new IllegalStateException("a message that does not fit its own size", e);
        }
        try {
            channel.eventLoop().execute(() -> send(call, frame, length, timeout));
        } catch (RejectedExecutionException e) {
            call.fail(StatusCode.UNAVAILABLE, "the event loop has ended", e);
        }
        return call.result;
    }

    /** On the event loop, so that stream ids grow in the order in which requests are written. */
    private void send(Pending<?> call, byte[] frame, int length, Duration timeout) {
        if (call.result.isDone()) {
            return;
        }
        int stream = nextStream;
        nextStream += 2;
        TtrpcFrame.putHeader(
                frame, 0, length, stream, TtrpcFrame.TYPE_REQUEST, TtrpcFrame.FLAG_REMOTE_CLOSED);
        pending.put(stream, call);
        Future<?> timer = timeout.isZero() ? null : startTimer(call, timeout);
        var _ =
                call.result.whenComplete((result, error) -> {
                    pending.remove(stream);
                    if (timer != null) {
                        timer.cancel(false);
                    }
                });
        channel.writeAndFlush(Unpooled.wrappedBuffer(frame))
                .addListener((ChannelFuture done) -> {
                    if (!done.isSuccess()) {
                        call.fail(StatusCode.UNAVAILABLE, gone(), done.cause());
                    }
                });
    }

    public boolean isOpen() {
        return channel.isActive();
    }

    /** Completes, with nothing, when the connection has ended for whatever reason. */
    public CompletableFuture<@Nullable Void> closed() {
        CompletableFuture<@Nullable Void> result = new CompletableFuture<>();
        channel.closeFuture().addListener(done -> result.complete(null));
        return result;
    }

    /** Ends the connection; open calls fail with UNAVAILABLE. Returns at once. */
    @Override
    public void close() {
        var _ = channel.close();
    }

    private Future<?> startTimer(Pending<?> call, Duration timeout) {
        return channel.eventLoop()
                .schedule(
                        () ->
                                call.fail(
                                        StatusCode.DEADLINE_EXCEEDED,
                                        "no answer within " + timeout.toMillis() + " ms",
                                        null),
                        timeout.toNanos(),
                        TimeUnit.NANOSECONDS);
    }

    private String gone() {
        Throwable cause = failure;
        return "connection to " + peer + (cause == null ? " ended" : " failed: " + reason(cause));
    }

    private static String reason(Throwable cause) {
        String message = cause.getMessage();
        return message != null ? message : cause.getClass().getSimpleName();
    }

    /** A call that waits for its answer. */
    private static final class Pending<R extends MessageLite> {
        private final String name;
        private final Parser<R> parser;
        private final CompletableFuture<R> result = new CompletableFuture<>();

        Pending(String name, Parser<R> parser) {
            this.name = name;
            this.parser = parser;
        }

        void complete(Response response) {
            StatusCode code = StatusCode.ofNumber(response.getStatus().getCode());
            if (code != StatusCode.OK) {
                fail(code, response.getStatus().getMessage(), null);
                return;
            }
            try {
                result.complete(parser.parseFrom(response.getPayload()));
            } catch (InvalidProtocolBufferException e) {
                fail(StatusCode.DATA_LOSS, "malformed answer", e);
            }
        }

        void fail(StatusCode code, String message, @Nullable Throwable cause) {
            String text = name + ": " + message;
            result.completeExceptionally(
                    cause == null
                            ? new TtrpcException(code, text)
                            : new TtrpcException(code, text, cause));
        }
    }

    private final class Inbound extends SimpleChannelInboundHandler<TtrpcFrameDecoder.Reply> {
        private final CompletableFuture<TtrpcClient> connected;

        Inbound(CompletableFuture<TtrpcClient> connected) {
            this.connected = connected;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            if (!connected.complete(TtrpcClient.this)) {
                // Whoever asked has given up.
                var _ = context.close();
            }
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, TtrpcFrameDecoder.Reply reply) {
            // No entry: cancelled, timed out, or meant for the port's client before us.
            Pending<?> call = pending.get(reply.stream());
            if (call != null) {
                call.complete(reply.response());
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            failure = cause;
            var _ = context.close();
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            String message = gone();
            for (Pending<?> call : pending.values()) {
                call.fail(StatusCode.UNAVAILABLE, message, failure);
            }
        }
    }
}
