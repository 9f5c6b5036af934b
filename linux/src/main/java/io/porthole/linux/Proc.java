package io.porthole.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What /proc/self tells of this process, for leak checks and diagnostics. */
public final class Proc {
    private static final Path FDS = Path.of("/proc/self/fd");
    private static final Path MAPS = Path.of("/proc/self/maps");
    private static final Path STATUS = Path.of("/proc/self/status");

    private Proc() {}

    /** How many descriptors are open, the one used for counting left out. */
    public static int openFdCount() {
        return openFds().size();
    }

    /** "number -> target" of each open descriptor, the one used for listing left out. */
    public static List<String> openFds() {
        List<String> found = new ArrayList<>();
        try (Stream<Path> entries = Files.list(FDS)) {
            for (Path entry : (Iterable<Path>) entries::iterator) {
                String target = target(entry);
                boolean listing = target.startsWith("/proc/") && target.endsWith("/fd");
                if (!target.isEmpty() && !listing) {
                    found.add(entry.getFileName() + " -> " + target);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    /** Where the link leads; empty when it went away meanwhile. */
    private static String target(Path entry) throws IOException {
        try {
            return Files.readSymbolicLink(entry).toString();
        } catch (NoSuchFileException closedMeanwhile) {
            return "";
        }
    }

    /** How many lines of /proc/self/maps contain {@code part}, such as a memfd's name. */
    public static int mappingCount(String part) {
        try (Stream<String> lines = Files.lines(MAPS)) {
            return (int) lines.filter(line -> line.contains(part)).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A value of /proc/self/status, such as "CapEff"; fails when there is no such line. */
    public static String status(String key) {
        try (Stream<String> lines = Files.lines(STATUS)) {
            return lines.filter(line -> line.startsWith(key + ":"))
                    .findFirst()
                    .map(line -> line.substring(key.length() + 1).strip())
                    .orElseThrow(() -> new IllegalArgumentException("no " + key + " in " + STATUS));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
