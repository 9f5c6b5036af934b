package io.porthole.sandbox.orchestrator.sandbox;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * Kernels that were kept as gzip, unpacked once for each host: a hypervisor enters an ELF kernel
 * without the half second that a guest under emulation takes to unpack its own.
 */
final class KernelCache {
    /** Older ones are removed; a kernel is only read while a machine starts. */
    private static final int KEPT = 3;

    private final Path directory;

    KernelCache(Path directory) {
        this.directory = directory;
    }

    /**
     * The kernel as the hypervisor takes it: the file itself, or what is packed in it if its name
     * ends in {@code .gz}. Several processes may ask at a time.
     */
    Path unpacked(Path kernel) throws IOException {
        String name = kernel.toAbsolutePath().toString();
        if (!name.endsWith(".gz")) {
            return kernel;
        }
        // A kernel that was replaced is another one.
        FileTime time = Files.getLastModifiedTime(kernel);
        String key = Integer.toHexString(name.hashCode()) + "-" + time.toMillis() + "-";
        Path made = directory.resolve(key + Files.size(kernel));
        if (Files.exists(made)) {
            return made;
        }
        Files.createDirectories(directory);
        Path partial = Files.createTempFile(directory, ".partial", "");
        try {
            try (InputStream in = new GZIPInputStream(Files.newInputStream(kernel), 1 << 16);
                    OutputStream out = Files.newOutputStream(partial)) {
                in.transferTo(out);
            }
            try (FileChannel channel = FileChannel.open(partial, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(partial, made, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(partial);
        }
        removeOld();
        return made;
    }

    private void removeOld() throws IOException {
        List<Path> kernels;
        try (Stream<Path> all = Files.list(directory)) {
            kernels =
                    all.filter(file -> !file.getFileName().toString().startsWith("."))
                            .sorted(Comparator.comparing(KernelCache::time).reversed())
                            .toList();
        }
        for (Path old : kernels.subList(Math.min(KEPT, kernels.size()), kernels.size())) {
            Files.deleteIfExists(old);
        }
    }

    private static FileTime time(Path file) {
        try {
            return Files.getLastModifiedTime(file);
        } catch (IOException e) {
            return FileTime.fromMillis(0); // removed by another process since
        }
    }
}
