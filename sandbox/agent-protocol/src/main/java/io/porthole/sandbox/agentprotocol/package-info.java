/**
 * What the host and the agent in the guest say to each other: Kata's agent protocol over ttrpc.
 *
 * <p>The messages are generated from {@code src/main/protobuf}: {@code ...agentprotocol.grpc} and
 * {@code ...agentprotocol.types}, named after the protocol's packages. {@link
 * io.porthole.sandbox.agentprotocol.AgentClient} is the host's view of the two services; the
 * agent's view is a {@link io.porthole.sandbox.agentprotocol.ttrpc.TtrpcService}.
 */
@NullMarked
package io.porthole.sandbox.agentprotocol;

import org.jspecify.annotations.NullMarked;
