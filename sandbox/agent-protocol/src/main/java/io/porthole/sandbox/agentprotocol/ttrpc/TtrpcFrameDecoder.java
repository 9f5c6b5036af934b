package io.porthole.sandbox.agentprotocol.ttrpc;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Response;
import java.io.IOException;
import java.util.List;

/** Cuts the agent's bytes into {@link Reply}s. */
final class TtrpcFrameDecoder extends ByteToMessageDecoder {
    /** A response and the stream that it answers. */
    record Reply(int stream, Response response) {}

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out)
            throws IOException {
        if (in.readableBytes() < TtrpcFrame.HEADER_BYTES) {
            return;
        }
        int start = in.readerIndex();
        long length = in.getUnsignedInt(start);
        int stream = in.getInt(start + 4);
        int type = in.getUnsignedByte(start + 8);
        if (type != TtrpcFrame.TYPE_RESPONSE || length > TtrpcFrame.MAX_MESSAGE_BYTES) {
            throw new IOException(
                    "the peer does not speak ttrpc: message type "
                            + type
                            + ", "
                            + length
                            + " bytes");
        }
        if (in.readableBytes() < TtrpcFrame.HEADER_BYTES + length) {
            return;
        }
        in.skipBytes(TtrpcFrame.HEADER_BYTES);
        byte[] message = new byte[(int) length];
        in.readBytes(message);
        out.add(new Reply(stream, Response.parseFrom(message)));
    }
}
