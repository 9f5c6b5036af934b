package io.porthole.virtiofsd.passthrough;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.LinuxFiles;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.linux.testing.FaultySyscalls;
import io.porthole.virtiofsd.passthrough.PassthroughOptions.FileHandles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** OPEN by file handle: the same file as through /proc, whatever happens to its name. */
final class OpenByHandleTest {
    private final FaultySyscalls kernel = new FaultySyscalls(Syscalls.host());
    private ServedDirectory directory;
    private Path dir;

    @BeforeEach
    void make() throws IOException {
        assumeTrue(Syscalls.host().geteuid() == 0, "needs CAP_DAC_READ_SEARCH");
        directory = ServedDirectory.onDisk();
        dir = directory.path;
    }

    @AfterEach
    void remove() throws IOException {
        if (directory != null) {
            directory.close();
        }
    }

    private Guest guest(PassthroughOptions options) throws IOException {
        return new Guest(dir, options, kernel.syscalls(), Guest.ALL_FLAGS);
    }

    private Guest guest() throws IOException {
        return guest(PassthroughOptions.defaults());
    }

    private static String contents(Guest.Queue q, long node) {
        long fh = q.open(node, Fcntl.O_RDONLY);
        String contents = new String(q.read(node, fh, 0, 100), UTF_8);
        q.release(node, fh).ok();
        return contents;
    }

    @Test
    void theHandleIsMadeOnce() throws IOException {
        Files.writeString(dir.resolve("f"), "text");
        try (Guest guest = guest()) {
            long node = guest.queue.lookup(Guest.ROOT, "f").nodeId();
            kernel.resetCounts();
            for (int i = 0; i < 3; i++) {
                assertEquals("text", contents(guest.queue, node));
            }
            assertEquals(3, kernel.calls("openByHandleAt"));
            assertEquals(1, kernel.calls("nameToHandleAt"));
            assertEquals(0, kernel.calls("openat"));
        }
    }

    @Test
    void manyFilesAreNotMixedUp() throws IOException {
        int files = 3000; // More than a thread remembers.
        for (int i = 0; i < files; i++) {
            Files.writeString(dir.resolve("f" + i), "f" + i);
        }
        try (Guest guest = guest()) {
            long[] nodes = new long[files];
            for (int i = 0; i < files; i++) {
                nodes[i] = guest.queue.lookup(Guest.ROOT, "f" + i).nodeId();
            }
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < files; i++) {
                    int one = (i * 1024 + i / 3) % files;
                    assertEquals("f" + one, contents(guest.queue, nodes[one]));
                }
            }
        }
    }

    @Test
    void itIsTheInodeAndNotItsName() throws IOException {
        Files.writeString(dir.resolve("f"), "first");
        try (Guest guest = guest()) {
            long node = guest.queue.lookup(Guest.ROOT, "f").nodeId();
            assertEquals("first", contents(guest.queue, node));
            Files.move(dir.resolve("f"), dir.resolve("moved"));
            Files.writeString(dir.resolve("f"), "second");
            assertEquals("first", contents(guest.queue, node));
            Files.delete(dir.resolve("moved"));
            assertEquals("first", contents(guest.queue, node), "deleted, and still pinned");
            long second = guest.queue.lookup(Guest.ROOT, "f").nodeId();
            assertEquals("second", contents(guest.queue, second));
            guest.queue.forget(node, 1);
            assertEquals(Errno.ESTALE, guest.queue.tryOpen(node, Fcntl.O_RDONLY).error());
        }
    }

    @Test
    void aHandleThatLeadsNowhereIsNotTheEnd() throws IOException {
        Files.writeString(dir.resolve("f"), "text");
        try (Guest guest = guest()) {
            long node = guest.queue.lookup(Guest.ROOT, "f").nodeId();
            kernel.fail("openByHandleAt", Errno.ESTALE);
            assertEquals("text", contents(guest.queue, node));
            kernel.fail("nameToHandleAt", Errno.EOVERFLOW);
            Files.writeString(dir.resolve("g"), "other");
            long other = guest.queue.lookup(Guest.ROOT, "g").nodeId();
            assertEquals("other", contents(guest.queue, other));
            assertTrue(kernel.allMet());
            // What forbids the one way forbids the other.
            try (var running = new Running(dir.resolve("program"))) {
                long program = guest.queue.lookup(Guest.ROOT, "program").nodeId();
                assertEquals(Errno.ETXTBSY, guest.queue.tryOpen(program, Fcntl.O_WRONLY).error());
                assertTrue(running.process.isAlive());
            }
        }
    }

    /** A program that runs, so that nobody can write to it. */
    private record Running(Process process) implements AutoCloseable {
        Running(Path copy) throws IOException {
            this(start(copy));
        }

        private static Process start(Path copy) throws IOException {
            Files.copy(Path.of("/bin/sleep"), copy);
            assertTrue(copy.toFile().setExecutable(true));
            return new ProcessBuilder(copy.toString(), "60").start();
        }

        @Override
        public void close() {
            process.destroyForcibly().onExit().join();
        }
    }

    @Test
    void neverMeansNever() throws IOException {
        Files.writeString(dir.resolve("f"), "text");
        PassthroughOptions never =
                PassthroughOptions.builder().fileHandles(FileHandles.NEVER).build();
        try (Guest guest = guest(never)) {
            long node = guest.queue.lookup(Guest.ROOT, "f").nodeId();
            assertEquals("text", contents(guest.queue, node));
            assertEquals(0, kernel.calls("openByHandleAt") + kernel.calls("nameToHandleAt"));
        }
    }

    @Test
    void theHostCanUnmountWhatTheGuestHasForgotten() throws Exception {
        Path sub = Files.createDirectory(dir.resolve("sub"));
        OwnMounts.use(host -> {
            for (int i = 0; i < 3; i++) {
                host.mount("none", sub, "tmpfs", 0, null);
            }
            Files.writeString(sub.resolve("f"), "text");
            submounts(host, sub);
        });
    }

    private void submounts(LinuxFiles host, Path sub) throws IOException {
        try (Guest guest = guest()) {
            Guest.Queue q = guest.queue;
            for (int round = 0; round < 3; round++) {
                long parent = q.lookup(Guest.ROOT, "sub").nodeId();
                if (round == 0) {
                    long node = q.lookup(parent, "f").nodeId();
                    kernel.resetCounts();
                    assertEquals("text", contents(q, node));
                    assertEquals(1, kernel.calls("openByHandleAt"));
                    assertEquals(Errno.EBUSY, unmount(host, sub));
                    q.forget(node, 1);
                }
                q.forget(parent, 1);
                assertEquals(0, unmount(host, sub), "round " + round);
            }
        }
    }

    /** Unmounts; returns 0 or the error. */
    private static int unmount(LinuxFiles host, Path sub) {
        try {
            host.unmount(sub, 0);
            return 0;
        } catch (SyscallException e) {
            return e.errno();
        }
    }
}
