/**
 * The agent in the guest: Kata's agent protocol on one side, crun and the kernel on the other.
 *
 * <p>It runs as a child of the guest's init, on an interpreting JVM under emulation: what counts is
 * how few classes and processes a call costs. No dependency but java.base and the protobuf runtime.
 *
 * <p>Threads: one per client link reads requests and answers those that cannot block; "reaper"
 * waits for children; "poller" moves bytes of the containers' streams when they are ready;
 * "worker-N" run what may block (mounts, crun). A container's state is guarded by the container;
 * lock order is sandbox, container, stream.
 *
 * <p>Ownership: a {@link io.porthole.sandbox.agent.ProcessStreams} owns the agent's ends of a
 * process' pipes or its terminal and closes them; {@link io.porthole.sandbox.agent.Libc} is the
 * only file that calls native code.
 */
@NullMarked
package io.porthole.sandbox.agent;

import org.jspecify.annotations.NullMarked;
