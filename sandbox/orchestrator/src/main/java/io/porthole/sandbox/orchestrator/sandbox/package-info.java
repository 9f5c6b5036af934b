/**
 * The life of one sandbox and of the containers in it.
 *
 * <p>{@link io.porthole.sandbox.orchestrator.sandbox.Sandbox} boots the machine, watches everything
 * that may die (hypervisor, file system daemon, agent, helpers), and is the only writer of the
 * sandbox's files while it lives. It runs inside the monitor process, and may run inside a shim.
 *
 * <p>Threads: public methods may be called from any thread and block. Each running process has one
 * virtual thread per output stream. Lock order: the sandbox, then a container, then a stream.
 */
@NullMarked
package io.porthole.sandbox.orchestrator.sandbox;

import org.jspecify.annotations.NullMarked;
