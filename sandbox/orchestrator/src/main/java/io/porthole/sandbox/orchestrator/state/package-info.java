/**
 * What is known of sandboxes and containers, on disk.
 *
 * <p>Layout below the state root: {@code sandboxes/ID/} holds one sandbox's sockets, logs, {@code
 * sandbox.json} and {@code containers/CID/container.json}; {@code names/CID} tells a container's
 * sandbox. A file appears by rename, so a reader sees the old or the new one. A sandbox's files
 * have one writer: its monitor while that lives, else whoever holds its lock.
 */
@NullMarked
package io.porthole.sandbox.orchestrator.state;

import org.jspecify.annotations.NullMarked;
