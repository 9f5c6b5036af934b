package io.porthole.virtiofsd.passthrough;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Syscalls;
import io.porthole.linux.testing.FaultySyscalls;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import io.porthole.virtiofsd.passthrough.PassthroughOptions.FileHandles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** More inodes than descriptors: the rest is kept as file handles, and behaves the same. */
final class DescriptorBudgetTest {
    private static final int BUDGET = 16;
    private static final int FILES = 300;

    private ServedDirectory directory;
    private Path dir;
    private long descriptorsBefore;

    @BeforeEach
    void make() throws IOException {
        assumeTrue(Syscalls.host().geteuid() == 0, "needs CAP_DAC_READ_SEARCH");
        directory = ServedDirectory.onDisk();
        dir = directory.path;
        for (int d = 0; d < 20; d++) {
            Files.createDirectory(dir.resolve("d" + d));
            for (int f = 0; f < FILES / 20; f++) {
                Files.writeString(dir.resolve("d" + d + "/f" + f), d + "/" + f);
            }
        }
        descriptorsBefore = ServedDirectory.openDescriptors();
    }

    @AfterEach
    void remove() throws IOException {
        if (directory != null) {
            assertEquals(descriptorsBefore, ServedDirectory.openDescriptors());
            directory.close();
        }
    }

    private static PassthroughOptions options(FileHandles mode) {
        return PassthroughOptions.builder()
                .xattr(true)
                .maxPinnedInodes(BUDGET)
                .fileHandles(mode)
                .build();
    }

    @Test
    void aWholeTreeIsServedWithinTheBudget() throws IOException {
        try (Guest guest = new Guest(dir, options(FileHandles.PREFER))) {
            Guest.Queue q = guest.queue;
            long[][] nodes = new long[20][FILES / 20];
            long[] parents = new long[20];
            for (int d = 0; d < 20; d++) {
                parents[d] = q.lookup(Guest.ROOT, "d" + d).nodeId();
                for (int f = 0; f < FILES / 20; f++) {
                    nodes[d][f] = q.lookup(parents[d], "f" + f).nodeId();
                }
            }
            assertEquals(1 + 20 + FILES, guest.fileSystem.inodeCount());
            // Root and /proc descriptors, one for the mount, kept directories.
            long extra = ServedDirectory.openDescriptors() - descriptorsBefore;
            assertTrue(extra <= BUDGET + 3 + 8, extra + " descriptors");
            for (int d = 19; d >= 0; d--) {
                for (int f = 0; f < FILES / 20; f++) {
                    String content = d + "/" + f;
                    assertEquals(content.length(), q.getattr(nodes[d][f]).size());
                    long fh = q.open(nodes[d][f], Fcntl.O_RDONLY);
                    assertEquals(content, new String(q.read(nodes[d][f], fh, 0, 100), UTF_8));
                    q.release(nodes[d][f], fh).ok();
                    assertEquals(
                            nodes[d][f], q.lookup(parents[d], "f" + f).nodeId(), "known again");
                }
            }
            // Everything works below and on inodes that are not pinned.
            long last = parents[19];
            long file = nodes[19][0];
            q.tryCreate(last, "new", Fcntl.O_RDWR, 0600, 0).ok();
            q.mkdir(last, "newdir", 0700).ok();
            q.symlink(last, "link", "target").ok();
            q.link(file, parents[18], "hard").ok();
            q.rename(last, "f1", parents[17], "moved", 0).ok();
            q.setattr(file, 1 | 1 << 3, 1, 0640, 0, 0).ok();
            q.setxattr(file, "user.a", new byte[] {1}, 0).ok();
            assertEquals(1, q.getxattr(file, "user.a", 10).ok().bytes().length);
            q.call(Opcode.STATFS, file, new Body()).ok();
            q.call(Opcode.SYNCFS, file, new Body().u64(0)).ok();
            long link = q.lookup(last, "link").nodeId();
            assertEquals(
                    "target",
                    new String(q.call(Opcode.READLINK, link, new Body()).ok().bytes(), UTF_8));
            long fh = q.opendir(last);
            assertEquals(FILES / 20 + 2 - 1 + 3, q.readWhole(last, fh, 4096, true).size());
            q.unlink(last, "new").ok();
            q.rmdir(last, "newdir").ok();
            assertTrue(Files.exists(dir.resolve("d17/moved")));
            extra = ServedDirectory.openDescriptors() - descriptorsBefore;
            assertTrue(extra <= BUDGET + 3 + 8 + 2, extra + " descriptors");
        }
    }

    @Test
    void anInodeNumberThatWasUsedAgainIsAnotherInode() throws IOException {
        try (Guest guest = new Guest(dir, options(FileHandles.PREFER))) {
            Guest.Queue q = guest.queue;
            for (int d = 0; d < 20; d++) {
                q.lookup(Guest.ROOT, "d" + d);
            }
            int reused = 0;
            for (int i = 0; i < 50; i++) {
                Path path = Files.writeString(dir.resolve("x"), "old");
                Guest.Entry old = q.lookup(Guest.ROOT, "x");
                Files.delete(path);
                Files.writeString(path, "newer");
                Guest.Entry fresh = q.lookup(Guest.ROOT, "x");
                assertNotEquals(old.nodeId(), fresh.nodeId());
                assertEquals(5, q.getattr(fresh.nodeId()).size());
                if (old.attr().ino() == fresh.attr().ino()) {
                    reused++;
                    assertEquals(Errno.ESTALE, q.tryOpen(old.nodeId(), 0).error());
                }
                Files.delete(path);
            }
            assertTrue(reused > 0, "the file system gave a number out again");
        }
    }

    @Test
    void forgettingMakesRoom() throws IOException {
        try (Guest guest = new Guest(dir, options(FileHandles.NEVER))) {
            Guest.Queue q = guest.queue;
            long[] nodes = new long[20];
            int error = 0;
            int found = 0;
            while (found < 20) {
                Reply reply = q.tryLookup(Guest.ROOT, "d" + found);
                error = reply.error();
                if (error != 0) {
                    break;
                }
                nodes[found++] = reply.u64(0);
            }
            assertEquals(BUDGET - 1, found, "the root is one");
            assertEquals(Errno.ENFILE, error);
            q.forget(nodes[0], 1);
            q.lookup(Guest.ROOT, "d19");
        }
    }

    @Test
    void aFileSystemWithoutHandlesIsServedFromTheBudget() throws IOException {
        FaultySyscalls kernel = new FaultySyscalls(Syscalls.host());
        kernel.fail("nameToHandleAt", Errno.EOPNOTSUPP);
        try (Guest guest =
                new Guest(dir, options(FileHandles.PREFER), kernel.syscalls(), Guest.ALL_FLAGS)) {
            int found = 0;
            while (guest.queue.tryLookup(Guest.ROOT, "d" + found).error() == 0) {
                found++;
            }
            assertEquals(BUDGET - 1, found);
        }
        kernel.fail("openByHandleAt", Errno.EPERM);
        assertThrows(
                IOException.class,
                () ->
                        new Guest(
                                dir,
                                options(FileHandles.MANDATORY),
                                kernel.syscalls(),
                                Guest.ALL_FLAGS));
        assertFalse(Files.notExists(dir));
    }

    @Test
    void everythingForgottenLeavesNothing() throws IOException {
        try (Guest guest = new Guest(dir, options(FileHandles.MANDATORY))) {
            Guest.Queue q = guest.queue;
            for (int round = 0; round < 3; round++) {
                for (int d = 0; d < 20; d++) {
                    long parent = q.lookup(Guest.ROOT, "d" + d).nodeId();
                    long fh = q.opendir(parent);
                    for (Guest.Dirent entry : q.readWhole(parent, fh, 4096, true)) {
                        if (entry.nodeId() != 0) {
                            q.forget(entry.nodeId(), 1);
                        }
                    }
                    q.releasedir(parent, fh).ok();
                    q.forget(parent, 1);
                }
                assertEquals(1, guest.fileSystem.inodeCount());
            }
        }
    }
}
