package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * One budget of descriptors for a volume, whose inodes can be kept as file handles, and an overlay,
 * whose inodes cannot: a container's root and what it mounts. Needs root.
 */
class BudgetOfMountsIT extends MountTestBase {
    private static final int BUDGET = 1000;

    private Path overlay = dir;

    @AfterEach
    void unmountTheOverlay() throws IOException, InterruptedException {
        Processes.output("umount", "--lazy", mount.toString());
        Processes.must("umount", overlay.toString());
    }

    private static void fill(Path folder, int files) throws IOException {
        Files.createDirectories(folder);
        for (int i = 0; i < files; i++) {
            Files.writeString(folder.resolve("f" + i), "" + i);
        }
    }

    private void mountOverlay(int files) throws IOException, InterruptedException {
        fill(dir.resolve("lower/d"), files);
        Files.createDirectory(dir.resolve("upper"));
        Files.createDirectory(dir.resolve("work"));
        overlay = Files.createDirectories(share.resolve("rootfs"));
        String layers =
                "lowerdir=" + dir + "/lower,upperdir=" + dir + "/upper,workdir=" + dir + "/work";
        Processes.must("mount", "-t", "overlay", "-o", layers, "overlay", overlay.toString());
    }

    private static int readAll(Path folder) throws IOException {
        List<Path> files;
        try (Stream<Path> listed = Files.list(folder)) {
            files = listed.toList();
        }
        for (Path file : files) {
            assertEquals(file.getFileName().toString(), "f" + Files.readString(file));
        }
        return files.size();
    }

    @Test
    void aFullVolumeLeavesRoomForTheRoot() throws Exception {
        mountOverlay(300);
        fill(share.resolve("volume"), 3 * BUDGET);
        Process daemon = start("--max-open-inodes=" + BUDGET);
        // The root is met first, as a container's is; then all of the volume is.
        assertTrue(Files.isDirectory(mount.resolve("rootfs/d")));
        assertEquals(3 * BUDGET, readAll(mount.resolve("volume")));
        assertEquals(300, readAll(mount.resolve("rootfs/d")));
        assertEquals(3 * BUDGET, readAll(mount.resolve("volume")));
        Processes.must("umount", mount.toString());
        assertTrue(daemon.waitFor(20, java.util.concurrent.TimeUnit.SECONDS));
    }
}
