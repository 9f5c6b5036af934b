/**
 * Processes by identity rather than by number.
 *
 * <p>A pid is reused; a pid together with its start time is not. Everything that is kept on disk or
 * killed is a {@link io.porthole.sandbox.orchestrator.process.ProcessId}.
 */
@NullMarked
package io.porthole.sandbox.orchestrator.process;

import org.jspecify.annotations.NullMarked;
