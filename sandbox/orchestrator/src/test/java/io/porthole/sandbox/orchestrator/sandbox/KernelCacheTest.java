package io.porthole.sandbox.orchestrator.sandbox;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelCacheTest {
    @TempDir Path dir = Path.of("unset");

    private Path pack(byte[] content) throws IOException {
        Path file = dir.resolve("vmlinux.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(content);
        }
        return file;
    }

    private static byte[] content(int seed) {
        byte[] bytes = new byte[300_001];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void aPackedKernelIsUnpackedOnce() throws IOException {
        KernelCache cache = new KernelCache(dir.resolve("kernels"));
        Path packed = pack(content(1));
        Path first = cache.unpacked(packed);
        assertArrayEquals(content(1), Files.readAllBytes(first));
        FileTime made = Files.getLastModifiedTime(first);
        assertEquals(first, cache.unpacked(packed));
        assertEquals(made, Files.getLastModifiedTime(first));
    }

    @Test
    void aKernelThatWasReplacedIsAnotherAndOldOnesGo() throws IOException {
        KernelCache cache = new KernelCache(dir.resolve("kernels"));
        Path first = cache.unpacked(pack(content(1)));
        Path last = first;
        for (int i = 2; i <= 5; i++) {
            Path packed = pack(content(i));
            Files.setLastModifiedTime(packed, FileTime.fromMillis(i * 1_000_000L));
            last = cache.unpacked(packed);
            assertNotEquals(first, last);
            assertArrayEquals(content(i), Files.readAllBytes(last));
        }
        try (Stream<Path> left = Files.list(dir.resolve("kernels"))) {
            assertEquals(3, left.count());
        }
    }

    @Test
    void whatIsNotPackedIsTakenAsItIs() throws IOException {
        Path kernel = Files.writeString(dir.resolve("vmlinuz"), "kernel");
        assertEquals(kernel, new KernelCache(dir.resolve("kernels")).unpacked(kernel));
    }

    @Test
    void aDamagedOneLeavesNothing() throws IOException {
        Path packed = Files.writeString(dir.resolve("vmlinux.gz"), "no gzip at all");
        KernelCache cache = new KernelCache(dir.resolve("kernels"));
        assertThrows(ZipException.class, () -> cache.unpacked(packed));
        try (Stream<Path> left = Files.list(dir.resolve("kernels"))) {
            assertEquals(0, left.count());
        }
    }
}
