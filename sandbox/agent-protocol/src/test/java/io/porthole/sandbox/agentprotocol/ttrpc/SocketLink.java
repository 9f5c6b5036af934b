package io.porthole.sandbox.agentprotocol.ttrpc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A {@link Link} over an accepted unix socket: the guest's end, for tests on the host. */
public record SocketLink(SocketChannel channel) implements Link {
    @Override
    public int read(byte[] buffer, int offset, int lengthBytes, boolean inFrame)
            throws IOException {
        return channel.read(ByteBuffer.wrap(buffer, offset, lengthBytes));
    }

    @Override
    public void write(byte[] buffer, int offset, int lengthBytes) throws IOException {
        ByteBuffer left = ByteBuffer.wrap(buffer, offset, lengthBytes);
        while (left.hasRemaining()) {
            channel.write(left);
        }
    }
}
