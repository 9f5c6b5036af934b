package io.porthole.virtiofsd.passthrough;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.porthole.fuse.InitFlags;
import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.StatMode;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.mapping.IdMap;
import io.porthole.virtiofsd.mapping.XattrMap;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** --xattrmap, --translate-uid and --translate-gid on a directory of the disk. */
final class MappingTest {
    private static final int FATTR_MODE = 1;
    private static final int FATTR_UID = 1 << 1;
    private static final int FATTR_GID = 1 << 2;
    private static final int FATTR_SIZE = 1 << 3;
    private static final String CAPABILITY = "security.capability";
    private static final String MAPPED_CAPABILITY = "user.virtiofs.security.capability";
    private static final byte[] VALUE = "value".getBytes(UTF_8);

    private ServedDirectory directory;
    private Path dir;

    @BeforeEach
    void make() throws IOException {
        assumeTrue(Syscalls.host().geteuid() == 0, "needs root");
        directory = ServedDirectory.onDisk();
        dir = directory.path;
    }

    @AfterEach
    void remove() throws IOException {
        if (directory != null) {
            directory.close();
        }
    }

    private Guest withNames(String rules) throws IOException {
        return new Guest(
                dir,
                PassthroughOptions.builder()
                        .xattr(true)
                        .securityLabel(PassthroughOptions.Negotiated.ALWAYS)
                        .xattrMap(XattrMap.parse(rules))
                        .build());
    }

    private Guest withIds(@Nullable String uids, @Nullable String gids) throws IOException {
        return new Guest(
                dir,
                PassthroughOptions.builder()
                        .uidMap(uids == null ? null : IdMap.parse(List.of(uids.split(" "))))
                        .gidMap(gids == null ? null : IdMap.parse(List.of(gids.split(" "))))
                        .build());
    }

    private static String list(Guest.Queue q, long node) {
        return new String(list(q, node, 1000).ok().bytes(), UTF_8);
    }

    private static Reply list(Guest.Queue q, long node, int size) {
        return q.call(Opcode.LISTXATTR, node, new Body().u32(size).u32(0));
    }

    private byte @Nullable [] hostAttribute(String file, String name) throws IOException {
        try (Guest plain = new Guest(dir)) {
            long node = plain.queue.lookup(Guest.ROOT, file).nodeId();
            Reply reply = plain.queue.getxattr(node, name, 1000);
            return reply.error() == Errno.ENODATA ? null : reply.ok().bytes();
        }
    }

    private void assertOwner(int uid, int gid, String name) throws IOException {
        Path path = dir.resolve(name);
        assertEquals(uid, Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS), name);
        assertEquals(gid, Files.getAttribute(path, "unix:gid", LinkOption.NOFOLLOW_LINKS), name);
    }

    @Test
    void attributesAreKeptUnderTheirOtherName() throws IOException {
        Files.createFile(dir.resolve("f"));
        try (Guest guest = withNames(":map:trusted.:user.virtiofs.:")) {
            Guest.Queue q = guest.queue;
            long node = q.lookup(Guest.ROOT, "f").nodeId();
            q.setxattr(node, "trusted.a", VALUE, 0).ok();
            q.setxattr(node, "user.b", VALUE, 0).ok();
            assertArrayEquals(VALUE, q.getxattr(node, "trusted.a", 100).ok().bytes());
            assertArrayEquals(VALUE, hostAttribute("f", "user.virtiofs.trusted.a"));
            assertNull(hostAttribute("f", "trusted.a"));
            try (Guest host = new Guest(dir)) {
                long same = host.queue.lookup(Guest.ROOT, "f").nodeId();
                host.queue.setxattr(same, "trusted.hosts", VALUE, 0).ok();
            }
            assertEquals(Errno.ENODATA, q.getxattr(node, "trusted.hosts", 100).error());
            String names = list(q, node);
            assertTrue(names.contains("trusted.a\0") && names.contains("user.b\0"), names);
            assertFalse(names.contains("virtiofs") || names.contains("hosts"), names);
            // The length that is told is the one that is needed.
            assertEquals(names.length(), list(q, node, 0).ok().u32(0));
            assertEquals(Errno.ERANGE, list(q, node, names.length() - 1).error());
            assertEquals(names.length(), list(q, node, names.length()).ok().bytes().length);
            // Behind the map's back.
            String behind = "user.virtiofs.trusted.a";
            assertEquals(Errno.EPERM, q.getxattr(node, behind, 100).error());
            assertEquals(Errno.EPERM, q.setxattr(node, behind, VALUE, 0).error());
            assertEquals(
                    Errno.EPERM, q.call(Opcode.REMOVEXATTR, node, new Body().name(behind)).error());
            q.call(Opcode.REMOVEXATTR, node, new Body().name("trusted.a")).ok();
            assertNull(hostAttribute("f", behind));
        }
    }

    @Test
    void badAndUnsupportedHaveErrorsOfTheirOwn() throws IOException {
        Files.createFile(dir.resolve("f"));
        try (Guest guest =
                withNames(
                        ":bad:all:user.bad:user.bad: :unsupported:all:trusted.:trusted.: :ok:all:::")) {
            Guest.Queue q = guest.queue;
            long node = q.lookup(Guest.ROOT, "f").nodeId();
            assertEquals(Errno.EPERM, q.setxattr(node, "user.bad", VALUE, 0).error());
            assertEquals(Errno.EOPNOTSUPP, q.setxattr(node, "trusted.a", VALUE, 0).error());
            q.setxattr(node, "user.a", VALUE, 0).ok();
            assertEquals("user.a\0", list(q, node).replaceAll("security[^\0]*\0", ""));
        }
    }

    @Test
    void aSecurityLabelIsMappedToo() throws IOException {
        try (Guest guest = withNames(":map:security.:user.virtiofs.:")) {
            Guest.Queue q = guest.queue;
            assertTrue(guest.server.session().isEnabled(InitFlags.FUSE_SECURITY_CTX));
            q.securityName = "security.selinux";
            q.securityValue = "label";
            q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0600, 0).ok();
            q.mkdir(Guest.ROOT, "d", 0700).ok();
            // What may not be labelled is not made.
            q.securityName = "user.virtiofs.security.selinux";
            assertEquals(
                    Errno.EPERM, q.tryCreate(Guest.ROOT, "none", Fcntl.O_RDWR, 0600, 0).error());
            assertEquals(Errno.EPERM, q.mkdir(Guest.ROOT, "none", 0700).error());
        }
        byte[] label = "label".getBytes(UTF_8);
        assertArrayEquals(label, hostAttribute("f", "user.virtiofs.security.selinux"));
        assertArrayEquals(label, hostAttribute("d", "user.virtiofs.security.selinux"));
        assertFalse(Files.exists(dir.resolve("none")));
    }

    @Test
    void mappedCapabilitiesDoNotOutliveAChange() throws IOException {
        try (Guest guest = withNames(":map:security.:user.virtiofs.:")) {
            Guest.Queue q = guest.queue;
            Reply created = q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0755, 0).ok();
            long node = created.u64(0);
            long fh = created.u64(128);
            q.write(node, fh, 0, new byte[100], 0, 0).ok();
            Runnable[] changes = {
                () -> q.write(node, fh, 0, VALUE, 0, 0).ok(),
                () -> q.write(node, fh, 0, VALUE, 0, Fcntl.O_APPEND).ok(),
                () -> q.setattr(node, FATTR_SIZE, 50, 0, 0, 0).ok(),
                () -> q.setattr(node, FATTR_UID, 0, 0, 1000, 0).ok(),
                () -> q.setattr(node, FATTR_GID, 0, 0, 0, 1000).ok(),
                () -> q.release(node, q.open(node, Fcntl.O_WRONLY | Fcntl.O_TRUNC)).ok(),
                () ->
                        q.call(
                                        Opcode.FALLOCATE,
                                        node,
                                        new Body().u64(fh).u64(0).u64(100).u32(0).u32(0))
                                .ok(),
                () ->
                        q.call(
                                        Opcode.COPY_FILE_RANGE,
                                        node,
                                        new Body()
                                                .u64(fh)
                                                .u64(0)
                                                .u64(node)
                                                .u64(fh)
                                                .u64(50)
                                                .u64(10)
                                                .u64(0))
                                .ok()
            };
            for (int i = 0; i < changes.length; i++) {
                q.setxattr(node, CAPABILITY, VALUE, 0).ok();
                assertArrayEquals(VALUE, hostAttribute("f", MAPPED_CAPABILITY));
                changes[i].run();
                assertNull(hostAttribute("f", MAPPED_CAPABILITY), "change " + i);
            }
            q.setxattr(node, CAPABILITY, VALUE, 0).ok();
            q.setattr(node, FATTR_MODE, 0, 0700, 0, 0).ok();
            q.read(node, fh, 0, 10);
            q.release(node, q.open(node, Fcntl.O_RDWR)).ok();
            assertArrayEquals(VALUE, hostAttribute("f", MAPPED_CAPABILITY), "nothing changed");
        }
    }

    @Test
    void writesToFilesWithoutAttributesStillWork() throws IOException {
        try (ServedDirectory memory = ServedDirectory.inMemory();
                Guest guest =
                        new Guest(
                                memory.path,
                                PassthroughOptions.builder()
                                        .xattr(true)
                                        .xattrMap(XattrMap.parse(":map::user.virtiofs.:"))
                                        .build())) {
            Guest.Queue q = guest.queue;
            Reply created = q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0600, 0).ok();
            q.write(created.u64(0), created.u64(128), 0, VALUE, 0, 0).ok();
            assertEquals("value", Files.readString(memory.path.resolve("f")));
        }
    }

    @Test
    void accessListsAreNotListedWhereTheyCannotBeRead() throws IOException {
        byte[] acl =
                new byte[] {
                    2, 0, 0, 0, 1, 0, 6, 0, -1, -1, -1, -1, 2, 0, 4, 0, 1, 0, 0, 0, 4, 0, 4, 0, -1,
                    -1, -1, -1, 16, 0, 4, 0, -1, -1, -1, -1, 32, 0, 0, 0, -1, -1, -1, -1
                };
        Files.createFile(dir.resolve("f"));
        PassthroughOptions withAcls =
                PassthroughOptions.builder()
                        .xattr(true)
                        .posixAcl(PassthroughOptions.Negotiated.ALWAYS)
                        .build();
        try (Guest guest = new Guest(dir, withAcls)) {
            long node = guest.queue.lookup(Guest.ROOT, "f").nodeId();
            guest.queue.setxattr(node, "system.posix_acl_access", acl, 0).ok();
            guest.queue.setxattr(node, "user.a", VALUE, 0).ok();
            assertTrue(list(guest.queue, node).contains("system.posix_acl_access\0"));
        }
        try (Guest guest = new Guest(dir)) {
            long node = guest.queue.lookup(Guest.ROOT, "f").nodeId();
            String names = list(guest.queue, node);
            assertFalse(names.contains("posix_acl"), names);
            assertTrue(names.contains("user.a\0"), names);
        }
    }

    @Test
    void whatTheGuestCreatesBelongsToTheTranslatedCaller() throws IOException {
        try (Guest guest =
                withIds("map:1000:70000:10 squash-guest:0:65534:1", "map:1000:80000:10")) {
            Guest.Queue q = guest.queue;
            q.uid = 1003;
            q.gid = 1004;
            Reply file = q.tryCreate(Guest.ROOT, "file", Fcntl.O_RDWR, 0600, 0).ok();
            Reply made = q.mkdir(Guest.ROOT, "dir", 0700).ok();
            q.symlink(Guest.ROOT, "link", "target").ok();
            q.mknod(Guest.ROOT, "fifo", StatMode.S_IFIFO | 0600, 0).ok();
            for (String name : new String[] {"file", "dir", "link", "fifo"}) {
                assertOwner(70003, 80004, name);
                assertEquals(1003, q.lookup(Guest.ROOT, name).attr().uid());
                assertEquals(1004, q.lookup(Guest.ROOT, name).attr().gid());
            }
            assertEquals(1003, new Guest.Entry(file).attr().uid());
            assertEquals(1004, new Guest.Entry(made).attr().gid());
            assertEquals(1003, q.getattr(made.u64(0)).uid());
            q.uid = 0;
            q.gid = 0;
            q.mkdir(Guest.ROOT, "roots", 0700).ok();
            assertOwner(65534, 0, "roots");
            assertEquals(65534, q.lookup(Guest.ROOT, "roots").attr().uid(), "squashed one way");
        }
    }

    @Test
    void ownersAreShownAndChangedTranslated() throws IOException {
        Files.createFile(dir.resolve("f"));
        Files.setAttribute(dir.resolve("f"), "unix:uid", 70005);
        Files.setAttribute(dir.resolve("f"), "unix:gid", 4242);
        try (Guest guest = withIds("map:1000:70000:10", "squash-host:4000:99:1000 guest:5:6:1")) {
            Guest.Queue q = guest.queue;
            long node = q.lookup(Guest.ROOT, "f").nodeId();
            assertEquals(1005, q.getattr(node).uid());
            assertEquals(99, q.getattr(node).gid());
            // struct fuse_statx: stx_uid at 20, stx_gid at 24, behind 32 bytes of fuse_statx_out.
            Reply statx =
                    q.call(Opcode.STATX, node, new Body().u32(0).u32(0).u64(0).u32(0).u32(0xfff));
            assertEquals(1005, statx.ok().u32(32 + 20));
            assertEquals(99, statx.u32(32 + 24));
            Reply changed = q.setattr(node, FATTR_UID | FATTR_GID, 0, 0, 1001, 5).ok();
            assertOwner(70001, 6, "f");
            assertEquals(1001, new Guest.Attr(changed, 16).uid());
            // One of them alone leaves the other.
            q.setattr(node, FATTR_UID, 0, 0, 7, 0).ok();
            assertOwner(7, 6, "f");
            long fh = q.opendir(Guest.ROOT);
            assertFalse(q.readdir(Guest.ROOT, fh, 0, 4096, true).isEmpty());
            assertEquals(7, q.getattr(node).uid());
        }
    }

    @Test
    void permissionIsAskedForWithTheGuestsIds() throws IOException {
        Files.createFile(dir.resolve("f"));
        Files.setAttribute(dir.resolve("f"), "unix:uid", 70005);
        Files.setAttribute(dir.resolve("f"), "unix:mode", 0600);
        try (Guest guest = withIds("map:1000:70000:10", null)) {
            Guest.Queue q = guest.queue;
            long node = q.lookup(Guest.ROOT, "f").nodeId();
            q.gid = 5;
            q.uid = 1005;
            q.call(Opcode.ACCESS, node, new Body().u32(Fcntl.R_OK).u32(0)).ok();
            q.uid = 70005;
            assertEquals(
                    Errno.EACCES,
                    q.call(Opcode.ACCESS, node, new Body().u32(Fcntl.R_OK).u32(0)).error());
        }
    }

    @Test
    void forbiddenIdsCannotBeUsed() throws IOException {
        Files.createFile(dir.resolve("f"));
        Files.setAttribute(dir.resolve("f"), "unix:mode", 0640);
        try (Guest guest = withIds("forbid-guest:500:10", "forbid-guest:600:10")) {
            Guest.Queue q = guest.queue;
            long node = q.lookup(Guest.ROOT, "f").nodeId();
            q.uid = 505;
            assertEquals(Errno.EPERM, q.mkdir(Guest.ROOT, "d", 0700).error());
            assertEquals(Errno.EPERM, q.tryCreate(Guest.ROOT, "c", Fcntl.O_RDWR, 0600, 0).error());
            q.uid = 0;
            q.gid = 609;
            assertEquals(Errno.EPERM, q.symlink(Guest.ROOT, "l", "x").error());
            q.gid = 610;
            q.mkdir(Guest.ROOT, "allowed", 0700).ok();
            assertEquals(
                    Errno.EPERM, q.setattr(node, FATTR_MODE | FATTR_UID, 0, 0777, 500, 0).error());
            assertEquals(Errno.EPERM, q.setattr(node, FATTR_GID, 0, 0, 0, 600).error());
            q.supplementaryGroup = 605;
            assertEquals(
                    Errno.EPERM,
                    q.mknod(Guest.ROOT, "s", StatMode.S_IFREG | StatMode.S_ISGID | 0750, 0)
                            .error());
            // What the host already has of them stays visible.
            Files.setAttribute(dir.resolve("f"), "unix:uid", 505);
            assertEquals(505, q.getattr(node).uid());
        }
        assertEquals(0640, (Integer) Files.getAttribute(dir.resolve("f"), "unix:mode") & 07777);
        for (String name : new String[] {"d", "c", "l", "s"}) {
            assertFalse(Files.exists(dir.resolve(name), LinkOption.NOFOLLOW_LINKS), name);
        }
    }

    /** An idmapped mount of the guest sends -1 where no id is meant: it is never translated. */
    @Test
    void noIdIsNotTranslated() throws IOException {
        try (Guest guest = withIds("squash-guest:0:1000:4294967295", "map:0:1000:10")) {
            Guest.Queue q = guest.queue;
            q.uid = -1;
            q.gid = -1;
            assertEquals(Errno.EINVAL, q.mkdir(Guest.ROOT, "d", 0700).error());
            assertEquals(0, q.getattr(Guest.ROOT).uid());
        }
    }

    @Test
    void mappedRequestsDoNotAllocate() throws IOException {
        PassthroughOptions options =
                PassthroughOptions.builder()
                        .xattr(true)
                        .xattrMap(XattrMap.parse(":map:trusted.:user.virtiofs.:"))
                        .uidMap(IdMap.parse(List.of("map:0:1000:10", "map:20:2000:5")))
                        .build();
        try (Guest guest = new Guest(dir, options)) {
            Guest.Queue q = guest.queue;
            long node = q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0600, 0).ok().u64(0);
            q.setxattr(node, "trusted.a", VALUE, 0).ok();
            byte[][] messages = {
                q.message(Opcode.LOOKUP, Guest.ROOT, new Body().name("f")),
                q.message(Opcode.GETXATTR, node, new Body().u32(100).u32(0).name("trusted.a")),
                q.message(Opcode.LISTXATTR, node, new Body().u32(1000).u32(0))
            };
            for (byte[] message : messages) {
                q.allocatedBytes(message, 1 << 12, 30_000); // Until it is compiled.
                assertTrue(q.allocatedBytes(message, 1 << 12, 10_000) < 10_000, "per request");
            }
        }
    }
}
