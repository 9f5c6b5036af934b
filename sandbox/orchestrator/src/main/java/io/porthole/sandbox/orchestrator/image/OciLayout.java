package io.porthole.sandbox.orchestrator.image;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Finds one image in an OCI image layout: index, perhaps further indexes, manifest, configuration,
 * layers. Every document is checked against the digest by which it was named.
 */
final class OciLayout {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MAX_DOCUMENT_BYTES = 8 << 20;
    private static final int MAX_INDEX_DEPTH = 4;
    private static final String REF_NAME = "org.opencontainers.image.ref.name";

    private final Blobs blobs;
    private final String architecture;

    OciLayout(Blobs blobs) {
        this(blobs, hostArchitecture());
    }

    OciLayout(Blobs blobs, String architecture) {
        this.blobs = blobs;
        this.architecture = architecture;
    }

    /**
     * @param diffId of the uncompressed tar: the layer's identity
     * @param blob of the file in the layout
     */
    record Layer(Digest diffId, Digest blob, Compression compression) {}

    /** One image, found and checked but for its layers' content. */
    record Found(Digest manifest, ImageConfig config, List<Layer> layers) {}

    /** How a layer is packed. */
    enum Compression {
        NONE,
        GZIP,
        ZSTD
    }

    static String hostArchitecture() {
        String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
        return switch (arch) {
            case "x86_64", "amd64" -> "amd64";
            case "aarch64" -> "arm64";
            default -> arch;
        };
    }

    /**
     * @param ref the name by which the index knows the image, or null when it has only one
     */
    Found find(@Nullable String ref) throws IOException {
        JsonNode layout = parse(document("oci-layout", null), "oci-layout");
        if (!layout.path("imageLayoutVersion").asText().startsWith("1.")) {
            throw new ImageException("not an OCI image layout of version 1");
        }
        JsonNode index = parse(document("index.json", null), "index.json");
        Digest manifest = choose(index, ref, 0);
        JsonNode node = parse(document(path(manifest), manifest), manifest.toString());
        return image(manifest, node);
    }

    private Digest choose(JsonNode index, @Nullable String ref, int depth) throws IOException {
        if (depth > MAX_INDEX_DEPTH) {
            throw new ImageException("indexes are nested more than " + MAX_INDEX_DEPTH + " deep");
        }
        List<JsonNode> fits = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (JsonNode m : index.path("manifests")) {
            String name = m.path("annotations").path(REF_NAME).asText("");
            JsonNode platform = m.path("platform");
            boolean runs =
                    platform.isMissingNode()
                            || (platform.path("os").asText().equals("linux")
                                    && platform.path("architecture").asText().equals(architecture));
            if (!name.isEmpty()) {
                names.add(name);
            }
            if (runs && (ref == null || name.equals(ref) || name.endsWith(":" + ref))) {
                fits.add(m);
            }
        }
        if (fits.isEmpty()) {
            throw new ImageException(
                    ref == null
                            ? "the image has no manifest for linux/" + architecture
                            : "no image is called " + ref + " here; there is " + names);
        }
        if (fits.size() > 1 && ref == null && depth == 0) {
            throw new ImageException("several images are here; name one of " + names);
        }
        JsonNode chosen = fits.getFirst();
        Digest digest = Digest.parse(chosen.path("digest").asText());
        JsonNode content = parse(document(path(digest), digest), digest.toString());
        return content.has("manifests") ? choose(content, null, depth + 1) : digest;
    }

    private Found image(Digest manifest, JsonNode node) throws IOException {
        Digest configDigest = Digest.parse(node.path("config").path("digest").asText());
        JsonNode config =
                parse(document(path(configDigest), configDigest), configDigest.toString());
        String os = config.path("os").asText("linux");
        String arch = config.path("architecture").asText(architecture);
        if (!os.equals("linux") || !arch.equals(architecture)) {
            throw new ImageException(
                    "the image is for " + os + "/" + arch + ", this host is linux/" + architecture);
        }
        List<JsonNode> diffIds = new ArrayList<>();
        config.path("rootfs").path("diff_ids").forEach(diffIds::add);
        List<Layer> layers = new ArrayList<>();
        for (JsonNode layer : node.path("layers")) {
            if (layers.size() >= diffIds.size()) {
                break;
            }
            layers.add(
                    new Layer(
                            Digest.parse(diffIds.get(layers.size()).asText()),
                            Digest.parse(layer.path("digest").asText()),
                            compression(layer.path("mediaType").asText())));
        }
        if (layers.isEmpty()
                || layers.size() != node.path("layers").size()
                || layers.size() != diffIds.size()) {
            throw new ImageException(
                    "the manifest has "
                            + node.path("layers").size()
                            + " layers, the configuration "
                            + diffIds.size());
        }
        return new Found(manifest, ImageConfig.parse(config), List.copyOf(layers));
    }

    private static Compression compression(String mediaType) throws ImageException {
        return switch (mediaType) {
            case "application/vnd.oci.image.layer.v1.tar",
                    "application/vnd.oci.image.layer.nondistributable.v1.tar",
                    "application/vnd.docker.image.rootfs.diff.tar" ->
                    Compression.NONE;
            case "application/vnd.oci.image.layer.v1.tar+gzip",
                    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                    "application/vnd.docker.image.rootfs.diff.tar.gzip" ->
                    Compression.GZIP;
            case "application/vnd.oci.image.layer.v1.tar+zstd",
                    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd" ->
                    Compression.ZSTD;
            default -> throw new ImageException("unknown kind of layer: " + mediaType);
        };
    }

    static String path(Digest digest) {
        return "blobs/" + digest.algorithm() + "/" + digest.hex();
    }

    private byte[] document(String name, @Nullable Digest digest) throws IOException {
        try (InputStream in = blobs.open(name)) {
            byte[] bytes = in.readNBytes(MAX_DOCUMENT_BYTES + 1);
            if (bytes.length > MAX_DOCUMENT_BYTES) {
                throw new ImageException(name + " is longer than 8 MiB");
            }
            if (digest != null && !digest.matches(digest.hasher().digest(bytes))) {
                throw new ImageException("the content of " + name + " does not have that digest");
            }
            return bytes;
        }
    }

    private static JsonNode parse(byte[] bytes, String name) throws IOException {
        try {
            return JSON.readTree(bytes);
        } catch (JsonProcessingException e) {
            throw new ImageException(name + " is not JSON: " + e.getOriginalMessage(), e);
        }
    }
}
