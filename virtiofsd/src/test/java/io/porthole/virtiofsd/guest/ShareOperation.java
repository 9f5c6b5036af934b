package io.porthole.virtiofsd.guest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One thing a guest does on a share, and how both sides describe what is then there. The guest's
 * script ends by printing what it sees; the host's look at the shared directory must come to the
 * same words.
 *
 * @param name a verb and its object, for a person
 * @param guestScript a shell script that runs in the mounted directory
 * @param hostView what the host sees, from the shared directory
 */
public record ShareOperation(String name, String guestScript, HostView hostView) {
    /** A look at the shared directory. */
    @FunctionalInterface
    public interface HostView {
        String see(Path share) throws IOException;
    }

    /**
     * How big to make things.
     *
     * @param bigFileMegabytes size of the file that the guest hashes, in MiB
     * @param directoryFiles number of files the guest puts into one directory
     */
    public record Scale(int bigFileMegabytes, int directoryFiles) {
        /** For a person to look at. */
        public static final Scale DEMO = new Scale(256, 10_000);

        /** For tests on many machines. */
        public static final Scale TEST = new Scale(16, 2_000);
    }

    private static final int LISTED_FILES = 200;

    /** Puts what the operations start from into an empty shared directory. */
    public static void prepare(Path share, Scale scale) throws IOException {
        // Temporary directories are closed to others; one operation acts as another user.
        Files.setAttribute(share, "unix:mode", 0755);
        SplittableRandom random = new SplittableRandom(20260101);
        byte[] mebibyte = new byte[1 << 20];
        try (var out = Files.newOutputStream(share.resolve("big.bin"))) {
            for (int i = 0; i < scale.bigFileMegabytes(); i++) {
                random.nextBytes(mebibyte);
                out.write(mebibyte);
            }
        }
        Path listed = Files.createDirectory(share.resolve("from-host"));
        for (int i = 0; i < LISTED_FILES; i++) {
            Files.writeString(
                    listed.resolve("file-" + i + ".txt"), "host wrote number " + i + "\n");
        }
    }

    /** All operations, in an order in which each finds what it needs. */
    public static List<ShareOperation> all(Scale scale) {
        return List.of(
                new ShareOperation(
                        "list a directory the host filled",
                        "cd from-host && echo $(ls | wc -l) names, sha256 $(ls | LC_ALL=C sort | sha256sum | cut -c1-16)",
                        share -> {
                            List<String> names = names(share.resolve("from-host"));
                            return names.size() + " names, sha256 " + shortHash(joined(names));
                        }),
                new ShareOperation(
                        "hash a file of " + scale.bigFileMegabytes() + " MiB",
                        "echo sha256 $(sha256sum big.bin | cut -c1-16)",
                        share ->
                                "sha256 "
                                        + Manifest.sha256(share.resolve("big.bin"))
                                                .substring(0, 16)),
                new ShareOperation(
                        "create a file with umask 027",
                        "umask 027; : > note.txt; stat -c '%a %s %u:%g' note.txt",
                        share -> status(share.resolve("note.txt"))),
                new ShareOperation(
                        "write 8 MiB",
                        "dd if=/dev/urandom of=written.bin bs=1M count=8 2>/dev/null"
                                + " && echo $(stat -c %s written.bin) bytes, sha256 $(sha256sum written.bin | cut -c1-16)",
                        share -> sizeAndHash(share.resolve("written.bin"))),
                new ShareOperation(
                        "append to it",
                        "echo one more line >> written.bin"
                                + " && echo $(stat -c %s written.bin) bytes, sha256 $(sha256sum written.bin | cut -c1-16)",
                        share -> sizeAndHash(share.resolve("written.bin"))),
                new ShareOperation(
                        "overwrite in the middle",
                        "echo porthole | dd of=written.bin bs=1 seek=5000000 conv=notrunc 2>/dev/null"
                                + " && echo $(stat -c %s written.bin) bytes, sha256 $(sha256sum written.bin | cut -c1-16)",
                        share -> sizeAndHash(share.resolve("written.bin"))),
                new ShareOperation(
                        "truncate it to 1,000,001 bytes",
                        "truncate -s 1000001 written.bin"
                                + " && echo $(stat -c %s written.bin) bytes, sha256 $(sha256sum written.bin | cut -c1-16)",
                        share -> sizeAndHash(share.resolve("written.bin"))),
                new ShareOperation(
                        "rename it into a new directory",
                        "mkdir -p a/deep/path && mv written.bin a/deep/path/moved.bin && echo *.bin */*/*/*.bin",
                        share -> {
                            try (Stream<Path> deep = Files.list(share.resolve("a/deep/path"))) {
                                return Stream.concat(
                                                names(share).stream()
                                                        .filter(name -> name.endsWith(".bin")),
                                                deep.map(share::relativize).map(Path::toString))
                                        .collect(Collectors.joining(" "));
                            }
                        }),
                new ShareOperation(
                        "rename over an existing file",
                        "echo old > target; echo new > source; mv -f source target; echo $(ls -d source target 2>/dev/null): $(cat target)",
                        share ->
                                Stream.of("source", "target")
                                                .filter(name -> Files.exists(share.resolve(name)))
                                                .collect(Collectors.joining(" "))
                                        + ": "
                                        + Files.readString(share.resolve("target")).strip()),
                new ShareOperation(
                        "hard-link a file",
                        "ln note.txt note-link.txt && echo 'by the link' > note-link.txt"
                                + " && echo links $(stat -c %h note.txt), same inode: $([ $(stat -c %i note.txt) = $(stat -c %i note-link.txt) ] && echo yes || echo no), $(cat note.txt)",
                        share ->
                                "links "
                                        + unix(share.resolve("note.txt"), "nlink")
                                        + ", same inode: "
                                        + (unix(share.resolve("note.txt"), "ino")
                                                        .equals(
                                                                unix(
                                                                        share.resolve(
                                                                                "note-link.txt"),
                                                                        "ino"))
                                                ? "yes"
                                                : "no")
                                        + ", "
                                        + Files.readString(share.resolve("note.txt")).strip()),
                new ShareOperation(
                        "make a symbolic link",
                        "ln -s a/deep/path/moved.bin pointer && echo '->' $(readlink pointer), $(stat -L -c %s pointer) bytes",
                        share ->
                                "-> "
                                        + Files.readSymbolicLink(share.resolve("pointer"))
                                        + ", "
                                        + Files.size(share.resolve("pointer"))
                                        + " bytes"),
                new ShareOperation(
                        "chmod 4751, chown 1000:1000",
                        "chown 1000:1000 note.txt && chmod 4751 note.txt && stat -c '%a %s %u:%g' note.txt",
                        share -> status(share.resolve("note.txt"))),
                new ShareOperation(
                        "create as another user",
                        "mkdir -m 777 open && su user -c 'umask 022; echo mine > open/file; mkdir open/dir'"
                                + " && echo $(stat -c '%a %s %u:%g' open/file) $(stat -c '%a %u:%g' open/dir)",
                        share ->
                                status(share.resolve("open/file"))
                                        + " "
                                        + octalMode(share.resolve("open/dir"))
                                        + " "
                                        + owner(share.resolve("open/dir"))),
                new ShareOperation(
                        "set an extended attribute",
                        "setfattr -n user.porthole -v 'from the guest' note.txt && echo user.porthole: $(getfattr --only-values -n user.porthole note.txt)",
                        share -> {
                            UserDefinedFileAttributeView view =
                                    Files.getFileAttributeView(
                                            share.resolve("note.txt"),
                                            UserDefinedFileAttributeView.class);
                            ByteBuffer value = ByteBuffer.allocate(view.size("porthole"));
                            view.read("porthole", value);
                            return "user.porthole: "
                                    + new String(value.array(), StandardCharsets.UTF_8);
                        }),
                new ShareOperation(
                        "set a time",
                        "touch -d '2001-02-03 04:05:06' note.txt && echo mtime $(stat -c %Y note.txt)",
                        share ->
                                "mtime "
                                        + Files.getLastModifiedTime(share.resolve("note.txt"))
                                                .toInstant()
                                                .getEpochSecond()),
                new ShareOperation(
                        "leave a hole of 64 MiB",
                        "dd if=/dev/zero of=sparse bs=1 count=1 seek=67108863 2>/dev/null && echo $(stat -c %s sparse) bytes, sparse: $([ $(stat -c %b sparse) -lt 1000 ] && echo yes || echo no)",
                        share ->
                                Files.size(share.resolve("sparse"))
                                        + " bytes, sparse: "
                                        + (allocatedBytes(share.resolve("sparse")) < 512_000
                                                ? "yes"
                                                : "no")),
                new ShareOperation(
                        "make a named pipe",
                        "mkfifo -m 640 pipe && stat -c '%f' pipe",
                        share -> Integer.toHexString(Manifest.mode(share.resolve("pipe")))),
                new ShareOperation(
                        "delete a file, remove a directory",
                        "rm target && mkdir gone && rmdir gone && echo left: $(ls -d target gone 2>/dev/null)",
                        share ->
                                ("left: "
                                                + Stream.of("target", "gone")
                                                        .filter(name ->
                                                                Files.exists(share.resolve(name)))
                                                        .collect(Collectors.joining(" ")))
                                        .strip()),
                new ShareOperation(
                        String.format("fill a directory with %,d files", scale.directoryFiles()),
                        "mkdir many && cd many && i=0 && while [ $i -lt "
                                + scale.directoryFiles()
                                + " ]; do echo file $i > f$i; i=$((i+1)); done;"
                                + " echo $(ls | wc -l) files, sha256 $(ls | LC_ALL=C sort | sha256sum | cut -c1-16)",
                        share -> {
                            List<String> names = names(share.resolve("many"));
                            return names.size() + " files, sha256 " + shortHash(joined(names));
                        }),
                new ShareOperation(
                        "delete every second of them",
                        "cd many && ls | grep '[02468]$' | xargs rm && echo $(ls | wc -l) files, sha256 $(ls | LC_ALL=C sort | sha256sum | cut -c1-16)",
                        share -> {
                            List<String> names = names(share.resolve("many"));
                            return names.size() + " files, sha256 " + shortHash(joined(names));
                        }));
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.map(path -> path.getFileName().toString())
                    .sorted(
                            Comparator.comparing(
                                    name -> name.getBytes(StandardCharsets.UTF_8),
                                    Arrays::compareUnsigned))
                    .toList();
        }
    }

    private static String joined(List<String> names) {
        return String.join("\n", names) + "\n";
    }

    private static String shortHash(String text) {
        return Manifest.sha256(text.getBytes(StandardCharsets.UTF_8)).substring(0, 16);
    }

    private static String sizeAndHash(Path file) throws IOException {
        return Files.size(file) + " bytes, sha256 " + Manifest.sha256(file).substring(0, 16);
    }

    private static String status(Path file) throws IOException {
        return octalMode(file) + " " + Files.size(file) + " " + owner(file);
    }

    private static String octalMode(Path file) throws IOException {
        return Integer.toOctalString(Manifest.mode(file) & 07777);
    }

    private static String owner(Path file) throws IOException {
        return unix(file, "uid") + ":" + unix(file, "gid");
    }

    private static Object unix(Path file, String attribute) throws IOException {
        return Files.getAttribute(file, "unix:" + attribute, LinkOption.NOFOLLOW_LINKS);
    }

    /** The JDK does not tell st_blocks; du does. */
    private static long allocatedBytes(Path file) throws IOException {
        Process du = new ProcessBuilder("du", "-B1", file.toString()).start();
        String answer = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return Long.parseLong(answer.split("\\s", 2)[0]);
    }
}
