package io.porthole.virtiofsd.passthrough;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Temporary directories on the file systems that tests run on, and what the process has open. */
final class ServedDirectory implements AutoCloseable {
    final Path path;

    private ServedDirectory(Path path) {
        this.path = path;
    }

    /** On the disk's file system. */
    static ServedDirectory onDisk() throws IOException {
        return new ServedDirectory(Files.createTempDirectory("porthole-fs"));
    }

    /** On tmpfs. */
    static ServedDirectory inMemory() throws IOException {
        return new ServedDirectory(Files.createTempDirectory(Path.of("/dev/shm"), "porthole-fs"));
    }

    /** Descriptors of this process. */
    static long openDescriptors() {
        try (Stream<Path> fds = Files.list(Path.of("/proc/self/fd"))) {
            return fds.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        Files.walkFileTree(
                path,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(
                            Path directory, @Nullable IOException e) throws IOException {
                        Files.delete(directory);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
