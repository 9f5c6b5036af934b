package io.porthole.virtiofsd.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a directory tree holds, one line per path: type and mode in octal, size and SHA-256 of a
 * file, target of a symbolic link. Made from the host's tree, from a tar archive or from what a
 * guest prints, and compared by {@link #hash} or, to tell where two differ, by {@link
 * #differences}.
 */
public final class Manifest {
    private static final int MODE_DIRECTORY = 0040000;
    private static final int MODE_FILE = 0100000;
    private static final int MODE_LINK = 0120000;

    private final SortedMap<String, String> lines = new TreeMap<>();

    private Manifest() {}

    /** Reads a tree of this host, the root left out. */
    public static Manifest ofTree(Path root) {
        Manifest manifest = new Manifest();
        byte[] buffer = new byte[1 << 16];
        try {
            Files.walkFileTree(
                    root,
                    new SimpleFileVisitor<Path>() {
                        @Override
                        public FileVisitResult preVisitDirectory(
                                Path dir, BasicFileAttributes attributes) throws IOException {
                            if (!dir.equals(root)) {
                                manifest.put(root.relativize(dir).toString(), mode(dir), "");
                            }
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                                throws IOException {
                            String name = root.relativize(file).toString();
                            if (attributes.isSymbolicLink()) {
                                manifest.put(
                                        name, mode(file), Files.readSymbolicLink(file).toString());
                            } else if (attributes.isRegularFile()) {
                                try (InputStream in = Files.newInputStream(file)) {
                                    manifest.put(
                                            name,
                                            mode(file),
                                            content(in, attributes.size(), buffer));
                                }
                            } else {
                                manifest.put(name, mode(file), "");
                            }
                            return FileVisitResult.CONTINUE;
                        }
                    });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return manifest;
    }

    /**
     * Reads a tar archive (POSIX ustar with pax headers and GNU long names; tar(5), POSIX pax).
     * Directories that the archive only implies are not listed.
     */
    public static Manifest ofTar(InputStream tar) throws IOException {
        Manifest manifest = new Manifest();
        byte[] header = new byte[512];
        byte[] buffer = new byte[1 << 16];
        String longName = null;
        String longTarget = null;
        while (tar.readNBytes(header, 0, 512) == 512 && header[0] != 0) {
            long size = octal(header, 124, 12);
            int mode = (int) octal(header, 100, 8) & 07777;
            String prefix = text(header, 345, 155);
            String name = text(header, 0, 100);
            boolean posix = text(header, 257, 6).equals("ustar");
            if (posix && !prefix.isEmpty()) {
                name = prefix + "/" + name;
            }
            String target = text(header, 157, 100);
            char type = (char) header[156];
            switch (type) {
                case 'L' -> longName = string(tar.readNBytes((int) size));
                case 'K' -> longTarget = string(tar.readNBytes((int) size));
                case 'x' -> {
                    Map<String, String> pax = pax(tar.readNBytes((int) size));
                    longName = pax.getOrDefault("path", longName);
                    longTarget = pax.getOrDefault("linkpath", longTarget);
                }
                case 'g' -> tar.skipNBytes(size);
                default -> {
                    String path = longName == null ? name : longName;
                    String link = longTarget == null ? target : longTarget;
                    longName = null;
                    longTarget = null;
                    switch (type) {
                        case '5' -> manifest.put(path, MODE_DIRECTORY | mode, "");
                        case '2' -> manifest.put(path, MODE_LINK | 0777, link);
                        case '0', '\0' ->
                                manifest.put(path, MODE_FILE | mode, content(tar, size, buffer));
                        default ->
                                throw new IOException(
                                        "entry type '" + type + "' of " + path + " is not handled");
                    }
                }
            }
            tar.skipNBytes(-size & 511);
        }
        return manifest;
    }

    /** A shell script that prints the manifest of a directory of a guest, for {@link #ofGuest}. */
    public static String guestScript(String directory) {
        return "cd '"
                + directory
                + "' && find . -mindepth 1 -exec stat -c 'S %f %s %n' {} + && "
                + "find . -type f -exec sha256sum {} + && "
                + "find . -type l | while IFS= read -r l; do echo \"L $l//$(readlink \"$l\")\"; done";
    }

    /** Reads what {@link #guestScript} printed. */
    public static Manifest ofGuest(String output) {
        Map<String, String> hashes = new TreeMap<>();
        Map<String, String> targets = new TreeMap<>();
        List<String[]> stats = new ArrayList<>();
        for (String line : output.lines().toList()) {
            if (line.startsWith("S ")) {
                stats.add(line.split(" ", 4));
            } else if (line.startsWith("L ")) {
                String[] link = line.substring(2).split("//", 2);
                targets.put(link[0], link[1]);
            } else {
                hashes.put(line.substring(66), line.substring(0, 64));
            }
        }
        Manifest manifest = new Manifest();
        for (String[] stat : stats) {
            int mode = Integer.parseInt(stat[1], 16);
            String path = stat[3];
            String rest =
                    switch (mode & 0170000) {
                        case MODE_FILE -> stat[2] + " " + hashes.get(path);
                        case MODE_LINK -> targets.getOrDefault(path, "");
                        default -> "";
                    };
            manifest.put(path, mode, rest);
        }
        return manifest;
    }

    private void put(String path, int mode, String rest) {
        String clean = path.startsWith("./") ? path.substring(2) : path;
        clean = clean.endsWith("/") ? clean.substring(0, clean.length() - 1) : clean;
        if (!clean.isEmpty() && !clean.equals(".")) {
            lines.put(clean, Integer.toOctalString(mode) + (rest.isEmpty() ? "" : " " + rest));
        }
    }

    /** Number of regular files. */
    public long files() {
        return lines.values().stream().filter(line -> line.startsWith("100")).count();
    }

    /** Number of paths. */
    public int size() {
        return lines.size();
    }

    /** One SHA-256 over all lines in the order of their paths. */
    public String hash() {
        MessageDigest digest = sha256();
        lines.forEach((path, line) ->
                digest.update((path + "\0" + line + "\n").getBytes(StandardCharsets.UTF_8)));
        return HexFormat.of().formatHex(digest.digest());
    }

    /**
     * The first few paths in which two trees differ, for a failure message; empty when they are
     * equal.
     */
    public List<String> differences(Manifest other) {
        List<String> found = new ArrayList<>();
        TreeMap<String, String> paths = new TreeMap<>(lines);
        paths.putAll(other.lines);
        for (String path : paths.keySet()) {
            String mine = lines.getOrDefault(path, "absent");
            String theirs = other.lines.getOrDefault(path, "absent");
            if (!mine.equals(theirs)) {
                found.add(path + ": " + mine + " <> " + theirs);
                if (found.size() == 10) {
                    break;
                }
            }
        }
        return found;
    }

    /** SHA-256 of a file of this host, in hex. */
    public static String sha256(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            String line = content(in, Files.size(file), new byte[1 << 16]);
            return line.substring(line.indexOf(' ') + 1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** SHA-256 of bytes, in hex. */
    public static String sha256(byte[] bytes) {
        return HexFormat.of().formatHex(sha256().digest(bytes));
    }

    /** st_mode of a path of this host, links not followed. */
    static int mode(Path path) throws IOException {
        return (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    }

    private static String content(InputStream in, long size, byte[] buffer) throws IOException {
        MessageDigest digest = sha256();
        long left = size;
        while (left > 0) {
            int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (n < 0) {
                throw new IOException("ends " + left + " bytes early");
            }
            digest.update(buffer, 0, n);
            left -= n;
        }
        return size + " " + HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static long octal(byte[] header, int offset, int length) {
        String digits = text(header, offset, length).strip();
        return digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
    }

    private static String text(byte[] header, int offset, int length) {
        int end = offset;
        while (end < offset + length && header[end] != 0) {
            end++;
        }
        return new String(header, offset, end - offset, StandardCharsets.UTF_8);
    }

    private static String string(byte[] bytes) {
        return text(bytes, 0, bytes.length);
    }

    /** Records of "LENGTH KEY=VALUE\n", the length counted in bytes and including itself. */
    private static Map<String, String> pax(byte[] bytes) {
        Map<String, String> values = new TreeMap<>();
        int at = 0;
        while (at < bytes.length && bytes[at] != 0) {
            int space = at;
            while (bytes[space] != ' ') {
                space++;
            }
            int length =
                    Integer.parseInt(new String(bytes, at, space - at, StandardCharsets.UTF_8));
            String record =
                    new String(bytes, space + 1, at + length - space - 2, StandardCharsets.UTF_8);
            int equals = record.indexOf('=');
            values.put(record.substring(0, equals), record.substring(equals + 1));
            at += length;
        }
        return values;
    }
}
