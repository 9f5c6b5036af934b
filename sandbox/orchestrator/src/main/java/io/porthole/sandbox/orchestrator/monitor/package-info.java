/**
 * The background process of one sandbox, and how others speak to it.
 *
 * <p>A command starts the monitor and goes; the monitor owns the sandbox until that ends. It
 * listens on {@code monitor.sock} in the sandbox's directory, which only its owner can reach. A
 * connection carries one request: a {@link io.porthole.sandbox.orchestrator.monitor.Frame} with
 * JSON, an answer, and for the requests that attach to a process, its streams in further frames.
 *
 * <p>Threads: one virtual thread per connection.
 */
@NullMarked
package io.porthole.sandbox.orchestrator.monitor;

import org.jspecify.annotations.NullMarked;
