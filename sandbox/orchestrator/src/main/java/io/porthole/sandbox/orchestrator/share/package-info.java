/**
 * What a sandbox shares with its guest: one directory, laid out as Kata Containers does it, and one
 * virtiofsd that serves it.
 *
 * <p>Below {@code shared/}: {@code CID/rootfs} is a container's root, {@code CID-N-NAME} its
 * volumes and {@code CID-hosts} and the like its generated files. Everything there is a bind mount
 * made after the daemon started; the daemon sees it because the directory is a shared mount, the
 * guest because submounts are announced.
 */
@NullMarked
package io.porthole.sandbox.orchestrator.share;

import org.jspecify.annotations.NullMarked;
