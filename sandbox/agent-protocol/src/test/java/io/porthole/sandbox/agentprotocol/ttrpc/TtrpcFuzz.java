package io.porthole.sandbox.agentprotocol.ttrpc;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.DecoderException;
import io.porthole.sandbox.agentprotocol.grpc.CreateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamRequest;
import java.io.IOException;

/**
 * Both ends of ttrpc fed with any bytes. What must hold: the agent answers, waits, or ends the
 * client with an IOException; the host's decoder gives replies or an IOException; nothing else is
 * thrown.
 */
public final class TtrpcFuzz {
    /** Written only: what a service would go on with. */
    static com.google.protobuf.@org.jspecify.annotations.Nullable MessageLite parsed;

    private TtrpcFuzz() {}

    /** What Jazzer calls. The first byte says how the bytes are cut into reads. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length == 0) {
            return;
        }
        server(input);
        client(input);
    }

    private static void server(byte[] input) {
        Link link =
                new Link() {
                    private int at = 1;

                    @Override
                    public int read(byte[] buffer, int offset, int lengthBytes, boolean inFrame) {
                        if (at == input.length) {
                            return -1;
                        }
                        int n =
                                Math.min(
                                        Math.min(lengthBytes, 1 + (input[0] & 0xff)),
                                        input.length - at);
                        System.arraycopy(input, at, buffer, offset, n);
                        at += n;
                        return n;
                    }

                    @Override
                    public void write(byte[] buffer, int offset, int lengthBytes) {
                        if (TtrpcFrame.length(buffer, offset) + TtrpcFrame.HEADER_BYTES
                                != lengthBytes) {
                            throw new AssertionError("an answer of another length than it says");
                        }
                    }
                };
        TtrpcService service =
                (name, method, payload, call) -> {
                    switch (method.length() % 3) {
                        case 0 -> parsed = CreateContainerRequest.parseFrom(payload);
                        case 1 -> parsed = WriteStreamRequest.parseFrom(payload);
                        default -> call.onCancel(() -> {});
                    }
                    call.reply();
                };
        try {
            new TtrpcServer(link, service).serveOne();
        } catch (IOException e) {
            // It does not speak ttrpc, and was told so.
        }
    }

    private static void client(byte[] input) {
        EmbeddedChannel channel = new EmbeddedChannel(new TtrpcFrameDecoder());
        try {
            int step = 1 + (input[0] & 0xff);
            for (int at = 1; at < input.length; at += step) {
                channel.writeInbound(
                        Unpooled.wrappedBuffer(input, at, Math.min(step, input.length - at)));
            }
        } catch (DecoderException e) {
            if (!(e.getCause() instanceof IOException)) {
                throw e;
            }
        } finally {
            try {
                channel.finishAndReleaseAll();
            } catch (DecoderException e) {
                // Told above already.
            }
        }
    }
}
