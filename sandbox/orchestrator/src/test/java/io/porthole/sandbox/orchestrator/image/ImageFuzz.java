package io.porthole.sandbox.orchestrator.image;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;

/**
 * Layers and documents of images made of any bytes. What must hold: they are unpacked, or refused
 * with an IOException; what lies beside the layer's directory is as it was.
 */
public final class ImageFuzz {
    private static final String SECRET = "beside the layer";
    private static final int LARGEST_LAYER_BYTES = 1 << 20;

    private ImageFuzz() {}

    /** What Jazzer calls. The first byte chooses: a layer, or an index. */
    public static void fuzzerTestOneInput(byte[] input) throws IOException {
        if (input.length == 0) {
            return;
        }
        if ((input[0] & 1) == 0) {
            layer(new ByteArrayInputStream(input, 1, input.length - 1));
        } else {
            index(input);
        }
    }

    private static void layer(InputStream tar) throws IOException {
        Path base = Files.createTempDirectory(Path.of("/dev/shm"), "porthole-fuzz");
        try {
            Path secret = Files.writeString(base.resolve("secret"), SECRET);
            Path target = Files.createDirectory(base.resolve("layer"));
            try {
                LayerUnpacker.unpack(tar, target, LARGEST_LAYER_BYTES);
            } catch (IOException e) {
                // Refused.
            }
            if (!Files.readString(secret).equals(SECRET)) {
                throw new AssertionError("a file beside the layer was written");
            }
            try (var there = Files.list(base)) {
                if (there.count() != 2) {
                    throw new AssertionError("a file was made beside the layer");
                }
            }
        } finally {
            try (var all = Files.walk(base)) {
                all.sorted(Comparator.reverseOrder()).forEach(p -> p.toFile().delete());
            }
        }
    }

    /**
     * The index, and as whatever it names the same bytes: digests are checked, so they are refused.
     */
    private static void index(byte[] input) {
        Blobs blobs =
                new Blobs() {
                    @Override
                    public InputStream open(String name) throws IOException {
                        if (name.contains("..") || name.startsWith("/")) {
                            throw new AssertionError("a path out of the layout: " + name);
                        }
                        return name.equals("oci-layout")
                                ? new ByteArrayInputStream(
                                        "{\"imageLayoutVersion\":\"1.0.0\"}"
                                                .getBytes(
                                                        java.nio.charset.StandardCharsets.US_ASCII))
                                : new ByteArrayInputStream(input, 1, input.length - 1);
                    }

                    @Override
                    public void close() {}
                };
        try {
            new OciLayout(blobs, "amd64").find(null);
        } catch (IOException e) {
            // Refused.
        }
    }
}
