/**
 * What the daemon may still do once it serves: the jail (its own mount namespace, rooted in the
 * shared directory), the capabilities it keeps, and the seccomp filter.
 *
 * <p>Confinement has two steps (docs/adr/0005). The launcher script puts the JVM in new mount,
 * network, IPC and UTS namespaces, with a reduced bounding set. Then {@link
 * io.porthole.virtiofsd.confine.Jail} pivots into the shared directory, {@link
 * io.porthole.virtiofsd.confine.CapabilitySet} drops what only the set-up needed, and {@link
 * io.porthole.virtiofsd.confine.SeccompFilter} is loaded on all threads.
 *
 * <p>Threading: all of it runs once, on the main thread, before any request thread exists, because
 * threads inherit credentials and capabilities from the one that starts them. Ownership: the
 * descriptors that a jail leaves behind belong to the caller.
 */
@NullMarked
package io.porthole.virtiofsd.confine;

import org.jspecify.annotations.NullMarked;
