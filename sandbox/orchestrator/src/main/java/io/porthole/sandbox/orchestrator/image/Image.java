package io.porthole.sandbox.orchestrator.image;

import java.nio.file.Path;
import java.util.List;

/**
 * An image ready to be mounted.
 *
 * @param name as the user wrote it
 * @param digest of the manifest, or "" for a plain directory
 * @param layers directories to overlay, lowest first; at least one; never written to
 * @param config what to run
 */
public record Image(String name, String digest, List<Path> layers, ImageConfig config) {
    public Image {
        layers = List.copyOf(layers);
    }
}
