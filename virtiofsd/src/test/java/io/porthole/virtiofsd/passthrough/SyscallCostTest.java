package io.porthole.virtiofsd.passthrough;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Syscalls;
import io.porthole.linux.testing.FaultySyscalls;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How many system calls each operation makes: the promise of docs/adr/0013. */
final class SyscallCostTest {
    private final FaultySyscalls kernel = new FaultySyscalls(Syscalls.host());
    private ServedDirectory directory;
    private Path dir;
    private Guest guest;
    private Guest.Queue q;

    @BeforeEach
    void share() throws IOException {
        directory = ServedDirectory.inMemory();
        dir = directory.path;
        guest =
                new Guest(
                        dir,
                        PassthroughOptions.builder().xattr(true).build(),
                        kernel.syscalls(),
                        Guest.ALL_FLAGS);
        q = guest.queue;
        q.tryLookup(Guest.ROOT, "warm");
        kernel.resetCounts();
    }

    @AfterEach
    void end() throws IOException {
        guest.close();
        directory.close();
    }

    private void assertCost(int expected, String what) {
        assertEquals(expected, kernel.calls(), what);
        kernel.resetCounts();
    }

    @Test
    void lookups() throws IOException {
        Files.createFile(dir.resolve("f"));
        long node = q.lookup(Guest.ROOT, "f").nodeId();
        assertCost(2, "a new name");
        q.lookup(Guest.ROOT, "f");
        assertCost(1, "a known name");
        q.tryLookup(Guest.ROOT, "missing");
        assertCost(1, "a missing name");
        q.forget(node, 1);
        assertCost(0, "FORGET that leaves a count");
        q.forget(node, 1);
        assertCost(1, "the last FORGET");
        q.lookup(Guest.ROOT, "f");
        assertCost(2, "a name that was forgotten");
    }

    @Test
    void aWrongGuessCostsTwoCallsMoreAndAnswersTheSame() throws IOException {
        Files.createFile(dir.resolve("f"));
        long node = q.lookup(Guest.ROOT, "f").nodeId();
        Files.createLink(dir.resolve("g"), dir.resolve("f"));
        kernel.resetCounts();
        assertEquals(node, q.lookup(Guest.ROOT, "g").nodeId());
        assertCost(3, "a new name of a known inode");
        assertEquals(node, q.lookup(Guest.ROOT, "g").nodeId());
        assertCost(1, "that name again");
    }

    @Test
    void attributesAndData() throws IOException {
        Files.createFile(dir.resolve("f"));
        long node = q.lookup(Guest.ROOT, "f").nodeId();
        kernel.resetCounts();
        q.getattr(node);
        assertCost(1, "GETATTR");
        long fh = q.open(node, Fcntl.O_RDWR);
        assertCost(3, "OPEN, with a look whether the guest's cache is right, and the handle");
        q.release(node, fh).ok();
        kernel.resetCounts();
        fh = q.open(node, Fcntl.O_RDWR);
        assertCost(2, "OPEN again");
        q.write(node, fh, 0, new byte[100], 0, 0).ok();
        assertCost(1, "WRITE");
        q.read(node, fh, 0, 100);
        assertCost(1, "READ");
        q.call(Opcode.FLUSH, node, new Body().u64(fh).zeros(16)).ok();
        assertCost(0, "FLUSH of a local file");
        q.call(Opcode.FSYNC, node, new Body().u64(fh).zeros(8)).ok();
        assertCost(1, "FSYNC");
        q.release(node, fh).ok();
        assertCost(1, "RELEASE");
        q.setattr(node, 1, 0, 0600, 0, 0).ok();
        assertCost(2, "chmod");
        q.call(Opcode.STATFS, node, new Body()).ok();
        assertCost(1, "STATFS");
        assertEquals(Errno.ENODATA, q.getxattr(node, "user.none", 100).error());
        assertCost(1, "GETXATTR");
    }

    @Test
    void creationAndRemoval() {
        q.mkdir(Guest.ROOT, "d", 0700).ok();
        assertCost(3, "MKDIR");
        Reply created = q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0600, 0).ok();
        assertCost(3, "CREATE");
        q.symlink(Guest.ROOT, "s", "t").ok();
        assertCost(3, "SYMLINK");
        q.link(created.u64(0), Guest.ROOT, "g").ok();
        assertCost(2, "LINK");
        q.rename(Guest.ROOT, "g", Guest.ROOT, "h", 0).ok();
        assertCost(1, "RENAME");
        q.unlink(Guest.ROOT, "h").ok();
        assertCost(1, "UNLINK");
        q.rmdir(Guest.ROOT, "d").ok();
        assertCost(1, "RMDIR");
        q.uid = 1000;
        q.gid = 1000;
        q.mkdir(Guest.ROOT, "e", 0700).ok();
        assertCost(3 + 2, "MKDIR for another caller");
        q.mkdir(Guest.ROOT, "f1", 0700).ok();
        q.lookup(Guest.ROOT, "f1");
        Reply mine = q.tryCreate(Guest.ROOT, "f2", Fcntl.O_RDWR, 0600, 0).ok();
        assertCost(3 + 1 + 3, "and more for the same");
        q.write(mine.u64(0), mine.u64(128), 0, new byte[10], 0, 0).ok();
        assertCost(1 + 2, "WRITE, as the daemon itself again");
    }

    @Test
    void directories() throws IOException {
        int count = 100;
        for (int i = 0; i < count; i++) {
            Files.createFile(dir.resolve("f" + i));
        }
        long fh = q.opendir(Guest.ROOT);
        assertCost(1, "OPENDIR");
        q.readWhole(Guest.ROOT, fh, 1024, false);
        assertCost(2, "READDIR, and the end once");
        q.releasedir(Guest.ROOT, fh).ok();
        fh = q.opendir(Guest.ROOT);
        kernel.resetCounts();
        q.readWhole(Guest.ROOT, fh, 4096, true);
        assertCost(2 + 2 * count, "READDIRPLUS of new names");
        q.releasedir(Guest.ROOT, fh).ok();
        fh = q.opendir(Guest.ROOT);
        kernel.resetCounts();
        q.readWhole(Guest.ROOT, fh, 4096, true);
        assertCost(2 + count, "READDIRPLUS of known names");
    }

    @Test
    void aFaultOfTheKernelLeavesNothingBehind() throws IOException {
        Files.createFile(dir.resolve("f"));
        long before = ServedDirectory.openDescriptors();
        // A new name is opened, then looked at.
        kernel.fail("openat", Errno.EMFILE);
        assertEquals(Errno.EMFILE, q.tryLookup(Guest.ROOT, "f").error());
        kernel.fail("statx", Errno.EIO);
        assertEquals(Errno.EIO, q.tryLookup(Guest.ROOT, "f").error());
        kernel.pass("openat", 1).fail("openat", Errno.EMFILE);
        assertEquals(Errno.EMFILE, q.tryCreate(Guest.ROOT, "g", Fcntl.O_RDWR, 0600, 0).error());
        kernel.fail("statx", Errno.ENOMEM);
        assertEquals(Errno.ENOMEM, q.tryCreate(Guest.ROOT, "h", Fcntl.O_RDWR, 0600, 0).error());
        // Another made the file meanwhile, and opening it fails.
        kernel.fail("openByHandleAt", Errno.ENFILE);
        kernel.pass("openat", 2).fail("openat", Errno.ENFILE);
        assertEquals(Errno.ENFILE, q.tryCreate(Guest.ROOT, "f", Fcntl.O_RDWR, 0600, 0).error());
        kernel.pass("openat", 1);
        kernel.fail("getdents64", Errno.EIO);
        long fh = q.opendir(Guest.ROOT);
        assertEquals(
                Errno.EIO,
                q.call(Opcode.READDIR, Guest.ROOT, Guest.Queue.readBody(fh, 0, 4096)).error());
        q.releasedir(Guest.ROOT, fh).ok();
        assertEquals(true, kernel.allMet());
        assertEquals(before, ServedDirectory.openDescriptors());
        assertEquals(1, guest.fileSystem.inodeCount());
        assertEquals(0, guest.fileSystem.handleCount());
    }

    @Test
    void identityThatCannotBeTakenOnMakesNothing() {
        q.uid = 1000;
        q.gid = 1000;
        kernel.fail("setresuid", Errno.EAGAIN);
        assertEquals(Errno.EAGAIN, q.mkdir(Guest.ROOT, "d", 0700).error());
        assertEquals(false, Files.exists(dir.resolve("d")));
        q.uid = 0;
        q.gid = 0;
        kernel.resetCounts();
        q.mkdir(Guest.ROOT, "d", 0700).ok();
        assertCost(3, "the thread is the daemon itself again");
    }
}
