/**
 * What the orchestrator does to the host's file system: mounts, and files below a root that must
 * not be left. All of it goes through {@link io.porthole.linux.Syscalls}.
 */
@NullMarked
package io.porthole.sandbox.orchestrator.host;

import org.jspecify.annotations.NullMarked;
