package io.porthole.perf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The shared directory that all daemons serve, one after the other, with files whose contents the
 * driver can tell from their position.
 */
final class Fixture {
    static final String DATA = "data";
    static final String WRITTEN = "written";
    static final String MANY = "many";
    static final String SCRATCH = "scratch";
    static final String TREE = "tree";

    /** Of {@link #DATA} and {@link #WRITTEN}: a multiple of 1 MiB. */
    static final long DATA_BYTES = 64L << 20;

    /** Files in {@link #MANY}. */
    static final int MANY_FILES = 1000;

    private static final int TREE_FILES = 3000;
    private static final long TREE_BYTES = 96L << 20;

    private final Path share;

    private Fixture(Path share) {
        this.share = share;
    }

    /**
     * Prepares an empty directory.
     *
     * @param tree a real tree, of which up to 3,000 files are copied
     */
    static Fixture prepare(Path share, Path tree) throws IOException {
        for (String name : List.of(DATA, WRITTEN)) {
            try (FileChannel file =
                    FileChannel.open(
                            share.resolve(name),
                            StandardOpenOption.CREATE_NEW,
                            StandardOpenOption.WRITE)) {
                ByteBuffer block = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
                for (long at = 0; at < DATA_BYTES; at += block.capacity()) {
                    block.clear();
                    while (block.hasRemaining()) {
                        block.putLong(word(at + block.position()));
                    }
                    block.flip();
                    while (block.hasRemaining()) {
                        file.write(block);
                    }
                }
            }
        }
        Path many = Files.createDirectory(share.resolve(MANY));
        for (int i = 0; i < MANY_FILES; i++) {
            Files.write(many.resolve(manyName(i)), new byte[manySize(i)]);
        }
        Files.createDirectory(share.resolve(SCRATCH));
        copyTree(tree, share.resolve(TREE));
        return new Fixture(share);
    }

    Path share() {
        return share;
    }

    /** Removes what a row that failed has left. */
    void clearScratch() throws IOException {
        try (Stream<Path> left = Files.list(share.resolve(SCRATCH))) {
            for (Path path : left.toList()) {
                Files.delete(path);
            }
        }
    }

    /** The eight bytes at {@code offset}, a multiple of 8, of {@link #DATA}. */
    static long word(long offset) {
        long x = (offset + 1) * 0x9E3779B97F4A7C15L;
        return x ^ (x >>> 29);
    }

    static String manyName(int i) {
        return String.format("file%06d", i);
    }

    static int manySize(int i) {
        return i;
    }

    private static void copyTree(Path from, Path to) throws IOException {
        int[] files = {0};
        long[] bytes = {0};
        Files.walkFileTree(
                from,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes a)
                            throws IOException {
                        if (!Files.isReadable(dir)) {
                            return FileVisitResult.SKIP_SUBTREE;
                        }
                        Files.createDirectory(to.resolve(from.relativize(dir)));
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes a)
                            throws IOException {
                        boolean plain = a.isRegularFile() && Files.isReadable(file);
                        if (plain || a.isSymbolicLink()) {
                            Files.copy(
                                    file,
                                    to.resolve(from.relativize(file)),
                                    LinkOption.NOFOLLOW_LINKS);
                            files[0]++;
                            bytes[0] += plain ? a.size() : 0;
                        }
                        return files[0] < TREE_FILES && bytes[0] < TREE_BYTES
                                ? FileVisitResult.CONTINUE
                                : FileVisitResult.TERMINATE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException e) {
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    /**
     * What a container's start looks at.
     *
     * @param directory relative to the share
     */
    record TreeFile(String directory, String name, boolean link, long size) {}

    /** The files of the tree in the order of their paths. */
    List<TreeFile> treeFiles() throws IOException {
        List<TreeFile> files = new ArrayList<>();
        Path tree = share.resolve(TREE);
        try (Stream<Path> walk = Files.walk(tree)) {
            for (Path path : walk.sorted().toList()) {
                boolean link = Files.isSymbolicLink(path);
                if (link || Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
                    Path parent = share.relativize(path.toAbsolutePath()).getParent();
                    files.add(
                            new TreeFile(
                                    String.valueOf(parent),
                                    String.valueOf(path.getFileName()),
                                    link,
                                    link ? 0 : Files.size(path)));
                }
            }
        }
        if (files.size() < 100) {
            throw new IOException(
                    tree + " has " + files.size() + " files: too few for a container's start");
        }
        return files;
    }
}
