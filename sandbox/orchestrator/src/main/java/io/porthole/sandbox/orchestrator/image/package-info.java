/**
 * Container images: OCI image layouts (a directory or a tar) and plain root directories.
 *
 * <p>{@link io.porthole.sandbox.orchestrator.image.ImageStore} turns what a user named into an
 * {@link io.porthole.sandbox.orchestrator.image.Image}: read-only layer directories, unpacked once
 * per digest below the store's root, and the configuration. Images are hostile input: digests are
 * checked before anything is used, and unpacking cannot leave the layer's own directory.
 */
@NullMarked
package io.porthole.sandbox.orchestrator.image;

import org.jspecify.annotations.NullMarked;
