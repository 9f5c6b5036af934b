package io.porthole.sandbox.orchestrator.image;

import io.airlift.compress.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Unpacked layers, one directory per digest of the uncompressed tar: {@code layers/sha256/HEX}. A
 * layer appears there complete or not at all. Several processes may use one store.
 */
public final class ImageStore {
    private static final long MAX_LAYER_BYTES = 64L << 30;

    private final Path root;

    /**
     * @param root made when it is missing; readable by this user alone, since layers contain set-id
     *     programs
     */
    public ImageStore(Path root) {
        this.root = root;
    }

    /**
     * Finds an image and unpacks what is not there yet.
     *
     * @param name a path, optionally with ":REF" after it: an OCI layout (directory or tar), or a
     *     root directory
     * @param progress told of each long step
     */
    public Image open(String name, Consumer<String> progress) throws IOException {
        Path whole = Path.of(name);
        int colon = name.lastIndexOf(':');
        if (Files.exists(whole)) {
            return open(name, whole, null, progress);
        }
        if (colon > 0 && Files.exists(Path.of(name.substring(0, colon)))) {
            return open(
                    name, Path.of(name.substring(0, colon)), name.substring(colon + 1), progress);
        }
        throw new ImageException(
                "there is no image at "
                        + name
                        + ": give an OCI image layout (directory or tar) or a root directory");
    }

    private Image open(String name, Path given, @Nullable String ref, Consumer<String> progress)
            throws IOException {
        Path path = given.toRealPath();
        if (Files.isRegularFile(path)) {
            try (Blobs blobs = Blobs.ofTar(path)) {
                return layout(name, blobs, ref, progress);
            }
        }
        if (Files.isRegularFile(path.resolve("oci-layout"), LinkOption.NOFOLLOW_LINKS)) {
            try (Blobs blobs = Blobs.of(path)) {
                return layout(name, blobs, ref, progress);
            }
        }
        if (ref != null) {
            throw new ImageException(path + " is a root directory: it has no image called " + ref);
        }
        if (Stream.of("bin", "usr", "etc", "sbin").noneMatch(d -> Files.exists(path.resolve(d)))) {
            throw new ImageException(
                    path
                            + " is neither an OCI image layout nor a root directory (no bin, usr or etc)");
        }
        return new Image(name, "", List.of(path), ImageConfig.PLAIN);
    }

    private Image layout(String name, Blobs blobs, @Nullable String ref, Consumer<String> progress)
            throws IOException {
        OciLayout.Found found = new OciLayout(blobs).find(ref);
        List<Path> layers = new ArrayList<>();
        for (OciLayout.Layer layer : found.layers()) {
            layers.add(unpacked(blobs, layer, progress));
        }
        return new Image(name, found.manifest().toString(), layers, found.config());
    }

    private Path unpacked(Blobs blobs, OciLayout.Layer layer, Consumer<String> progress)
            throws IOException {
        Path parent = makePrivate(root.resolve("layers").resolve(layer.diffId().algorithm()));
        Path done = parent.resolve(layer.diffId().hex());
        if (Files.isDirectory(done)) {
            return done;
        }
        Path lockFile = parent.resolve(".lock");
        try (FileChannel channel =
                        FileChannel.open(
                                lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) {
            if (!lock.isValid()) {
                throw new IOException("cannot lock " + lockFile);
            }
            if (Files.isDirectory(done)) {
                return done;
            }
            progress.accept("unpacking layer " + layer.diffId().hex().substring(0, 12));
            Path part = parent.resolve(".part");
            delete(part);
            Files.createDirectory(part);
            try {
                unpack(blobs, layer, part);
                Files.move(part, done, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                throw new IOException("cannot rename within " + parent, e);
            } finally {
                delete(part);
            }
        }
        return done;
    }

    private static void unpack(Blobs blobs, OciLayout.Layer layer, Path target) throws IOException {
        DigestInputStream packed =
                new DigestInputStream(
                        blobs.open(OciLayout.path(layer.blob())), layer.blob().hasher());
        try (packed) {
            InputStream plain =
                    switch (layer.compression()) {
                        case NONE -> new BufferedInputStream(packed, 1 << 16);
                        case GZIP -> new GZIPInputStream(packed, 1 << 16);
                        case ZSTD -> new ZstdInputStream(new BufferedInputStream(packed, 1 << 16));
                    };
            DigestInputStream tar = new DigestInputStream(plain, layer.diffId().hasher());
            LayerUnpacker.unpack(new Unclosed(tar), target, MAX_LAYER_BYTES);
            tar.transferTo(OutputStream.nullOutputStream());
            packed.transferTo(OutputStream.nullOutputStream());
            if (!layer.diffId().matches(tar.getMessageDigest().digest())
                    || !layer.blob().matches(packed.getMessageDigest().digest())) {
                throw new ImageException(
                        "the content of layer " + layer.blob() + " does not have that digest");
            }
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw new ImageException(
                    "cannot unpack layer " + layer.blob() + ": " + e.getMessage(), e);
        }
    }

    /** Makes a directory, and those above it, for this user alone. */
    public static Path makePrivate(Path directory) throws IOException {
        return Files.createDirectories(
                directory,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    /** Removes a tree without following links; fine when it is not there. */
    public static void delete(Path top) throws IOException {
        if (!Files.exists(top, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> tree = Files.walk(top)) {
            for (Path path :
                    (Iterable<Path>) tree.sorted(java.util.Comparator.reverseOrder())::iterator) {
                Files.deleteIfExists(path);
            }
        }
    }

    /** Keeps a tar reader from closing the stream whose digest is still to be read. */
    private static final class Unclosed extends java.io.FilterInputStream {
        Unclosed(InputStream in) {
            super(in);
        }

        @Override
        public int read(byte[] b, int off, int len) throws IOException {
            return in.read(b, off, len);
        }

        @Override
        public void close() {}
    }
}
