package io.porthole.sandbox.orchestrator.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarFile;

/** The files of an OCI image layout, wherever they lie. */
interface Blobs extends AutoCloseable {
    /** Opens {@code oci-layout}, {@code index.json} or a path below {@code blobs/}. */
    InputStream open(String name) throws IOException;

    @Override
    void close() throws IOException;

    /** A layout in a directory. */
    static Blobs of(Path directory) {
        return new Blobs() {
            @Override
            public InputStream open(String name) throws IOException {
                Path file = directory.resolve(name);
                if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                    throw new ImageException(directory + " has no file " + name);
                }
                return Files.newInputStream(file);
            }

            @Override
            public void close() {}
        };
    }

    /** A layout in an uncompressed tar, read in place. */
    static Blobs ofTar(Path tar) throws IOException {
        TarFile archive;
        Map<String, TarArchiveEntry> entries = new HashMap<>();
        try {
            archive = new TarFile(tar);
        } catch (IOException | IllegalArgumentException e) {
            throw new ImageException(tar + " is no tar archive: " + e.getMessage(), e);
        }
        for (TarArchiveEntry entry : archive.getEntries()) {
            if (entry.isFile()) {
                String name = entry.getName();
                entries.put(name.startsWith("./") ? name.substring(2) : name, entry);
            }
        }
        return new Blobs() {
            @Override
            public InputStream open(String name) throws IOException {
                TarArchiveEntry entry = entries.get(name);
                if (entry == null) {
                    throw new ImageException(tar + " has no file " + name);
                }
                return archive.getInputStream(entry);
            }

            @Override
            public void close() throws IOException {
                archive.close();
            }
        };
    }
}
