/**
 * ttrpc: unary calls, multiplexed by stream id over one byte stream.
 *
 * <p>{@link io.porthole.sandbox.agentprotocol.ttrpc.TtrpcClient} is the host's end, on netty-epoll:
 * all its state belongs to one event loop, its methods may be called from any thread. {@link
 * io.porthole.sandbox.agentprotocol.ttrpc.TtrpcServer} is the guest's end: one thread that reads
 * whatever {@link io.porthole.sandbox.agentprotocol.ttrpc.Link} it was given, with no dependency
 * beyond java.base and the protobuf runtime, because it starts on an interpreter under emulation.
 */
@NullMarked
package io.porthole.sandbox.agentprotocol.ttrpc;

import org.jspecify.annotations.NullMarked;
