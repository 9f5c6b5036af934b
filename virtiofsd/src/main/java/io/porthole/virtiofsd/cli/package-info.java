/**
 * The daemon's command line: a drop-in for Rust virtiofsd's (its option names and {@code -o}
 * forms), parsed without reflection because it lies on the path to the first FUSE_INIT
 * (docs/adr/0004).
 *
 * <p>Threading: parsing is done once, by the main thread; {@link io.porthole.virtiofsd.cli.Options}
 * does not change afterwards. Ownership: none.
 */
@NullMarked
package io.porthole.virtiofsd.cli;

import org.jspecify.annotations.NullMarked;
