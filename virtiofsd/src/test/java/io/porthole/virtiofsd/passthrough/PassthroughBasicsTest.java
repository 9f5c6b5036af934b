package io.porthole.virtiofsd.passthrough;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
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
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each operation on a real directory, and what the host sees of it. */
final class PassthroughBasicsTest {
    private ServedDirectory directory;
    private Path dir;
    private Guest guest;
    private Guest.Queue q;

    @BeforeEach
    void share() throws IOException {
        directory = ServedDirectory.onDisk();
        dir = directory.path;
        guest = new Guest(dir);
        q = guest.queue;
    }

    @AfterEach
    void end() throws IOException {
        guest.close();
        directory.close();
    }

    @Test
    void lookupShowsWhatTheHostShows() throws IOException {
        Path file = Files.writeString(dir.resolve("a"), "hello");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        Entry entry = q.lookup(Guest.ROOT, "a");
        assertEquals(5, entry.attr().size());
        assertEquals(StatMode.S_IFREG | 0644, entry.attr().mode());
        assertEquals((long) (Long) Files.getAttribute(file, "unix:ino"), entry.attr().ino());
        assertEquals(1, entry.entryValid());
        assertEquals(entry.nodeId(), q.lookup(Guest.ROOT, "a").nodeId());
        assertEquals(2, guest.fileSystem.inodeCount());
    }

    @Test
    void lookupOfAMissingNameIsANegativeEntry() {
        Entry entry = q.lookup(Guest.ROOT, "nothing");
        assertEquals(0, entry.nodeId());
        assertEquals(1, entry.entryValid());
        assertEquals(1, guest.fileSystem.inodeCount());
    }

    @Test
    void lookupInAFileIsRefused() throws IOException {
        Files.writeString(dir.resolve("a"), "");
        long file = q.lookup(Guest.ROOT, "a").nodeId();
        assertEquals(Errno.ENOTDIR, q.tryLookup(file, "b").error());
    }

    /** LOOKUP has them from statx, GETATTR from fstat: neither may lose or swap a field. */
    @Test
    void getattrShowsTheSameAsLookupAndTheHost() throws IOException {
        Path file = Files.write(dir.resolve("file"), new byte[12_345]);
        Files.createLink(dir.resolve("link"), file);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-x--x"));
        FileTime read = FileTime.from(Instant.ofEpochSecond(1_000_000_001L, 123_456_789));
        FileTime written = FileTime.from(Instant.ofEpochSecond(-5, 987_654_321));
        Files.getFileAttributeView(file, BasicFileAttributeView.class)
                .setTimes(written, read, null);
        Files.setAttribute(file, "unix:uid", 70_001);
        Files.setAttribute(file, "unix:gid", 70_002);
        Files.createDirectory(dir.resolve("dir"));
        Files.createSymbolicLink(dir.resolve("symlink"), Path.of("elsewhere"));
        q.mknod(Guest.ROOT, "device", StatMode.S_IFCHR | 0600, 0xfed << 8 | 0xab | 0xcde << 20)
                .ok();
        q.mknod(Guest.ROOT, "fifo", StatMode.S_IFIFO | 0640, 0).ok();
        for (String name : List.of("file", "dir", "symlink", "device", "fifo")) {
            q.lookup(Guest.ROOT, name);
            Entry entry = q.lookup(Guest.ROOT, name);
            byte[] looked = entry.reply().bytes();
            byte[] asked =
                    q.call(Opcode.GETATTR, entry.nodeId(), new Body().zeros(16)).ok().bytes();
            assertArrayEquals(
                    Arrays.copyOfRange(looked, 40, 128), Arrays.copyOfRange(asked, 16, 104), name);
            Guest.Attr attr = q.getattr(entry.nodeId());
            Map<String, Object> host =
                    Files.readAttributes(dir.resolve(name), "unix:*", LinkOption.NOFOLLOW_LINKS);
            assertEquals(host.get("ino"), attr.ino(), name);
            assertEquals(host.get("size"), attr.size(), name);
            assertEquals(host.get("mode"), attr.mode(), name);
            assertEquals(host.get("nlink"), attr.links(), name);
            assertEquals(host.get("uid"), attr.uid(), name);
            assertEquals(host.get("gid"), attr.gid(), name);
            assertTime(host.get("lastAccessTime"), attr, 24, 48);
            assertTime(host.get("lastModifiedTime"), attr, 32, 52);
            assertTime(host.get("ctime"), attr, 40, 56);
        }
    }

    /** Seconds and nanoseconds of a time at offsets in a fuse_attr. */
    private static void assertTime(Object expected, Guest.Attr attr, int seconds, int nanos) {
        Instant shown =
                Instant.ofEpochSecond(
                        attr.reply().u64(attr.at() + seconds), attr.reply().u32(attr.at() + nanos));
        assertEquals(((FileTime) expected).toInstant(), shown);
    }

    @Test
    void getattrOfTheRoot() throws IOException {
        assertEquals(
                (long) (Long) Files.getAttribute(dir, "unix:ino"), q.getattr(Guest.ROOT).ino());
    }

    @Test
    void readReturnsTheBytesAtTheOffset() throws IOException {
        byte[] data = new byte[300_000];
        new Random(1).nextBytes(data);
        Files.write(dir.resolve("f"), data);
        long node = q.lookup(Guest.ROOT, "f").nodeId();
        long fh = q.open(node, Fcntl.O_RDONLY);
        assertArrayEquals(data, q.read(node, fh, 0, 1 << 19));
        byte[] middle = java.util.Arrays.copyOfRange(data, 12_345, 12_345 + 70_000);
        assertArrayEquals(middle, q.read(node, fh, 12_345, 70_000));
        assertEquals(0, q.read(node, fh, 300_000, 4096).length);
        assertEquals(0, q.release(node, fh).error());
        assertEquals(Errno.EBADF, q.tryRead(node, fh, 0, 4096).error());
    }

    @Test
    void writeIsSeenByTheHost() throws IOException {
        Files.writeString(dir.resolve("f"), "0123456789");
        long node = q.lookup(Guest.ROOT, "f").nodeId();
        long fh = q.open(node, Fcntl.O_RDWR);
        Reply written = q.write(node, fh, 3, "abc".getBytes(UTF_8), 0, 0).ok();
        assertEquals(3, written.u32(0));
        assertEquals("012abc6789", Files.readString(dir.resolve("f")));
        byte[] large = new byte[1 << 20];
        new Random(2).nextBytes(large);
        assertEquals(1 << 20, q.write(node, fh, 1, large, 0, 0).ok().u32(0));
        byte[] seen = Files.readAllBytes(dir.resolve("f"));
        assertEquals((1 << 20) + 1, seen.length);
        assertArrayEquals(large, java.util.Arrays.copyOfRange(seen, 1, seen.length));
    }

    @Test
    void appendingWritesGoToTheEnd() throws IOException {
        Path file = Files.writeString(dir.resolve("f"), "one");
        long node = q.lookup(Guest.ROOT, "f").nodeId();
        int flags = Fcntl.O_WRONLY | Fcntl.O_APPEND;
        long fh = q.open(node, flags);
        Files.writeString(file, "one two");
        q.write(node, fh, 3, " three".getBytes(UTF_8), 0, flags).ok();
        assertEquals("one two three", Files.readString(file));
        // What the guest's page cache writes back goes to its place.
        q.write(node, fh, 0, "ONE".getBytes(UTF_8), 1, flags).ok();
        assertEquals("ONE two three", Files.readString(file));
    }

    @Test
    void readdirListsEverythingOnce() throws IOException {
        Set<String> expected = new HashSet<>(Set.of(".", ".."));
        for (int i = 0; i < 3000; i++) {
            String name = "file-with-a-name-" + i;
            Files.createFile(dir.resolve(name));
            expected.add(name);
        }
        long fh = q.opendir(Guest.ROOT);
        List<Dirent> all = q.readWhole(Guest.ROOT, fh, 4096, false);
        assertEquals(expected.size(), all.size());
        assertEquals(expected, names(all));
        assertEquals(1, guest.fileSystem.inodeCount());
        // Once more from the start, on the same handle, with a file that came since.
        Files.createFile(dir.resolve("late"));
        expected.add("late");
        assertEquals(expected, names(q.readWhole(Guest.ROOT, fh, 32768, false)));
        assertEquals(0, q.releasedir(Guest.ROOT, fh).error());
    }

    @Test
    void readdirGoesOnWhereTheGuestSays() throws IOException {
        for (int i = 0; i < 500; i++) {
            Files.createFile(dir.resolve("f" + i));
        }
        long fh = q.opendir(Guest.ROOT);
        List<Dirent> all = q.readWhole(Guest.ROOT, fh, 1024, false);
        for (int i : new int[] {0, 499, 17, 250, 16, 501}) {
            List<Dirent> part = q.readdir(Guest.ROOT, fh, all.get(i).offset(), 1024, false);
            List<Dirent> rest = all.subList(i + 1, all.size());
            assertEquals(rest.subList(0, part.size()), part);
            assertEquals(rest.isEmpty(), part.isEmpty());
        }
    }

    @Test
    void readdirplusCountsALookupForEachEntryButTheDots() throws IOException {
        for (int i = 0; i < 200; i++) {
            Files.createFile(dir.resolve("f" + i));
        }
        Files.createDirectory(dir.resolve("d"));
        long known = q.lookup(Guest.ROOT, "f7").nodeId();
        long fh = q.opendir(Guest.ROOT);
        List<Dirent> all = q.readWhole(Guest.ROOT, fh, 4096, true);
        assertEquals(203, all.size());
        assertEquals(202, guest.fileSystem.inodeCount());
        for (Dirent entry : all) {
            if (entry.name().startsWith(".")) {
                assertEquals(0, entry.nodeId());
            } else {
                assertNotEquals(0, entry.nodeId());
                q.forget(entry.nodeId(), 1);
            }
        }
        assertEquals(2, guest.fileSystem.inodeCount(), "one lookup of f7 is left");
        assertTrue(all.stream().anyMatch(e -> e.name().equals("f7") && e.nodeId() == known));
        q.forget(known, 1);
        assertEquals(1, guest.fileSystem.inodeCount());
    }

    @Test
    void createMakesAFileAndOpensIt() throws IOException {
        Reply created = q.tryCreate(Guest.ROOT, "new", Fcntl.O_RDWR, 0640, 0).ok();
        long node = created.u64(0);
        long fh = created.u64(128);
        q.write(node, fh, 0, "data".getBytes(UTF_8), 0, 0).ok();
        assertEquals("data", Files.readString(dir.resolve("new")));
        assertEquals(
                0640 | StatMode.S_IFREG,
                (int) (Integer) Files.getAttribute(dir.resolve("new"), "unix:mode"));
        assertEquals(
                Errno.EEXIST,
                q.tryCreate(Guest.ROOT, "new", Fcntl.O_RDWR | Fcntl.O_EXCL, 0640, 0).error());
        Reply again = q.tryCreate(Guest.ROOT, "new", Fcntl.O_RDWR, 0600, 0).ok();
        assertEquals(node, again.u64(0));
        assertEquals("data", new String(q.read(node, again.u64(128), 0, 100), UTF_8));
    }

    @Test
    void directoriesAreMadeAndRemoved() throws IOException {
        long node = q.mkdir(Guest.ROOT, "d", 0750).ok().u64(0);
        assertTrue(Files.isDirectory(dir.resolve("d")));
        assertEquals(StatMode.S_IFDIR | 0750, q.getattr(node).mode());
        q.tryCreate(node, "f", Fcntl.O_RDWR, 0600, 0).ok();
        assertEquals(Errno.ENOTEMPTY, q.rmdir(Guest.ROOT, "d").error());
        assertEquals(0, q.unlink(node, "f").error());
        assertEquals(Errno.ENOTDIR, errorOfRmdirOnAFile());
        assertEquals(0, q.rmdir(Guest.ROOT, "d").error());
        assertEquals(0, q.getattr(node).links(), "still pinned");
    }

    private int errorOfRmdirOnAFile() throws IOException {
        Files.writeString(dir.resolve("plain"), "");
        return q.rmdir(Guest.ROOT, "plain").error();
    }

    @Test
    void linksAndSymbolicLinks() throws IOException {
        Files.writeString(dir.resolve("f"), "x");
        long node = q.lookup(Guest.ROOT, "f").nodeId();
        Reply linked = q.link(node, Guest.ROOT, "g").ok();
        assertEquals(node, linked.u64(0));
        assertEquals(2, q.getattr(node).links());
        assertTrue(Files.isSameFile(dir.resolve("f"), dir.resolve("g")));
        long link = q.symlink(Guest.ROOT, "s", "/etc/../some where").ok().u64(0);
        assertEquals("/etc/../some where", Files.readSymbolicLink(dir.resolve("s")).toString());
        assertEquals(
                "/etc/../some where",
                new String(q.call(Opcode.READLINK, link, new Body()).ok().bytes(), UTF_8));
        assertEquals(Errno.EINVAL, q.call(Opcode.READLINK, node, new Body()).error());
        // Linking a symbolic link links the link.
        q.link(link, Guest.ROOT, "s2").ok();
        assertTrue(Files.isSymbolicLink(dir.resolve("s2")));
        q.forget(node, 2);
        q.forget(link, 2);
        assertEquals(1, guest.fileSystem.inodeCount());
    }

    @Test
    void renameAndItsFlags() throws IOException {
        Files.writeString(dir.resolve("a"), "a");
        Files.writeString(dir.resolve("b"), "b");
        Files.createDirectory(dir.resolve("d"));
        long d = q.lookup(Guest.ROOT, "d").nodeId();
        assertEquals(
                Errno.EEXIST,
                q.rename(Guest.ROOT, "a", Guest.ROOT, "b", Fcntl.RENAME_NOREPLACE).error());
        q.rename(Guest.ROOT, "a", Guest.ROOT, "b", Fcntl.RENAME_EXCHANGE).ok();
        assertEquals("b", Files.readString(dir.resolve("a")));
        q.rename(Guest.ROOT, "a", d, "c", 0).ok();
        assertEquals("b", Files.readString(dir.resolve("d/c")));
        q.rename(d, "c", d, "w", Fcntl.RENAME_WHITEOUT).ok();
        assertEquals(
                StatMode.S_IFCHR,
                (Integer)
                                Files.getAttribute(
                                        dir.resolve("d/c"), "unix:mode", LinkOption.NOFOLLOW_LINKS)
                        & StatMode.S_IFMT);
        assertEquals(Errno.EINVAL, q.rename(d, "w", d, "v", 0x100).error());
    }

    @Test
    void unlinkedFilesStayUsableWhileOpen() throws IOException {
        Files.writeString(dir.resolve("f"), "kept");
        long node = q.lookup(Guest.ROOT, "f").nodeId();
        long fh = q.open(node, Fcntl.O_RDWR);
        q.unlink(Guest.ROOT, "f").ok();
        assertEquals("kept", new String(q.read(node, fh, 0, 10), UTF_8));
        assertEquals(0, q.getattr(node).links());
        assertEquals("kept", new String(q.read(node, q.open(node, 0), 0, 10), UTF_8));
    }

    private static Set<String> names(List<Dirent> entries) {
        Set<String> names = new HashSet<>();
        for (Dirent entry : entries) {
            names.add(entry.name());
        }
        return names;
    }
}
