package io.porthole.virtiofsd.passthrough;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.porthole.fuse.FuseAttr;
import io.porthole.fuse.FuseOpenOut;
import io.porthole.fuse.InitFlags;
import io.porthole.fuse.InitNegotiation;
import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.StatMode;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import io.porthole.virtiofsd.passthrough.Guest.Dirent;
import io.porthole.virtiofsd.passthrough.Guest.Entry;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What each option changes for the guest. */
final class OptionsTest {
    private ServedDirectory directory;
    private Path dir;

    @BeforeEach
    void make() throws IOException {
        directory = ServedDirectory.inMemory();
        dir = directory.path;
    }

    @AfterEach
    void remove() throws IOException {
        directory.close();
    }

    private static long flags(Guest guest) {
        InitNegotiation session = guest.server.session();
        return session == null ? 0 : session.enabled();
    }

    @ParameterizedTest
    @CsvSource({
        "NEVER, 0, 65, 0",
        "AUTO, 1, 0, 0",
        "METADATA, 86400, 65, 10",
        "ALWAYS, 86400, 2, 10"
    })
    void cachePoliciesHaveThePeersTimeoutsAndFlags(
            CachePolicy policy, long seconds, int fileFlags, int directoryFlags)
            throws IOException {
        Files.createFile(dir.resolve("f"));
        try (Guest guest = new Guest(dir, PassthroughOptions.builder().cache(policy).build())) {
            Entry entry = guest.queue.lookup(Guest.ROOT, "f");
            assertEquals(seconds, entry.reply().u64(16), "entry");
            assertEquals(seconds, entry.reply().u64(24), "attributes");
            int open = guest.queue.tryOpen(entry.nodeId(), 0).ok().u32(8);
            assertEquals(fileFlags, open & ~FuseOpenOut.FOPEN_NOFLUSH);
            assertEquals(FuseOpenOut.FOPEN_NOFLUSH, open & FuseOpenOut.FOPEN_NOFLUSH);
            Reply opened =
                    guest.queue.call(Opcode.OPENDIR, Guest.ROOT, new Body().u32(0).u32(0)).ok();
            assertEquals(directoryFlags, opened.u32(8));
            Reply missing = guest.queue.tryLookup(Guest.ROOT, "missing");
            if (seconds == 0) {
                assertEquals(Errno.ENOENT, missing.error());
            } else {
                assertEquals(0, missing.ok().u64(0));
                assertEquals(1, missing.u64(16), "what is missing may come");
            }
        }
    }

    @Test
    void timeoutsOfTheirOwn() throws IOException {
        Files.createFile(dir.resolve("f"));
        PassthroughOptions options =
                PassthroughOptions.builder()
                        .entryTimeoutNanos(2_500_000_000L)
                        .attrTimeoutNanos(7)
                        .negativeTimeoutNanos(0)
                        .build();
        try (Guest guest = new Guest(dir, options)) {
            Reply entry = guest.queue.tryLookup(Guest.ROOT, "f").ok();
            assertEquals(2, entry.u64(16));
            assertEquals(500_000_000, entry.u32(32));
            assertEquals(0, entry.u64(24));
            assertEquals(7, entry.u32(36));
            assertEquals(Errno.ENOENT, guest.queue.tryLookup(Guest.ROOT, "g").error());
        }
    }

    @Test
    void aReadOnlyShareRefusesEveryChange() throws IOException {
        Files.writeString(dir.resolve("f"), "content");
        Files.createDirectory(dir.resolve("d"));
        try (Guest guest =
                new Guest(dir, PassthroughOptions.builder().readonly(true).xattr(true).build())) {
            Guest.Queue q = guest.queue;
            long node = q.lookup(Guest.ROOT, "f").nodeId();
            long fh = q.open(node, Fcntl.O_RDONLY);
            assertEquals("content", new String(q.read(node, fh, 0, 100), UTF_8));
            int[] errors = {
                q.tryOpen(node, Fcntl.O_RDWR).error(),
                q.tryOpen(node, Fcntl.O_WRONLY).error(),
                q.tryOpen(node, Fcntl.O_RDONLY | Fcntl.O_TRUNC).error(),
                q.tryCreate(Guest.ROOT, "new", Fcntl.O_RDONLY, 0600, 0).error(),
                q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDONLY, 0600, 0).error(),
                q.mkdir(Guest.ROOT, "new", 0700).error(),
                q.mknod(Guest.ROOT, "new", StatMode.S_IFREG | 0600, 0).error(),
                q.symlink(Guest.ROOT, "new", "f").error(),
                q.link(node, Guest.ROOT, "new").error(),
                q.rename(Guest.ROOT, "f", Guest.ROOT, "new", 0).error(),
                q.unlink(Guest.ROOT, "f").error(),
                q.rmdir(Guest.ROOT, "d").error(),
                q.setattr(node, 1, 0, 0, 0, 0).error(),
                q.setattr(node, 1 << 3, 0, 0, 0, 0).error(),
                q.write(node, fh, 0, new byte[1], 0, 0).error(),
                q.setxattr(node, "user.a", new byte[1], 0).error(),
                q.call(Opcode.REMOVEXATTR, node, new Body().name("user.a")).error(),
                q.call(Opcode.FALLOCATE, node, new Body().u64(fh).u64(0).u64(1).u32(0).u32(0))
                        .error(),
                q.call(
                                Opcode.COPY_FILE_RANGE,
                                node,
                                new Body().u64(fh).u64(0).u64(node).u64(fh).u64(0).u64(1).u64(0))
                        .error()
            };
            for (int error : errors) {
                assertEquals(Errno.EROFS, error);
            }
        }
        assertEquals("content", Files.readString(dir.resolve("f")));
    }

    @Test
    void flagsFollowTheOptions() throws IOException {
        try (Guest plain = new Guest(dir, PassthroughOptions.defaults())) {
            long on =
                    InitFlags.FUSE_ASYNC_READ
                            | InitFlags.FUSE_PARALLEL_DIROPS
                            | InitFlags.FUSE_BIG_WRITES
                            | InitFlags.FUSE_AUTO_INVAL_DATA
                            | InitFlags.FUSE_ASYNC_DIO
                            | InitFlags.FUSE_ATOMIC_O_TRUNC
                            | InitFlags.FUSE_MAX_PAGES
                            | InitFlags.FUSE_SUBMOUNTS
                            | InitFlags.FUSE_INIT_EXT
                            | InitFlags.FUSE_CREATE_SUPP_GROUP
                            | InitFlags.FUSE_CACHE_SYMLINKS
                            | InitFlags.FUSE_DO_READDIRPLUS
                            | InitFlags.FUSE_READDIRPLUS_AUTO
                            | InitFlags.FUSE_ALLOW_IDMAP;
            assertEquals(on, flags(plain), "and nothing that is not there");
        }
        PassthroughOptions all =
                PassthroughOptions.builder()
                        .writeback(true)
                        .killprivV2(true)
                        .xattr(true)
                        .posixAcl(PassthroughOptions.Negotiated.ALWAYS)
                        .allowMmap(true)
                        .announceSubmounts(false)
                        .readdirplus(PassthroughOptions.Readdirplus.ALWAYS)
                        .build();
        try (Guest rich = new Guest(dir, all)) {
            long wanted =
                    InitFlags.FUSE_WRITEBACK_CACHE
                            | InitFlags.FUSE_HANDLE_KILLPRIV_V2
                            | InitFlags.FUSE_POSIX_ACL
                            | InitFlags.FUSE_DONT_MASK
                            | InitFlags.FUSE_SETXATTR_EXT
                            | InitFlags.FUSE_DIRECT_IO_ALLOW_MMAP;
            assertEquals(wanted, flags(rich) & wanted);
            assertEquals(0, flags(rich) & InitFlags.FUSE_SUBMOUNTS);
            assertEquals(0, flags(rich) & InitFlags.FUSE_READDIRPLUS_AUTO);
        }
        PassthroughOptions no =
                PassthroughOptions.builder()
                        .readdirplus(PassthroughOptions.Readdirplus.NEVER)
                        .build();
        try (Guest poor = new Guest(dir, no)) {
            assertEquals(0, flags(poor) & InitFlags.FUSE_DO_READDIRPLUS);
        }
    }

    @Test
    void writebackOpensForReadingTooAndLeavesAppendingToTheGuest() throws IOException {
        Files.writeString(dir.resolve("f"), "one");
        try (Guest guest = new Guest(dir, PassthroughOptions.builder().writeback(true).build())) {
            long node = guest.queue.lookup(Guest.ROOT, "f").nodeId();
            int flags = Fcntl.O_WRONLY | Fcntl.O_APPEND;
            long fh = guest.queue.open(node, flags);
            assertEquals("one", new String(guest.queue.read(node, fh, 0, 10), UTF_8));
            guest.queue.write(node, fh, 0, "ONE".getBytes(UTF_8), 1, flags).ok();
            guest.queue.write(node, fh, 0, "two".getBytes(UTF_8), 0, flags).ok();
            assertEquals("ONEtwo", Files.readString(dir.resolve("f")));
        }
    }

    @Test
    void directIoReachesTheHostOnlyWhereAllowed() throws IOException {
        try (ServedDirectory disk = ServedDirectory.onDisk()) {
            Files.write(disk.path.resolve("f"), new byte[8192]);
            for (boolean allowed : new boolean[] {false, true}) {
                PassthroughOptions options =
                        PassthroughOptions.builder().allowDirectIo(allowed).build();
                try (Guest guest = new Guest(disk.path, options)) {
                    long node = guest.queue.lookup(Guest.ROOT, "f").nodeId();
                    Reply opened = guest.queue.tryOpen(node, Fcntl.O_RDWR | Fcntl.O_DIRECT).ok();
                    assertEquals(allowed, (opened.u32(8) & FuseOpenOut.FOPEN_DIRECT_IO) != 0);
                    // Buffers of the test are not aligned: only true direct I/O minds.
                    int error = guest.queue.tryRead(node, opened.u64(0), 1, 10).error();
                    assertEquals(allowed ? Errno.EINVAL : 0, error);
                }
            }
        }
    }

    @Test
    void extendedAttributes() throws IOException {
        try (ServedDirectory disk = ServedDirectory.onDisk();
                Guest guest = new Guest(disk.path)) {
            Guest.Queue q = guest.queue;
            Files.createFile(disk.path.resolve("f"));
            long node = q.lookup(Guest.ROOT, "f").nodeId();
            byte[] value = "value".getBytes(UTF_8);
            assertEquals(Errno.ENODATA, q.getxattr(node, "user.a", 100).error());
            assertEquals(
                    Errno.ENODATA, q.setxattr(node, "user.a", value, Fcntl.XATTR_REPLACE).error());
            q.setxattr(node, "user.a", value, 0).ok();
            q.setxattr(node, "user.b", new byte[0], 0).ok();
            assertEquals(
                    Errno.EEXIST, q.setxattr(node, "user.a", value, Fcntl.XATTR_CREATE).error());
            assertEquals(5, q.getxattr(node, "user.a", 0).ok().u32(0));
            assertArrayEquals(value, q.getxattr(node, "user.a", 100).ok().bytes());
            assertEquals(Errno.ERANGE, q.getxattr(node, "user.a", 4).error());
            assertEquals(
                    "value",
                    new String(
                            (byte[]) Files.getAttribute(disk.path.resolve("f"), "user:a"), UTF_8));
            String list =
                    new String(
                            q.call(Opcode.LISTXATTR, node, new Body().u32(1000).u32(0))
                                    .ok()
                                    .bytes(),
                            UTF_8);
            assertTrue(list.contains("user.a\0") && list.contains("user.b\0"), list);
            q.call(Opcode.REMOVEXATTR, node, new Body().name("user.a")).ok();
            assertEquals(Errno.ENODATA, q.getxattr(node, "user.a", 100).error());
            // Directories and the root itself, and a link's own (user.* is not for links).
            q.setxattr(Guest.ROOT, "user.r", value, 0).ok();
            assertArrayEquals(value, q.getxattr(Guest.ROOT, "user.r", 10).ok().bytes());
            Files.createSymbolicLink(disk.path.resolve("s"), Path.of("f"));
            long link = q.lookup(Guest.ROOT, "s").nodeId();
            assertEquals(Errno.EPERM, q.setxattr(link, "user.a", value, 0).error());
            // ACLs are for guests that check them.
            assertEquals(
                    Errno.EOPNOTSUPP, q.getxattr(node, "system.posix_acl_access", 100).error());
            assertEquals(
                    Errno.EOPNOTSUPP,
                    q.setxattr(node, "system.posix_acl_default", value, 0).error());
        }
    }

    @Test
    void withoutXattrTheGuestIsToldToStopAsking() throws IOException {
        try (Guest guest = new Guest(dir, PassthroughOptions.defaults())) {
            Guest.Queue q = guest.queue;
            assertEquals(Errno.ENOSYS, q.getxattr(Guest.ROOT, "user.a", 100).error());
            assertEquals(Errno.ENOSYS, q.setxattr(Guest.ROOT, "user.a", new byte[1], 0).error());
            assertEquals(
                    Errno.ENOSYS,
                    q.call(Opcode.LISTXATTR, Guest.ROOT, new Body().u32(0).u32(0)).error());
        }
    }

    @ParameterizedTest
    @EnumSource
    void submountsAreAnnounced(Announce announce) throws Exception {
        assumeTrue(Syscalls.host().geteuid() == 0, "needs root");
        Files.createDirectory(dir.resolve("sub"));
        Files.createDirectory(dir.resolve("plain"));
        OwnMounts.use(host -> {
            host.mount("none", dir.resolve("sub"), "tmpfs", 0, null);
            submounts(announce == Announce.YES);
        });
    }

    enum Announce {
        YES,
        NO
    }

    private void submounts(boolean announce) throws IOException {
        PassthroughOptions options =
                PassthroughOptions.builder().announceSubmounts(announce).build();
        try (Guest guest = new Guest(dir, options)) {
            Guest.Queue q = guest.queue;
            int expected = announce ? FuseAttr.FUSE_ATTR_SUBMOUNT : 0;
            Entry sub = q.lookup(Guest.ROOT, "sub");
            assertEquals(expected, sub.attr().flags());
            assertEquals(expected, q.lookup(Guest.ROOT, "sub").attr().flags(), "known");
            assertEquals(0, q.lookup(Guest.ROOT, "plain").attr().flags());
            q.mkdir(sub.nodeId(), "below", 0700).ok();
            assertEquals(0, q.lookup(sub.nodeId(), "below").attr().flags());
            assertEquals(0, q.call(Opcode.SYNCFS, sub.nodeId(), new Body().u64(0)).error());
            assertEquals(Errno.EXDEV, q.rename(Guest.ROOT, "plain", sub.nodeId(), "p", 0).error());
            long fh = q.opendir(Guest.ROOT);
            for (Dirent entry : q.readWhole(Guest.ROOT, fh, 4096, true)) {
                if (entry.name().equals("sub")) {
                    assertEquals(sub.nodeId(), entry.nodeId());
                }
            }
        }
    }

    @Test
    void seekingAllocatingAndCopying() throws IOException {
        try (ServedDirectory disk = ServedDirectory.onDisk();
                Guest guest = new Guest(disk.path)) {
            Guest.Queue q = guest.queue;
            Reply created = q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0600, 0).ok();
            long node = created.u64(0);
            long fh = created.u64(128);
            q.write(node, fh, 1 << 20, new byte[4096], 0, 0).ok();
            assertEquals(1 << 20, lseek(q, node, fh, 0, Fcntl.SEEK_DATA).ok().u64(0));
            assertEquals(0, lseek(q, node, fh, 0, Fcntl.SEEK_HOLE).ok().u64(0));
            assertEquals(Errno.ENXIO, lseek(q, node, fh, 2 << 20, Fcntl.SEEK_DATA).error());
            assertEquals(Errno.EINVAL, lseek(q, node, fh, 0, Fcntl.SEEK_SET).error());
            long dh = q.opendir(Guest.ROOT);
            assertEquals(Errno.EBADF, lseek(q, Guest.ROOT, dh, 0, Fcntl.SEEK_DATA).error());
            fallocate(q, node, fh, 0, 3 << 20, 0).ok();
            assertEquals(3 << 20, Files.size(disk.path.resolve("f")));
            int punch = Fcntl.FALLOC_FL_PUNCH_HOLE | Fcntl.FALLOC_FL_KEEP_SIZE;
            fallocate(q, node, fh, 1 << 20, 4096, punch).ok();
            assertEquals(3 << 20, Files.size(disk.path.resolve("f")));
            assertEquals(Errno.EOPNOTSUPP, fallocate(q, node, fh, 0, 10, 0x8000).error());
            q.write(node, fh, 0, "copied".getBytes(UTF_8), 0, 0).ok();
            Reply other = q.tryCreate(Guest.ROOT, "g", Fcntl.O_RDWR, 0600, 0).ok();
            Reply copied =
                    q.call(
                                    Opcode.COPY_FILE_RANGE,
                                    node,
                                    new Body()
                                            .u64(fh)
                                            .u64(0)
                                            .u64(other.u64(0))
                                            .u64(other.u64(128))
                                            .u64(2)
                                            .u64(6)
                                            .u64(0))
                            .ok();
            assertEquals(6, copied.u32(0));
            assertEquals("\0\0copied", Files.readString(disk.path.resolve("g")));
        }
    }

    private static Reply lseek(Guest.Queue q, long node, long fh, long offset, int whence) {
        return q.call(Opcode.LSEEK, node, new Body().u64(fh).u64(offset).u32(whence).u32(0));
    }

    private static Reply fallocate(
            Guest.Queue q, long node, long fh, long offset, long length, int mode) {
        return q.call(
                Opcode.FALLOCATE,
                node,
                new Body().u64(fh).u64(offset).u64(length).u32(mode).u32(0));
    }

    @Test
    void pagesOfAFileThatDidNotChangeMayBeKept() throws Exception {
        Path file = Files.writeString(dir.resolve("f"), "content");
        try (Guest guest = new Guest(dir, PassthroughOptions.defaults())) {
            long node = guest.queue.lookup(Guest.ROOT, "f").nodeId();
            assertFalse(keepsCache(guest, node), "the first open");
            assertFalse(keepsCache(guest, node), "so young a change proves nothing");
            Thread.sleep(2200);
            assertFalse(keepsCache(guest, node), "the first open that can tell");
            assertTrue(keepsCache(guest, node));
            assertTrue(keepsCache(guest, node));
            var time = Files.getLastModifiedTime(file);
            Files.writeString(file, "CONTENT");
            Files.setLastModifiedTime(file, time);
            assertFalse(keepsCache(guest, node), "same size, same modification time");
        }
    }

    private static boolean keepsCache(Guest guest, long node) {
        int flags = guest.queue.tryOpen(node, Fcntl.O_RDONLY).ok().u32(8);
        return (flags & FuseOpenOut.FOPEN_KEEP_CACHE) != 0;
    }

    @Test
    void statxTellsBirthAndNothingOfTheHostsMounts() throws IOException {
        Path file = Files.writeString(dir.resolve("f"), "content");
        try (Guest guest = new Guest(dir)) {
            long node = guest.queue.lookup(Guest.ROOT, "f").nodeId();
            Reply reply =
                    guest.queue
                            .call(
                                    Opcode.STATX,
                                    node,
                                    new Body().u32(0).u32(0).u64(0).u32(0).u32(0xfff))
                            .ok();
            assertEquals(32 + 256, reply.body().limit());
            assertEquals(1, reply.u64(0), "attr_valid");
            assertEquals(0xfff, reply.u32(32), "mask");
            assertEquals(7, reply.u64(32 + 40), "size");
            assertEquals((long) (Long) Files.getAttribute(file, "unix:ino"), reply.u64(32 + 32));
            assertTrue(reply.u64(32 + 80) > 0, "birth");
            for (int i = 144; i < 256; i += 8) {
                assertEquals(0, reply.u64(32 + i), "byte " + i);
            }
        }
    }

    @Test
    void statfsAndAccess() throws IOException {
        try (Guest guest = new Guest(dir)) {
            Guest.Queue q = guest.queue;
            Reply statfs = q.call(Opcode.STATFS, Guest.ROOT, new Body()).ok();
            long total = Files.getFileStore(dir).getTotalSpace();
            assertEquals(total, statfs.u64(0) * statfs.u32(48), "blocks times frsize");
            assertEquals(255, statfs.u32(44), "namelen");
            long node = q.mknod(Guest.ROOT, "f", StatMode.S_IFREG | 0640, 0).ok().u64(0);
            assertEquals(0, access(q, node, Fcntl.R_OK | Fcntl.W_OK));
            assertEquals(Errno.EACCES, access(q, node, Fcntl.X_OK));
            q.uid = 5;
            q.gid = 0;
            assertEquals(0, access(q, node, Fcntl.R_OK));
            assertEquals(Errno.EACCES, access(q, node, Fcntl.W_OK));
            q.gid = 5;
            assertEquals(Errno.EACCES, access(q, node, Fcntl.R_OK));
            assertEquals(0, access(q, node, Fcntl.F_OK));
        }
    }

    private static int access(Guest.Queue q, long node, int mask) {
        return q.call(Opcode.ACCESS, node, new Body().u32(mask).u32(0)).error();
    }

    @Test
    void aShareThatIsNoDirectoryIsRefused() throws IOException {
        Files.createFile(dir.resolve("f"));
        assertThrows(IOException.class, () -> new Guest(dir.resolve("f")).close());
    }
}
