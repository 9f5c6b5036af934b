package io.porthole.virtiofsd.passthrough;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.StatMode;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import io.porthole.virtiofsd.passthrough.Guest.Dirent;
import io.porthole.virtiofsd.passthrough.Guest.Entry;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Nothing outside of the share is reachable, and nothing but files and directories is opened. */
@Timeout(120)
class ContainmentTest {
    private static final String SECRET = "outside of the share";

    private ServedDirectory directory;
    private Path dir;
    private Path outside;
    private Guest guest;
    private Guest.Queue q;

    @BeforeEach
    void share() throws IOException {
        directory = ServedDirectory.inMemory();
        dir = Files.createDirectory(directory.path.resolve("share"));
        outside = Files.createDirectory(directory.path.resolve("outside"));
        Files.writeString(outside.resolve("file"), SECRET);
        guest = serve(dir);
        q = guest.queue;
    }

    /** The directory as a daemon with one share sees it. */
    Guest serve(Path directory) throws IOException {
        return new Guest(directory);
    }

    @AfterEach
    void end() throws IOException {
        guest.close();
        directory.close();
    }

    @Test
    void aSymbolicLinkOutOfTheShareStaysALink() throws IOException {
        Files.createSymbolicLink(dir.resolve("file"), outside.resolve("file"));
        Files.createSymbolicLink(dir.resolve("directory"), outside);
        Files.createSymbolicLink(dir.resolve("root"), Path.of("/"));
        for (String name : new String[] {"file", "directory", "root"}) {
            Entry entry = q.lookup(Guest.ROOT, name);
            assertEquals(StatMode.S_IFLNK, entry.attr().mode() & StatMode.S_IFMT, name);
            long link = entry.nodeId();
            assertEquals(Errno.ELOOP, q.tryOpen(link, Fcntl.O_RDONLY).error());
            assertEquals(Errno.ENOTDIR, q.tryLookup(link, "file").error());
            assertEquals(
                    Errno.ENOTDIR, q.call(Opcode.OPENDIR, link, new Body().u32(0).u32(0)).error());
            assertEquals(Errno.ENOTDIR, q.unlink(link, "file").error());
            assertEquals(Errno.ENOTDIR, q.mkdir(link, "new", 0700).error());
            // Truncating a link must not truncate what it points to.
            assertNotEquals(0, q.setattr(link, 1 << 3, 0, 0, 0, 0).error());
            q.setattr(link, 1, 0, 0, 0, 0);
        }
        assertEquals(SECRET, Files.readString(outside.resolve("file")));
        assertTrue(Files.isReadable(outside.resolve("file")));
        assertEquals(Errno.ELOOP, q.tryCreate(Guest.ROOT, "file", Fcntl.O_RDWR, 0600, 0).error());
        assertEquals(
                Errno.ELOOP,
                q.tryCreate(Guest.ROOT, "file", Fcntl.O_RDWR | Fcntl.O_TRUNC, 0600, 0).error());
        assertEquals(SECRET, Files.readString(outside.resolve("file")));
    }

    @Test
    void namesThatAreNoNamesAreRefused() throws IOException {
        for (String name : new String[] {"..", ".", "../outside", "a/b", "/etc", ""}) {
            assertNotEquals(0, q.tryLookup(Guest.ROOT, name).error(), name);
            assertNotEquals(0, q.mkdir(Guest.ROOT, name, 0700).error(), name);
            assertNotEquals(0, q.tryCreate(Guest.ROOT, name, Fcntl.O_RDWR, 0600, 0).error(), name);
            assertNotEquals(0, q.unlink(Guest.ROOT, name).error(), name);
        }
        Files.createDirectory(dir.resolve("d"));
        long d = q.lookup(Guest.ROOT, "d").nodeId();
        assertNotEquals(0, q.tryLookup(d, "..").error());
        assertNotEquals(0, q.rename(d, "..", Guest.ROOT, "x", 0).error());
        assertNotEquals(0, q.rename(Guest.ROOT, "d", d, "../../outside/d", 0).error());
        assertTrue(Files.exists(dir.resolve("d")));
    }

    @Test
    void theParentOfTheRootIsNotShown() {
        for (boolean plus : new boolean[] {false, true}) {
            long fh = q.opendir(Guest.ROOT);
            long root = q.getattr(Guest.ROOT).ino();
            for (Dirent entry : q.readWhole(Guest.ROOT, fh, 4096, plus)) {
                assertEquals(root, entry.ino(), entry.name());
            }
        }
    }

    @Test
    void specialFilesAreNeverOpened() {
        int[] types = {StatMode.S_IFIFO, StatMode.S_IFSOCK, StatMode.S_IFCHR, StatMode.S_IFBLK};
        for (int type : types) {
            // 1:3 is /dev/null; opening the FIFO would wait for ever.
            long node = q.mknod(Guest.ROOT, "s" + type, type | 0666, 1 << 8 | 3).ok().u64(0);
            assertEquals(Errno.EBADF, q.tryOpen(node, Fcntl.O_RDWR).error());
            assertEquals(Errno.EBADF, q.tryOpen(node, Fcntl.O_RDONLY).error());
            assertEquals(
                    Errno.EBADF,
                    q.tryCreate(Guest.ROOT, "s" + type, Fcntl.O_RDWR, 0600, 0).error());
            assertNotEquals(0, q.setattr(node, 1 << 3, 0, 0, 0, 0).error());
            assertEquals(Errno.EINVAL, q.call(Opcode.SYNCFS, node, new Body().u64(0)).error());
            q.getattr(node);
        }
    }

    @Test
    void openFlagsOfAGuestDoNotMakeOrFollowAnything() throws IOException {
        Files.writeString(dir.resolve("f"), "content");
        long node = q.lookup(Guest.ROOT, "f").nodeId();
        int hostile =
                Fcntl.O_CREAT
                        | Fcntl.O_EXCL
                        | Fcntl.O_PATH
                        | Fcntl.O_TMPFILE
                        | Fcntl.O_DIRECTORY
                        | Fcntl.O_ASYNC
                        | Fcntl.O_NOFOLLOW
                        | Fcntl.O_DIRECT
                        | Fcntl.O_NOATIME;
        long fh = q.open(node, hostile);
        assertEquals("content", new String(q.read(node, fh, 0, 100), UTF_8));
    }

    @Test
    void idsThatWereNeverGivenOutAreRefused() throws IOException {
        Files.writeString(dir.resolve("f"), "content");
        long node = q.lookup(Guest.ROOT, "f").nodeId();
        long fh = q.open(node, Fcntl.O_RDWR);
        for (long bad :
                new long[] {
                    0,
                    2,
                    3,
                    node ^ 1L << 32,
                    node + (1L << 33),
                    node + 1,
                    1L << 32,
                    (1L << 32) + 70_000,
                    -1,
                    Long.MIN_VALUE,
                    Long.MAX_VALUE,
                    0x7fff_ffff,
                    0x1_ffff_ffffL,
                    0x1_8000_0000L
                }) {
            assertEquals(Errno.ESTALE, q.tryLookup(bad, "f").error(), "node " + bad);
            assertEquals(
                    Errno.ESTALE,
                    q.call(Opcode.GETATTR, bad, new Body().zeros(16)).error(),
                    "node " + bad);
            assertEquals(Errno.ESTALE, q.tryOpen(bad, 0).error());
            assertEquals(Errno.EBADF, q.tryRead(bad, fh, 0, 10).error());
            assertEquals(Errno.EBADF, q.tryRead(node, bad, 0, 10).error());
            assertEquals(Errno.EBADF, q.release(node, bad).error());
            q.forget(bad, 1);
            q.forget(bad, -1);
        }
        // The root's real id is 1, not what its slot would give.
        assertEquals(Errno.EBADF, q.tryRead(Guest.ROOT, fh, 0, 10).error());
        assertEquals(7, q.read(node, fh, 0, 10).length);
    }

    @Test
    void aForgottenIdStaysInvalidWhenItsSlotIsUsedAgain() throws IOException {
        Files.writeString(dir.resolve("a"), "a");
        Files.writeString(dir.resolve("b"), "b");
        long a = q.lookup(Guest.ROOT, "a").nodeId();
        q.forget(a, 1);
        long b = q.lookup(Guest.ROOT, "b").nodeId();
        assertEquals((int) a, (int) b, "the slot is used again");
        assertNotEquals(a, b);
        assertEquals(Errno.ESTALE, q.tryOpen(a, 0).error());
        q.forget(a, 5);
        assertEquals(1, q.getattr(b).size());
    }

    @Test
    void lookupCountsAreExactAndNeverNegative() throws IOException {
        Files.writeString(dir.resolve("f"), "x");
        long node = 0;
        for (int i = 0; i < 10; i++) {
            node = q.lookup(Guest.ROOT, "f").nodeId();
        }
        q.forget(node, 9);
        q.getattr(node);
        q.forget(node, 0);
        q.getattr(node);
        q.forget(node, 1000);
        assertEquals(Errno.ESTALE, q.tryOpen(node, 0).error());
        assertEquals(1, guest.fileSystem.inodeCount());
        // The root is never forgotten.
        q.forget(Guest.ROOT, Long.MAX_VALUE);
        q.forget(Guest.ROOT, -1);
        q.getattr(Guest.ROOT);
    }

    @Test
    void linksSwappedInDuringLookupsNeverLeadOut() throws Exception {
        Files.writeString(dir.resolve("inside"), "inside");
        long outsideIno = (Long) Files.getAttribute(outside, "unix:ino");
        long secretIno = (Long) Files.getAttribute(outside.resolve("file"), "unix:ino");
        Files.createSymbolicLink(dir.resolve("link"), outside);
        Files.createDirectory(dir.resolve("dir"));
        Files.writeString(dir.resolve("dir/file"), "inside");
        AtomicBoolean stop = new AtomicBoolean();
        Thread attacker =
                new Thread(() -> {
                    // x is a directory, then a link out of the share, and so on.
                    try {
                        while (!stop.get()) {
                            Files.move(dir.resolve("dir"), dir.resolve("x"));
                            Files.move(dir.resolve("x"), dir.resolve("dir"));
                            Files.move(
                                    dir.resolve("link"),
                                    dir.resolve("x"),
                                    StandardCopyOption.ATOMIC_MOVE);
                            Files.move(
                                    dir.resolve("x"),
                                    dir.resolve("link"),
                                    StandardCopyOption.ATOMIC_MOVE);
                        }
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
        attacker.start();
        int directories = 0;
        int links = 0;
        try {
            for (int i = 0; i < 20_000; i++) {
                Reply reply = q.tryLookup(Guest.ROOT, "x");
                if (reply.error() != 0 || reply.u64(0) == 0) {
                    continue;
                }
                Entry entry = new Entry(reply);
                assertNotEquals(outsideIno, entry.attr().ino());
                if ((entry.attr().mode() & StatMode.S_IFMT) == StatMode.S_IFDIR) {
                    directories++;
                    // Key and attributes belong together: asked again, it is the same inode.
                    assertEquals(entry.attr().ino(), q.getattr(entry.nodeId()).ino());
                    Reply file = q.tryLookup(entry.nodeId(), "file").ok();
                    assertNotEquals(secretIno, new Entry(file).attr().ino());
                    q.forget(file.u64(0), 1);
                } else {
                    links++;
                    assertEquals(
                            StatMode.S_IFLNK, q.getattr(entry.nodeId()).mode() & StatMode.S_IFMT);
                    assertEquals(Errno.ENOTDIR, q.tryLookup(entry.nodeId(), "file").error());
                }
                q.forget(entry.nodeId(), 1);
            }
        } finally {
            stop.set(true);
            attacker.join();
        }
        assertTrue(directories > 0 && links > 0, directories + " directories, " + links + " links");
        assertEquals(1, guest.fileSystem.inodeCount());
    }

    @Test
    void aDirectoryMovedOutOfTheShareLeadsNowhereNew() throws IOException {
        Files.createDirectories(dir.resolve("a/b"));
        long a = q.lookup(Guest.ROOT, "a").nodeId();
        long b = q.lookup(a, "b").nodeId();
        Files.move(dir.resolve("a/b"), outside.resolve("b"));
        assertNotEquals(0, q.tryLookup(b, "..").error());
        long fh = q.opendir(b);
        for (Dirent entry : q.readWhole(b, fh, 4096, true)) {
            assertEquals(0, entry.nodeId(), entry.name());
        }
        assertFalse(q.tryLookup(b, "file").u64(0) != 0);
    }

    @Test
    void destroyForgetsAllAndClosesAll() throws IOException {
        long before = ServedDirectory.openDescriptors();
        for (int i = 0; i < 300; i++) {
            Files.createFile(dir.resolve("f" + i));
            long node = q.lookup(Guest.ROOT, "f" + i).nodeId();
            q.open(node, Fcntl.O_RDWR);
        }
        q.readWhole(Guest.ROOT, q.opendir(Guest.ROOT), 4096, true);
        assertEquals(before + 601, ServedDirectory.openDescriptors());
        q.call(Opcode.DESTROY, 0, new Body()).ok();
        assertEquals(before, ServedDirectory.openDescriptors());
        assertEquals(1, guest.fileSystem.inodeCount());
        assertEquals(0, guest.fileSystem.handleCount());
    }
}
