package io.porthole.sandbox.agentprotocol.ttrpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;

/** The services behind a {@link TtrpcServer}. */
@FunctionalInterface
public interface TtrpcService {
    /**
     * Takes one call, on the thread that reads the link: calls arrive here in the order in which
     * the client sent them, and one that may block must go on elsewhere.
     *
     * @param payload the request message
     * @param call to be answered exactly once, here or later, from any thread. An exception thrown
     *     here answers it too: a {@link TtrpcException} with its own status, a malformed message
     *     with INVALID_ARGUMENT, all others with INTERNAL.
     */
    void call(String service, String method, ByteString payload, Call call)
            throws InvalidProtocolBufferException;
}
