package io.porthole.sandbox.agentprotocol.ttrpc;

import java.io.IOException;

/**
 * The byte stream below a {@link TtrpcServer}. One thread reads; any thread writes, one at a time
 * (the server holds a lock).
 */
public interface Link {
    /**
     * Waits for bytes.
     *
     * @param inFrame the peer owes the rest of a frame: a link that cannot always tell one client's
     *     end from the next one's beginning may give up when it does not come
     * @return how many were placed, at least 1, or -1 when the present client has gone. A link that
     *     a further client can take (a virtio-serial port) may be read again after that.
     */
    int read(byte[] buffer, int offset, int lengthBytes, boolean inFrame) throws IOException;

    /** Writes all bytes, or throws when the present client has gone. */
    void write(byte[] buffer, int offset, int lengthBytes) throws IOException;
}
