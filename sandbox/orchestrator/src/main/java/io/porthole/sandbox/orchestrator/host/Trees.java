package io.porthole.sandbox.orchestrator.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Removing directory trees without ever removing what is mounted in them. */
public final class Trees {
    private Trees() {}

    /**
     * Removes a tree, not following links; fine when it is not there. Refuses while anything is
     * mounted below: that would delete a user's files.
     */
    public static void delete(Path top) throws IOException {
        if (!Files.exists(top, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        List<Mounts.Entry> mounts = Mounts.below(top.toAbsolutePath());
        if (!mounts.isEmpty()) {
            throw new IOException(
                    "not removing " + top + ": " + mounts.getLast().target() + " is still mounted");
        }
        List<Path> all;
        try (Stream<Path> tree = Files.walk(top)) {
            all = tree.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : all) {
            Files.deleteIfExists(path);
        }
    }
}
