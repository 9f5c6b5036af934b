package io.porthole.virtiofsd.confine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.LinuxFiles;
import io.porthole.linux.Mounts;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.Syscalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the kernel itself promises of a shared tree, whatever names it is asked for. */
final class SharedTreeTest {
    @TempDir Path dir = Path.of("unset");

    private final Syscalls sys = Syscalls.host();

    private Path share() throws IOException {
        Path share = Files.createDirectories(dir.resolve("share"));
        Files.createDirectories(share.resolve("sub"));
        Files.writeString(share.resolve("inside"), "x");
        Files.writeString(dir.resolve("secret"), "outside");
        return share;
    }

    /** A descriptor, which is closed again, or -errno. */
    private long open(Fd at, String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            long fd = sys.openat(at.value(), NativeStrings.of(arena, path).address(), flags, 0600);
            if (fd >= 0) {
                sys.close((int) fd);
            }
            return Math.min(fd, 0);
        }
    }

    @Test
    void nothingIsAboveTheTop() throws IOException {
        try (Fd tree = SharedTree.open(sys, share().toString(), false)) {
            assertTrue(SharedTree.isTop(sys, tree));
            assertEquals(0, open(tree, "inside", Fcntl.O_RDONLY));
            assertEquals(0, open(tree, "../../../inside", Fcntl.O_RDONLY), "'..' stays");
            assertEquals(0, open(tree, "sub/../../inside", Fcntl.O_RDONLY), "'..' stays");
            assertEquals(-Errno.ENOENT, open(tree, "../secret", Fcntl.O_RDONLY));
            assertEquals(-Errno.ENOENT, open(tree, "sub/../../secret", Fcntl.O_RDONLY));
        }
    }

    @Test
    void plainDescriptorIsToldFromATop() throws IOException {
        try (Fd plain = SharedTree.openPlain(sys, share().toString())) {
            assertFalse(SharedTree.isTop(sys, plain));
            assertEquals(0, open(plain, "../secret", Fcntl.O_RDONLY), "the test sees a way out");
        }
    }

    @Test
    void readOnlyTreeTakesNoWrite() throws IOException {
        try (Fd tree = SharedTree.open(sys, share().toString(), true)) {
            assertEquals(-Errno.EROFS, open(tree, "new", Fcntl.O_RDWR | Fcntl.O_CREAT));
            assertEquals(-Errno.EROFS, open(tree, "inside", Fcntl.O_WRONLY));
            assertEquals(0, open(tree, "inside", Fcntl.O_RDONLY));
        }
        assertEquals("x", Files.readString(share().resolve("inside")));
    }

    @Test
    void mountsBelowAreInTheTreeAndReadOnlyWithIt() throws IOException {
        Path mounted = share().resolve("sub");
        LinuxFiles files = LinuxFiles.host();
        files.mount("tmpfs", mounted, "tmpfs", 0, "size=64k");
        try {
            Files.writeString(mounted.resolve("below"), "y");
            try (Fd tree = SharedTree.open(sys, share().toString(), true)) {
                assertEquals(0, open(tree, "sub/below", Fcntl.O_RDONLY));
                assertEquals(-Errno.EROFS, open(tree, "sub/below", Fcntl.O_WRONLY));
            }
        } finally {
            files.unmount(mounted, Mounts.MNT_DETACH);
        }
    }
}
