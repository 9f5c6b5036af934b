package io.porthole.virtiofsd.passthrough;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.fuse.FuseOpenOut;
import io.porthole.fuse.InitFlags;
import io.porthole.fuse.Opcode;
import io.porthole.fuse.testing.InMemoryExchange.Late;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Locks of two guests, each with a file system of its own, on one directory. */
final class LocksTest {
    private static final long EOF = Long.MAX_VALUE;
    private static final int A = 0xa;
    private static final int B = 0xb;

    private ServedDirectory directory;
    private Path file;
    private Guest one;
    private Guest two;
    private long oneNode;
    private long twoNode;
    private long oneFile;
    private long twoFile;

    @BeforeEach
    void share() throws IOException {
        directory = ServedDirectory.onDisk();
        file = Files.writeString(directory.path.resolve("file"), "content");
        Files.writeString(directory.path.resolve("other"), "content");
        PassthroughOptions options =
                PassthroughOptions.builder().posixLock(true).flock(true).build();
        one = new Guest(directory.path, options);
        two = new Guest(directory.path, options);
        oneNode = one.queue.lookup(Guest.ROOT, "file").nodeId();
        twoNode = two.queue.lookup(Guest.ROOT, "file").nodeId();
        oneFile = one.queue.open(oneNode, Fcntl.O_RDWR);
        twoFile = two.queue.open(twoNode, Fcntl.O_RDWR);
    }

    @AfterEach
    void end() throws IOException {
        one.close();
        two.close();
        directory.close();
    }

    private static Body body(long fh, long owner, long start, long end, int type, int flags) {
        return new Body()
                .u64(fh)
                .u64(owner)
                .u64(start)
                .u64(end)
                .u32(type)
                .u32(77)
                .u32(flags)
                .u32(0);
    }

    private static int set(
            Guest.Queue q, long node, long fh, long owner, long start, long end, int type) {
        return q.call(Opcode.SETLK, node, body(fh, owner, start, end, type, 0)).error();
    }

    /** Sends SETLKW, which is to wait. */
    private static Late waitFor(
            Guest.Queue q, long node, long fh, long owner, long start, long end, int flags) {
        int before = q.late().size();
        q.call(Opcode.SETLKW, node, body(fh, owner, start, end, Fcntl.F_WRLCK, flags));
        assertEquals(before + 1, q.late().size(), "the request does not wait");
        return q.late().getLast();
    }

    private int one(long owner, long start, long end, int type) {
        return set(one.queue, oneNode, oneFile, owner, start, end, type);
    }

    private int two(long owner, long start, long end, int type) {
        return set(two.queue, twoNode, twoFile, owner, start, end, type);
    }

    private static void await(Late late, int error) throws InterruptedException {
        long end = System.nanoTime() + 20_000_000_000L;
        while (late.error() < 0 && System.nanoTime() < end) {
            Thread.sleep(2);
        }
        assertEquals(error, late.error());
    }

    @Test
    void writeLocksExcludeTheOtherGuest() {
        assertEquals(0, one(A, 0, 9, Fcntl.F_WRLCK));
        assertEquals(Errno.EAGAIN, two(A, 5, 14, Fcntl.F_WRLCK));
        assertEquals(Errno.EAGAIN, two(A, 5, 14, Fcntl.F_RDLCK));
        assertEquals(0, two(A, 10, EOF, Fcntl.F_WRLCK));
        assertEquals(0, one(A, 0, 9, Fcntl.F_UNLCK));
        assertEquals(0, two(A, 0, 9, Fcntl.F_WRLCK));
    }

    @Test
    void ownersOfOneGuestExcludeEachOther() {
        assertEquals(0, one(A, 0, 9, Fcntl.F_WRLCK));
        assertEquals(Errno.EAGAIN, one(B, 0, 0, Fcntl.F_RDLCK));
        assertEquals(0, one(A, 0, 9, Fcntl.F_RDLCK));
        assertEquals(0, one(B, 0, 0, Fcntl.F_RDLCK));
    }

    @Test
    void locksExcludeProcessesOfTheHost() throws IOException {
        assertEquals(0, one(A, 0, 9, Fcntl.F_WRLCK));
        try (FileChannel host = FileChannel.open(file, StandardOpenOption.WRITE)) {
            assertEquals(null, host.tryLock(0, 1, false));
            try (FileLock held = host.tryLock(10, 10, false)) {
                assertTrue(held != null);
                assertEquals(Errno.EAGAIN, one(A, 0, 10, Fcntl.F_WRLCK));
                Reply found = getlk(one.queue, oneNode, oneFile, A, 0, EOF);
                assertEquals(List.of(10L, 19L), List.of(found.u64(0), found.u64(8)));
                assertEquals(Fcntl.F_WRLCK, found.u32(16));
                assertEquals(0, found.u32(20), "a process id of the host");
            }
        }
    }

    private static Reply getlk(
            Guest.Queue q, long node, long fh, long owner, long start, long end) {
        return q.call(Opcode.GETLK, node, body(fh, owner, start, end, Fcntl.F_WRLCK, 0)).ok();
    }

    @Test
    void getlkTellsWhoOfThisGuestIsInTheWay() {
        assertEquals(0, one(A, 3, 5, Fcntl.F_RDLCK));
        Reply found = getlk(one.queue, oneNode, oneFile, B, 0, EOF);
        assertEquals(List.of(3L, 5L), List.of(found.u64(0), found.u64(8)));
        assertEquals(Fcntl.F_RDLCK, found.u32(16));
        assertEquals(77, found.u32(20));
        assertEquals(
                Fcntl.F_UNLCK, getlk(one.queue, oneNode, oneFile, A, 0, EOF).u32(16), "its own");
        assertEquals(Fcntl.F_UNLCK, getlk(one.queue, oneNode, oneFile, B, 6, EOF).u32(16));
    }

    @Test
    void aWaitEndsWhenTheOtherGuestUnlocks() throws InterruptedException {
        assertEquals(0, one(A, 0, 9, Fcntl.F_WRLCK));
        Late waiting = waitFor(two.queue, twoNode, twoFile, A, 0, 0, 0);
        assertEquals(0, two.queue.getattr(twoNode).size() - 7, "the queue serves on");
        assertEquals(-1, waiting.error());
        assertEquals(0, one(A, 0, 9, Fcntl.F_UNLCK));
        await(waiting, 0);
        assertEquals(Errno.EAGAIN, one(A, 0, 0, Fcntl.F_WRLCK));
    }

    @Test
    void flushEndsTheLocksOfItsOwnerOnly() throws InterruptedException {
        assertEquals(0, one(A, 0, 4, Fcntl.F_WRLCK));
        assertEquals(0, one(B, 5, 9, Fcntl.F_WRLCK));
        Late waiting = waitFor(two.queue, twoNode, twoFile, A, 0, 4, 0);
        one.queue.call(Opcode.FLUSH, oneNode, new Body().u64(oneFile).u64(0).u64(A)).ok();
        await(waiting, 0);
        assertEquals(Errno.EAGAIN, two(A, 5, 5, Fcntl.F_WRLCK));
        assertEquals(1, one.fileSystem.lockOwnerCount());
    }

    @Test
    void noFlushIsNotAskedForWithLocks() {
        Reply opened = one.queue.tryOpen(oneNode, Fcntl.O_RDONLY).ok();
        assertEquals(0, opened.u32(8) & FuseOpenOut.FOPEN_NOFLUSH);
    }

    @Test
    void releaseEndsWhatBelongsToTheOpenFile() {
        assertEquals(0, one(A, 0, 4, Fcntl.F_WRLCK));
        one.queue.release(oneNode, oneFile).ok();
        assertEquals(0, two(A, 0, 4, Fcntl.F_WRLCK));
        assertEquals(0, one.fileSystem.lockOwnerCount());
    }

    @Test
    void aCycleOfWaitsIsADeadlock() throws InterruptedException {
        long otherNode = one.queue.lookup(Guest.ROOT, "other").nodeId();
        long otherFile = one.queue.open(otherNode, Fcntl.O_RDWR);
        assertEquals(0, one(A, 0, 0, Fcntl.F_WRLCK));
        assertEquals(0, set(one.queue, otherNode, otherFile, B, 0, 0, Fcntl.F_WRLCK));
        assertEquals(0, one(0xc, 5, 5, Fcntl.F_WRLCK));
        Late b = waitFor(one.queue, oneNode, oneFile, B, 5, 5, 0);
        Late c = waitFor(one.queue, oneNode, oneFile, 0xc, 0, 0, 0);
        // A would wait for B, B waits for C, C waits for A.
        assertEquals(
                Errno.EDEADLK,
                one.queue
                        .call(
                                Opcode.SETLKW,
                                otherNode,
                                body(otherFile, A, 0, EOF, Fcntl.F_WRLCK, 0))
                        .error());
        assertEquals(0, one(A, 0, 0, Fcntl.F_UNLCK));
        await(c, 0);
        assertEquals(-1, b.error());
    }

    @Test
    void flockExcludesAndWaits() throws InterruptedException {
        int flock = 1;
        Body exclusive = body(oneFile, A, 0, EOF, Fcntl.F_WRLCK, flock);
        one.queue.call(Opcode.SETLK, oneNode, exclusive).ok();
        Body shared = body(twoFile, A, 0, EOF, Fcntl.F_RDLCK, flock);
        assertEquals(Errno.EAGAIN, two.queue.call(Opcode.SETLK, twoNode, shared).error());
        assertEquals(0, two(A, 0, EOF, Fcntl.F_WRLCK), "fcntl locks are another thing");
        Late waiting = waitFor(two.queue, twoNode, twoFile, A, 0, EOF, flock);
        one.queue.call(Opcode.RELEASE, oneNode, new Body().u64(oneFile).u32(0).u32(2).u64(A)).ok();
        await(waiting, 0);
        long again = one.queue.open(oneNode, Fcntl.O_RDWR);
        Body tried = body(again, A, 0, EOF, Fcntl.F_RDLCK, flock);
        assertEquals(Errno.EAGAIN, one.queue.call(Opcode.SETLK, oneNode, tried).error());
    }

    @Test
    void theEndOfASessionEndsLocksAndWaits() throws InterruptedException {
        assertEquals(0, one(A, 0, 9, Fcntl.F_WRLCK));
        Late own = waitFor(one.queue, oneNode, oneFile, B, 0, 9, 0);
        Late waiting = waitFor(two.queue, twoNode, twoFile, A, 0, 9, 0);
        one.server.endSession();
        await(own, Errno.EIO);
        await(waiting, 0);
        assertEquals(0, one.fileSystem.lockOwnerCount());
        assertEquals(0, one.fileSystem.waitingLockCount());
    }

    @Test
    void anInterruptedWaitGetsNoLock() throws InterruptedException {
        assertEquals(0, one(A, 0, 9, Fcntl.F_WRLCK));
        Late waiting = waitFor(two.queue, twoNode, twoFile, A, 0, 9, 0);
        two.queue.call(Opcode.INTERRUPT, 0, new Body().u64(waiting.unique()));
        await(waiting, Errno.EINTR);
        assertEquals(0, one(A, 0, 9, Fcntl.F_UNLCK));
        assertEquals(0, one(B, 0, 9, Fcntl.F_WRLCK));
        assertEquals(0, two.fileSystem.lockOwnerCount());
    }

    @Test
    void aGuestCannotTakeMoreThanItsShareOfWaits() {
        long before = ServedDirectory.openDescriptors();
        assertEquals(0, one(A, 0, 9, Fcntl.F_WRLCK));
        for (int i = 0; i < Locks.MAX_WAITING; i++) {
            waitFor(one.queue, oneNode, oneFile, 100 + i, 0, 9, 0);
        }
        Body oneMore = body(oneFile, 99, 0, 9, Fcntl.F_WRLCK, 0);
        assertEquals(Errno.ENOLCK, one.queue.call(Opcode.SETLKW, oneNode, oneMore).error());
        one.server.endSession();
        assertTrue(ServedDirectory.openDescriptors() <= before, "descriptors stay behind");
    }

    @Test
    void aGuestCannotTakeMoreThanItsShareOfOwnersAndRanges() {
        for (int i = 0; i < LockOwners.MAX_OWNERS; i++) {
            assertEquals(0, one(100 + i, i, i, Fcntl.F_WRLCK));
        }
        assertEquals(Errno.ENOLCK, one(99, 1 << 20, 1 << 20, Fcntl.F_WRLCK));
        assertEquals(0, one(100, 0, 0, Fcntl.F_UNLCK));
        assertEquals(0, one(99, 1 << 20, 1 << 20, Fcntl.F_WRLCK));
    }

    @Test
    void nonsenseIsRefused() {
        assertEquals(Errno.EINVAL, one(A, 9, 0, Fcntl.F_WRLCK));
        assertEquals(Errno.EINVAL, one(A, -1, 0, Fcntl.F_WRLCK));
        assertEquals(Errno.EINVAL, one(A, 0, 0, 3));
        assertEquals(Errno.EBADF, set(one.queue, oneNode, oneFile + 1, A, 0, 0, Fcntl.F_WRLCK));
        long root = one.queue.opendir(Guest.ROOT);
        assertEquals(Errno.EBADF, set(one.queue, Guest.ROOT, root, A, 0, 0, Fcntl.F_WRLCK));
        assertEquals(0, one.fileSystem.lockOwnerCount());
    }

    @Test
    void withoutTheOptionTheGuestKeepsItsLocks() throws IOException {
        try (Guest plain = new Guest(directory.path)) {
            long node = plain.queue.lookup(Guest.ROOT, "file").nodeId();
            long fh = plain.queue.open(node, Fcntl.O_RDWR);
            long locks = InitFlags.FUSE_POSIX_LOCKS | InitFlags.FUSE_FLOCK_LOCKS;
            assertEquals(0, plain.server.session().enabled() & locks);
            assertEquals(Errno.ENOSYS, set(plain.queue, node, fh, A, 0, 0, Fcntl.F_WRLCK));
        }
    }
}
