package io.porthole.sandbox.orchestrator.image;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/** Writes layers and OCI layouts, also such as no honest tool would write. */
public final class TestImages {
    private TestImages() {}

    /** A tar under construction. */
    public static final class Layer {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes);

        public Layer() {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
        }

        private Layer add(TarArchiveEntry entry, byte[] content) {
            try {
                entry.setSize(content.length);
                entry.setModTime(1_700_000_000_000L);
                tar.putArchiveEntry(entry);
                tar.write(content);
                tar.closeArchiveEntry();
                return this;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        public Layer file(String name, String content) {
            return file(name, content, 0644, 0, Map.of());
        }

        Layer file(String name, String content, int mode, int owner, Map<String, String> xattrs) {
            TarArchiveEntry e = new TarArchiveEntry(name, true);
            e.setMode(mode);
            e.setUserId(owner);
            e.setGroupId(owner);
            xattrs.forEach((k, v) -> e.addPaxHeader("SCHILY.xattr." + k, v));
            return add(e, content.getBytes(StandardCharsets.UTF_8));
        }

        public Layer directory(String name) {
            TarArchiveEntry e = new TarArchiveEntry(name.endsWith("/") ? name : name + "/", true);
            e.setMode(0755);
            return add(e, new byte[0]);
        }

        Layer link(String name, byte type, String target) {
            TarArchiveEntry e = new TarArchiveEntry(name, type, true);
            e.setLinkName(target);
            return add(e, new byte[0]);
        }

        Layer symlink(String name, String target) {
            return link(name, TarConstants.LF_SYMLINK, target);
        }

        Layer hardLink(String name, String target) {
            return link(name, TarConstants.LF_LINK, target);
        }

        Layer special(String name, byte type) {
            return add(new TarArchiveEntry(name, type, true), new byte[0]);
        }

        public byte[] tar() {
            try {
                tar.finish();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return bytes.toByteArray();
        }
    }

    public static byte[] layer(Consumer<Layer> content) {
        Layer layer = new Layer();
        content.accept(layer);
        return layer.tar();
    }

    static byte[] gzip(byte[] plain) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(plain);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    static byte[] zstd(byte[] plain) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream zstd = new io.airlift.compress.zstd.ZstdOutputStream(out)) {
            zstd.write(plain);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    static String digest(byte[] bytes) {
        try {
            return "sha256:"
                    + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String blob(Path layout, byte[] content) throws IOException {
        String digest = digest(content);
        Path file = layout.resolve("blobs/sha256").resolve(digest.substring(7));
        Files.createDirectories(file.getParent());
        Files.write(file, content);
        return digest;
    }

    private static String descriptor(String type, String digest, int size, String more) {
        return "{\"mediaType\":\""
                + type
                + "\",\"digest\":\""
                + digest
                + "\",\"size\":"
                + size
                + more
                + "}";
    }

    /** Layers uncompressed, gzip and zstd in turn. */
    public static void layout(Path to, String config, String ref, List<byte[]> tars)
            throws IOException {
        Files.createDirectories(to);
        Files.writeString(to.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
        List<String> layers = new ArrayList<>();
        List<String> diffIds = new ArrayList<>();
        for (int i = 0; i < tars.size(); i++) {
            byte[] tar = tars.get(i);
            byte[] packed = i % 3 == 0 ? gzip(tar) : i % 3 == 1 ? zstd(tar) : tar;
            String suffix = i % 3 == 0 ? "+gzip" : i % 3 == 1 ? "+zstd" : "";
            layers.add(
                    descriptor(
                            "application/vnd.oci.image.layer.v1.tar" + suffix,
                            blob(to, packed),
                            packed.length,
                            ""));
            diffIds.add("\"" + digest(tar) + "\"");
        }
        byte[] configBytes =
                ("{\"architecture\":\""
                                + OciLayout.hostArchitecture()
                                + "\",\"os\":\"linux\",\"config\":"
                                + config
                                + ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
                                + String.join(",", diffIds)
                                + "]}}")
                        .getBytes(StandardCharsets.UTF_8);
        String configDescriptor =
                descriptor(
                        "application/vnd.oci.image.config.v1+json",
                        blob(to, configBytes),
                        configBytes.length,
                        "");
        byte[] manifest =
                ("{\"schemaVersion\":2,\"config\":"
                                + configDescriptor
                                + ",\"layers\":["
                                + String.join(",", layers)
                                + "]}")
                        .getBytes(StandardCharsets.UTF_8);
        String manifestDescriptor =
                descriptor(
                        "application/vnd.oci.image.manifest.v1+json",
                        blob(to, manifest),
                        manifest.length,
                        ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" + ref + "\"}");
        Files.writeString(
                to.resolve("index.json"),
                "{\"schemaVersion\":2,\"manifests\":[" + manifestDescriptor + "]}");
    }

    /** The same layout as one tar. */
    static void asTar(Path layout, Path tar) throws IOException {
        try (TarArchiveOutputStream out = new TarArchiveOutputStream(Files.newOutputStream(tar));
                var files = Files.walk(layout)) {
            for (Path p : (Iterable<Path>) files.sorted()::iterator) {
                if (Files.isRegularFile(p)) {
                    TarArchiveEntry e = new TarArchiveEntry(layout.relativize(p).toString());
                    e.setSize(Files.size(p));
                    out.putArchiveEntry(e);
                    Files.copy(p, out);
                    out.closeArchiveEntry();
                }
            }
        }
    }
}
