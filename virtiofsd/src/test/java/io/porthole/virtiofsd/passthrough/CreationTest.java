package io.porthole.virtiofsd.passthrough;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.porthole.fuse.InitFlags;
import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.StatMode;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.passthrough.Guest.Attr;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** To whom new inodes belong and with which mode, as root on the host's disk and on tmpfs. */
@ParameterizedClass
@ValueSource(strings = {"disk", "tmpfs"})
final class CreationTest {
    private static final int USER = 12_345;
    private static final int GROUP = 23_456;

    @Parameter String kind;

    private ServedDirectory directory;
    private Path dir;
    private Guest guest;
    private Guest.Queue q;

    @BeforeEach
    void share() throws IOException {
        assumeTrue(Syscalls.host().geteuid() == 0, "needs root");
        directory = kind.equals("disk") ? ServedDirectory.onDisk() : ServedDirectory.inMemory();
        dir = directory.path;
        // The mask is the daemon's to apply only where the guest has offered DONT_MASK.
        guest = new Guest(dir);
        q = guest.queue;
    }

    @AfterEach
    void end() throws IOException {
        if (guest != null) {
            guest.close();
            directory.close();
        }
    }

    private void assertOwner(int uid, int gid, String name) throws IOException {
        Path path = dir.resolve(name);
        assertEquals(uid, Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS), name);
        assertEquals(gid, Files.getAttribute(path, "unix:gid", LinkOption.NOFOLLOW_LINKS), name);
    }

    private int mode(String name) throws IOException {
        return (Integer)
                        Files.getAttribute(
                                dir.resolve(name), "unix:mode", LinkOption.NOFOLLOW_LINKS)
                & 07777;
    }

    private void chmod(String name, int mode) throws IOException {
        Files.setAttribute(dir.resolve(name), "unix:mode", mode);
    }

    @Test
    void everyKindOfInodeBelongsToTheCaller() throws IOException {
        chmod("", 0700); // The guest has checked permissions: the host's do not matter.
        q.uid = USER;
        q.gid = GROUP;
        q.tryCreate(Guest.ROOT, "file", Fcntl.O_RDWR, 0600, 0).ok();
        q.mkdir(Guest.ROOT, "dir", 0700).ok();
        q.symlink(Guest.ROOT, "link", "target").ok();
        q.mknod(Guest.ROOT, "fifo", StatMode.S_IFIFO | 0600, 0).ok();
        q.mknod(Guest.ROOT, "socket", StatMode.S_IFSOCK | 0600, 0).ok();
        q.mknod(Guest.ROOT, "device", StatMode.S_IFCHR | 0600, 5 << 8 | 1).ok();
        q.mknod(Guest.ROOT, "regular", StatMode.S_IFREG | 0600, 0).ok();
        for (String name :
                new String[] {"file", "dir", "link", "fifo", "socket", "device", "regular"}) {
            assertOwner(USER, GROUP, name);
        }
        q.uid = 0;
        q.gid = 0;
        q.mkdir(Guest.ROOT, "roots", 0700).ok();
        assertOwner(0, 0, "roots");
    }

    @Test
    void callersTakeTurnsOnOneThread() throws IOException {
        for (int i = 0; i < 20; i++) {
            q.uid = i % 3 * 1000;
            q.gid = i % 2 * 2000;
            q.mkdir(Guest.ROOT, "d" + i, 0700).ok();
            assertOwner(q.uid, q.gid, "d" + i);
            q.getattr(Guest.ROOT);
        }
    }

    @Test
    void deviceNumbersKeepAll32Bits() throws IOException {
        int rdev = 0xfed << 8 | 0xab | 0xcde << 20;
        long node = q.mknod(Guest.ROOT, "big", StatMode.S_IFBLK | 0600, rdev).ok().u64(0);
        assertEquals(rdev, q.getattr(node).rdev());
        assertEquals(
                StatMode.device(0xfed, 0xcdeab),
                Files.getAttribute(dir.resolve("big"), "unix:rdev"));
    }

    @Test
    void anIdThatTheHostDoesNotHaveIsRefused() {
        q.uid = -1;
        q.gid = 5;
        assertEquals(Errno.EINVAL, q.mkdir(Guest.ROOT, "d", 0700).error());
        assertFalse(Files.exists(dir.resolve("d")));
    }

    @Test
    void modesArriveUnmaskedWhereTheGuestHasMasked() throws IOException {
        q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0666, 022).ok();
        assertEquals(0666, mode("f"));
        q.mkdir(Guest.ROOT, "d", 0777).ok();
        assertEquals(0777, mode("d"));
    }

    @Test
    void theUmaskIsTheDaemonsToApplyWithPosixAcls() throws IOException {
        try (Guest masked =
                new Guest(
                        dir,
                        PassthroughOptions.builder()
                                .xattr(true)
                                .posixAcl(PassthroughOptions.Negotiated.ALWAYS)
                                .build())) {
            assertTrue(masked.server.session().isEnabled(InitFlags.FUSE_DONT_MASK));
            masked.queue.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0666, 027).ok();
            assertEquals(0640, mode("f"));
            masked.queue.tryCreate(Guest.ROOT, "g", Fcntl.O_RDWR, 0666, 0).ok();
            assertEquals(0666, mode("g"));
            masked.queue
                    .call(Opcode.MKDIR, Guest.ROOT, new Body().u32(0777).u32(077).name("d"))
                    .ok();
            assertEquals(0700, mode("d"));
            masked.queue.symlink(Guest.ROOT, "s", "t").ok();
            assertEquals(0777, mode("s"));
        }
    }

    @Test
    void aSetGroupIdDirectoryPassesItsGroupOn() throws IOException {
        Files.createDirectory(dir.resolve("shared"));
        Files.setAttribute(dir.resolve("shared"), "unix:gid", 777);
        chmod("shared", 02777);
        long shared = q.lookup(Guest.ROOT, "shared").nodeId();
        q.uid = USER;
        q.gid = GROUP;
        q.tryCreate(shared, "f", Fcntl.O_RDWR, 0660, 0).ok();
        assertOwner(USER, 777, "shared/f");
        q.mkdir(shared, "d", 0770).ok();
        assertOwner(USER, 777, "shared/d");
        assertEquals(02770, mode("shared/d"));
    }

    @Test
    void setGroupIdIsClearedForACallerOutsideTheGroup() throws IOException {
        // CVE-2018-13405: a file of a group that its maker is not in must not be set-group-ID.
        Files.createDirectory(dir.resolve("shared"));
        Files.setAttribute(dir.resolve("shared"), "unix:gid", 777);
        chmod("shared", 02777);
        long shared = q.lookup(Guest.ROOT, "shared").nodeId();
        q.uid = USER;
        q.gid = GROUP;
        q.tryCreate(shared, "f", Fcntl.O_RDWR, 02775, 0).ok();
        assertOwner(USER, 777, "shared/f");
        assertEquals(0775, mode("shared/f"));
        q.mknod(shared, "n", StatMode.S_IFREG | 02775, 0).ok();
        assertEquals(0775, mode("shared/n"));
        // Who is in the group, as first or as supplementary group, keeps it.
        q.gid = 777;
        q.tryCreate(shared, "g", Fcntl.O_RDWR, 02775, 0).ok();
        assertEquals(02775, mode("shared/g"));
        q.gid = GROUP;
        q.supplementaryGroup = 777;
        q.tryCreate(shared, "h", Fcntl.O_RDWR, 02775, 0).ok();
        assertEquals(02775, mode("shared/h"));
        // And nothing of that is left on the thread.
        q.supplementaryGroup = -1;
        q.tryCreate(shared, "i", Fcntl.O_RDWR, 02775, 0).ok();
        assertEquals(0775, mode("shared/i"));
    }

    @Test
    void setIdBitsGoWithAWriteOrTruncationOnlyWhenTheGuestAsks() throws IOException {
        for (int kill = 0; kill <= 1; kill++) {
            String name = "f" + kill;
            Reply created = q.tryCreate(Guest.ROOT, name, Fcntl.O_RDWR, 06755, 0).ok();
            long node = created.u64(0);
            q.write(node, created.u64(128), 0, new byte[10], kill << 2, 0).ok();
            assertEquals(kill == 1 ? 0755 : 06755, mode(name));
            chmod(name, 06755);
            int truncate = 1 << 3 | kill << 11;
            q.setattr(node, truncate, 5, 0, 0, 0).ok();
            assertEquals(kill == 1 ? 0755 : 06755, mode(name));
            chmod(name, 06755);
            q.call(Opcode.OPEN, node, new Body().u32(Fcntl.O_RDWR | Fcntl.O_TRUNC).u32(kill)).ok();
            assertEquals(kill == 1 ? 0755 : 06755, mode(name));
        }
    }

    @Test
    void fileCapabilitiesGoWithAWrite() throws Exception {
        // CVE-2021-20263.
        Reply created = q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0755, 0).ok();
        long node = created.u64(0);
        byte[] capability = {1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        for (int how = 0; how < 3; how++) {
            q.setxattr(node, "security.capability", capability, 0).ok();
            q.getxattr(node, "security.capability", 100).ok();
            switch (how) {
                case 0 -> q.write(node, created.u64(128), 0, new byte[10], 0, 0).ok();
                case 1 -> q.setattr(node, 1 << 3, 3, 0, 0, 0).ok();
                default -> q.setattr(node, 1 << 1, 0, 0, 1000, 0).ok();
            }
            assertEquals(
                    Errno.ENODATA, q.getxattr(node, "security.capability", 100).error(), "" + how);
        }
    }

    @Test
    void withoutCapabilitiesGuestRootIsTheDaemonAndOthersAreRefused() throws IOException {
        chmod("", 0777);
        Guest.Queue plain =
                guest.newQueue(() -> {
                    Syscalls sys = Syscalls.host();
                    assertEquals(0, sys.setgroups(0, 0));
                    assertEquals(0, sys.setresgid(GROUP, GROUP, GROUP));
                    assertEquals(0, sys.setresuid(USER, USER, USER));
                });
        plain.mkdir(Guest.ROOT, "roots", 0700).ok();
        assertOwner(USER, GROUP, "roots");
        plain.uid = USER;
        plain.gid = GROUP;
        plain.mkdir(Guest.ROOT, "own", 0700).ok();
        assertOwner(USER, GROUP, "own");
        plain.uid = USER + 1;
        assertEquals(Errno.EPERM, plain.mkdir(Guest.ROOT, "others", 0700).error());
        assertFalse(Files.exists(dir.resolve("others")));
    }

    @Test
    void filesWithoutANameBelongToTheCallerAndCanGetOne() throws IOException {
        q.uid = USER;
        q.gid = GROUP;
        Reply made =
                q.call(
                                Opcode.TMPFILE,
                                Guest.ROOT,
                                new Body()
                                        .u32(Fcntl.O_RDWR)
                                        .u32(StatMode.S_IFREG | 0640)
                                        .u32(0)
                                        .u32(0)
                                        .name("x"))
                        .ok();
        long node = made.u64(0);
        q.write(node, made.u64(128), 0, new byte[] {1, 2, 3}, 0, 0).ok();
        assertEquals(0, q.getattr(node).links());
        assertEquals(USER, q.getattr(node).uid());
        q.link(node, Guest.ROOT, "named").ok();
        assertOwner(USER, GROUP, "named");
        assertEquals(3, Files.size(dir.resolve("named")));
        assertEquals(0640, mode("named"));
    }

    @Test
    void aSecurityContextIsPartOfTheCreation() throws IOException {
        PassthroughOptions options =
                PassthroughOptions.builder()
                        .xattr(true)
                        .securityLabel(PassthroughOptions.Negotiated.ALWAYS)
                        .build();
        try (Guest labelling = new Guest(dir, options)) {
            Guest.Queue l = labelling.queue;
            assertTrue(labelling.server.session().isEnabled(InitFlags.FUSE_SECURITY_CTX));
            l.securityName = "security.test";
            l.securityValue = "a label";
            long[] nodes = {
                l.tryCreate(Guest.ROOT, "file", Fcntl.O_RDWR, 0600, 0).ok().u64(0),
                l.mkdir(Guest.ROOT, "dir", 0700).ok().u64(0),
                l.mknod(Guest.ROOT, "fifo", StatMode.S_IFIFO | 0600, 0).ok().u64(0),
                l.symlink(Guest.ROOT, "link", "target").ok().u64(0)
            };
            l.securityName = "";
            for (long node : nodes) {
                Reply value = l.getxattr(node, "security.test", 100).ok();
                assertEquals("a label", new String(value.bytes(), UTF_8));
            }
            // What cannot be labelled is not made.
            l.securityName = "nonsense.test";
            assertEquals(
                    Errno.EOPNOTSUPP,
                    l.tryCreate(Guest.ROOT, "none", Fcntl.O_RDWR, 0600, 0).error());
            assertEquals(Errno.EOPNOTSUPP, l.mkdir(Guest.ROOT, "none", 0700).error());
            assertFalse(Files.exists(dir.resolve("none")));
            assertEquals(1 + nodes.length, labelling.fileSystem.inodeCount());
        }
    }

    @Test
    void creationLeavesNoDescriptorBehind() throws IOException {
        long before = ServedDirectory.openDescriptors();
        for (int i = 0; i < 50; i++) {
            Reply created = q.tryCreate(Guest.ROOT, "f" + i, Fcntl.O_RDWR, 0600, 0).ok();
            q.release(created.u64(0), created.u64(128)).ok();
            q.forget(created.u64(0), 1);
            q.unlink(Guest.ROOT, "f" + i).ok();
            q.forget(q.mkdir(Guest.ROOT, "d" + i, 0700).ok().u64(0), 1);
        }
        assertEquals(before, ServedDirectory.openDescriptors());
        assertEquals(1, guest.fileSystem.inodeCount());
        assertEquals(0, guest.fileSystem.handleCount());
    }

    @Test
    void chownChmodAndTimes() throws IOException {
        long node = q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0600, 0).ok().u64(0);
        Attr owned = new Attr(q.setattr(node, 1 << 1 | 1 << 2, 0, 0, USER, GROUP).ok(), 16);
        assertEquals(USER, owned.uid());
        assertEquals(GROUP, owned.gid());
        q.setattr(node, 1 << 1, 0, 0, 5, 6).ok();
        assertOwner(5, GROUP, "f");
        assertEquals(04711, new Attr(q.setattr(node, 1, 0, 04711, 0, 0).ok(), 16).mode() & 07777);
        Reply timed =
                q.call(
                                Opcode.SETATTR,
                                node,
                                new Body()
                                        .u32(1 << 4 | 1 << 5)
                                        .u32(0)
                                        .zeros(24)
                                        .u64(1)
                                        .u64(4_300_000_000L)
                                        .u64(0)
                                        .u32(2)
                                        .u32(123_456_789)
                                        .u32(0)
                                        .zeros(20))
                        .ok();
        assertEquals(4_300_000_000L, new Attr(timed, 16).mtime(), "beyond 2106");
        assertEquals(123_456_789, new Attr(timed, 16).mtimeNanos());
        // A symbolic link's own owner and times.
        long link = q.symlink(Guest.ROOT, "s", "f").ok().u64(0);
        q.setattr(link, 1 << 1, 0, 0, 99, 0).ok();
        assertOwner(99, 0, "s");
        assertOwner(5, GROUP, "f");
    }
}
