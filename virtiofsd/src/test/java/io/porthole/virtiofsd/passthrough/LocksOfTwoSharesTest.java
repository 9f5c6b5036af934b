package io.porthole.virtiofsd.passthrough;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.fuse.Opcode;
import io.porthole.fuse.testing.InMemoryExchange.Late;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.FlockRange;
import io.porthole.linux.ForwardingSyscalls;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.lockboard.LockBoard;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Deadlocks through the guests of several shares of one directory, with one lock board. */
final class LocksOfTwoSharesTest {
    private static final long A = 0xa;
    private static final long B = 0xb;
    private static final int WAITS = -1;

    /** Long enough for a search, several times over. */
    private static final long QUIET_MILLIS = 300;

    /** A guest with its file open. */
    private static final class Party implements AutoCloseable {
        final Guest guest;
        final @Nullable LockBoard board;
        final long node;
        final long fh;

        Party(Path directory, @Nullable LockBoard board, boolean owned) throws IOException {
            this(directory, board, owned, Syscalls.host());
        }

        Party(Path directory, @Nullable LockBoard board, boolean owned, Syscalls sys)
                throws IOException {
            PassthroughOptions options = PassthroughOptions.builder().posixLock(true).build();
            this.board = owned ? board : null;
            guest = new Guest(directory, options, sys, board);
            node = guest.queue.lookup(Guest.ROOT, "file").nodeId();
            fh = guest.queue.open(node, Fcntl.O_RDWR);
        }

        private Body body(long owner, long start, long end, int type) {
            return new Body().u64(fh).u64(owner).u64(start).u64(end).u32(type).u32(77).u64(0);
        }

        void lock(long owner, long at) {
            set(owner, at, Fcntl.F_WRLCK);
        }

        void set(long owner, long at, int type) {
            guest.queue.call(Opcode.SETLK, node, body(owner, at, at, type)).ok();
        }

        Late waitFor(long owner, long at) {
            return waitFor(owner, at, at);
        }

        Late waitFor(long owner, long start, long end) {
            int before = guest.queue.late().size();
            guest.queue.call(Opcode.SETLKW, node, body(owner, start, end, Fcntl.F_WRLCK));
            assertEquals(before + 1, guest.queue.late().size(), "the request does not wait");
            return guest.queue.late().getLast();
        }

        @Override
        public void close() {
            guest.close();
            if (board != null) {
                board.close();
            }
        }
    }

    @TempDir Path folder = Path.of("unset");
    private ServedDirectory directory;
    private final List<Party> parties = new ArrayList<>();

    @BeforeEach
    void share() throws IOException {
        directory = ServedDirectory.onDisk();
        Files.writeString(directory.path.resolve("file"), "content");
    }

    @AfterEach
    void end() throws IOException {
        parties.forEach(Party::close);
        directory.close();
    }

    private LockBoard board() throws IOException {
        return LockBoard.open(Syscalls.host(), folder.resolve("board").toString());
    }

    /** With a board that it opened for itself, as a process of its own has. */
    private Party process() throws IOException {
        parties.add(new Party(directory.path, board(), true));
        return parties.getLast();
    }

    private static int result(Late late) throws InterruptedException {
        long end = System.nanoTime() + 20_000_000_000L;
        while (late.error() == WAITS && System.nanoTime() < end) {
            Thread.sleep(2);
        }
        return late.error();
    }

    private static void assertWaits(Late... waits) throws InterruptedException {
        Thread.sleep(QUIET_MILLIS);
        for (Late late : waits) {
            assertEquals(WAITS, late.error());
        }
    }

    @Test
    void aCycleThroughTwoProcessesEndsOneWaitAndTheOtherGetsItsLock()
            throws IOException, InterruptedException {
        assertOneOfTwoIsTold(process(), process());
    }

    @Test
    void aCycleThroughTwoSharesOfOneProcessDoes() throws IOException, InterruptedException {
        try (LockBoard board = LockBoard.ofProcess(Syscalls.host())) {
            parties.add(new Party(directory.path, board, false));
            parties.add(new Party(directory.path, board, false));
            assertOneOfTwoIsTold(parties.getFirst(), parties.getLast());
            parties.forEach(Party::close);
            parties.clear();
        }
    }

    private static void assertOneOfTwoIsTold(Party one, Party two) throws InterruptedException {
        one.lock(A, 0);
        two.lock(A, 1);
        Late first = one.waitFor(A, 1);
        assertWaits(first);
        Late second = two.waitFor(A, 0);
        assertEquals(Errno.EDEADLK, result(second));
        assertWaits(first);
        two.set(A, 1, Fcntl.F_UNLCK);
        assertEquals(0, result(first));
    }

    /** Both begin to wait at once, over and over. */
    @Test
    void whoeverIsFirstExactlyOneIsTold() throws IOException, InterruptedException {
        Party one = process();
        Party two = process();
        for (int i = 0; i < 100; i++) {
            one.lock(A, 0);
            two.lock(A, 1);
            Late first = one.waitFor(A, 1);
            Late second = two.waitFor(A, 0);
            long end = System.nanoTime() + 20_000_000_000L;
            while (first.error() == WAITS && second.error() == WAITS && System.nanoTime() < end) {
                Thread.onSpinWait();
            }
            boolean firstIsTold = first.error() != WAITS;
            assertEquals(Errno.EDEADLK, firstIsTold ? first.error() : second.error());
            (firstIsTold ? one : two).set(A, firstIsTold ? 0 : 1, Fcntl.F_UNLCK);
            assertEquals(0, result(firstIsTold ? second : first), "round " + i);
            one.set(A, 0, Fcntl.F_UNLCK);
            one.set(A, 1, Fcntl.F_UNLCK);
            two.set(A, 0, Fcntl.F_UNLCK);
            two.set(A, 1, Fcntl.F_UNLCK);
        }
    }

    @Test
    void aCycleOfThreeProcessesIsToldToTheOneThatClosesIt()
            throws IOException, InterruptedException {
        Party one = process();
        Party two = process();
        Party three = process();
        one.lock(A, 0);
        two.lock(A, 1);
        three.lock(A, 2);
        Late first = one.waitFor(A, 1);
        Late second = two.waitFor(A, 2);
        assertWaits(first, second);
        assertEquals(Errno.EDEADLK, result(three.waitFor(A, 0)));
        assertWaits(first, second);
    }

    @Test
    void aCycleOverOwnersOfOneGuestAndOfAnotherIsFound() throws IOException, InterruptedException {
        Party one = process();
        Party two = process();
        one.lock(A, 0);
        one.lock(B, 1);
        two.lock(A, 2);
        // A waits for B, who waits for the other guest, which waits for A.
        Late a = one.waitFor(A, 1);
        Late b = one.waitFor(B, 2);
        assertWaits(a, b);
        assertEquals(Errno.EDEADLK, result(two.waitFor(A, 0)));
    }

    @Test
    void withoutABoardBothWait() throws IOException, InterruptedException {
        Party one = new Party(directory.path, null, false);
        parties.add(one);
        Party two = process();
        one.lock(A, 0);
        two.lock(A, 1);
        assertWaits(one.waitFor(A, 1), two.waitFor(A, 0));
    }

    @Test
    void chainsAreNoDeadlock() throws IOException, InterruptedException {
        Party one = process();
        Party two = process();
        Party three = process();
        one.lock(A, 0);
        two.lock(A, 1);
        three.lock(A, 2);
        // Two wait for the first, who waits for nobody; an owner that has nothing waits, too.
        Late b = two.waitFor(A, 0);
        Late c = three.waitFor(A, 1);
        Late d = one.waitFor(B, 2);
        assertWaits(b, c, d);
        one.set(A, 0, Fcntl.F_UNLCK);
        assertEquals(0, result(b));
        assertWaits(c, d);
    }

    @Test
    void sharedReadLocksAreNoDeadlockUntilBothWantToWrite()
            throws IOException, InterruptedException {
        Party one = process();
        Party two = process();
        one.set(A, 0, Fcntl.F_RDLCK);
        two.set(A, 0, Fcntl.F_RDLCK);
        Late first = one.waitFor(A, 0);
        assertWaits(first);
        assertEquals(Errno.EDEADLK, result(two.waitFor(A, 0)));
        two.set(A, 0, Fcntl.F_UNLCK);
        assertEquals(0, result(first));
    }

    /** Another thread of the process that waits gives up what the others would wait for. */
    @Test
    void whatIsUnlockedMeanwhileIsInNoCycle() throws IOException, InterruptedException {
        Party one = process();
        Party two = process();
        Party three = process();
        one.lock(A, 0);
        one.lock(A, 5);
        two.lock(A, 1);
        Late first = one.waitFor(A, 1);
        assertWaits(first);
        one.set(A, 0, Fcntl.F_UNLCK);
        three.lock(A, 0);
        // Waits for the third, no more for the first, which still waits for it.
        Late second = two.waitFor(A, 0);
        assertWaits(first, second);
        assertEquals(Errno.EDEADLK, result(two.waitFor(A, 5)), "that one is still held");
    }

    /** The cycle is closed by what another thread of a waiting process locks, not by a wait. */
    @Test
    void whatIsLockedMeanwhileClosesACycle() throws IOException, InterruptedException {
        Party one = process();
        Party two = process();
        Party three = process();
        two.lock(A, 1);
        three.lock(A, 9);
        Late first = one.waitFor(A, 1); // has nothing
        Late second = two.waitFor(A, 5, 9); // waits for the third
        assertWaits(first, second);
        one.lock(A, 5);
        assertEquals(Errno.EDEADLK, result(first));
        assertWaits(second);
        one.set(A, 5, Fcntl.F_UNLCK);
        three.set(A, 9, Fcntl.F_UNLCK);
        assertEquals(0, result(second));
    }

    @Test
    void aGuestThatIsGoneIsInNoCycle() throws IOException, InterruptedException {
        Party one = process();
        Party two = process();
        one.lock(A, 0);
        two.lock(A, 1);
        Late first = one.waitFor(A, 1);
        assertWaits(first);
        one.guest.server.endSession();
        assertEquals(Errno.EIO, result(first));
        Party host = process();
        host.lock(B, 0);
        assertWaits(two.waitFor(A, 0));
    }

    @Test
    void anInterruptedWaitIsInNoCycle() throws IOException, InterruptedException {
        Party one = process();
        Party two = process();
        one.lock(A, 0);
        two.lock(A, 1);
        Late first = one.waitFor(A, 1);
        assertWaits(first);
        one.guest.queue.call(Opcode.INTERRUPT, 0, new Body().u64(first.unique()));
        assertEquals(Errno.EINTR, result(first));
        assertWaits(two.waitFor(A, 0));
    }

    /** Or a search between the two would see a lock that another may have by then. */
    @ParameterizedTest
    @ValueSource(ints = {Fcntl.F_UNLCK, Fcntl.F_RDLCK})
    void aRecordIsTakenAwayBeforeWhatItSaysIsGivenUp(int less)
            throws IOException, InterruptedException {
        List<Boolean> held = new ArrayList<>();
        Syscalls sys =
                new ForwardingSyscalls(Syscalls.host()) {
                    @Override
                    public long fcntl(int fd, int command, long argument) {
                        if (command == Fcntl.F_OFD_SETLK && type(argument) == less) {
                            held.add(firstRecordHolds());
                        }
                        return super.fcntl(fd, command, argument);
                    }
                };
        Party one = new Party(directory.path, board(), true, sys);
        parties.add(one);
        Party two = process();
        two.lock(A, 1);
        one.lock(A, 0);
        Late first = one.waitFor(A, 1);
        assertWaits(first);
        assertTrue(firstRecordHolds());
        one.set(A, 0, less);
        assertEquals(List.of(false), held);
        assertWaits(first);
        assertEquals(less == Fcntl.F_RDLCK, firstRecordHolds(), "it holds a read lock");
    }

    @SuppressWarnings("restricted") // SAFETY: the caller of fcntl has a struct flock there
    private static int type(long flock) {
        return FlockRange.type(MemorySegment.ofAddress(flock).reinterpret(FlockRange.BYTES), 0);
    }

    /** The board's table of versions begins at 4096; an odd one is of a record that holds. */
    private boolean firstRecordHolds() {
        try (FileChannel channel = FileChannel.open(folder.resolve("board"))) {
            ByteBuffer version = ByteBuffer.allocate(8);
            channel.read(version, 4096);
            return (version.get(0) & 1) != 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void nothingIsWrittenWhereNobodyWaitsAndHolds() throws IOException, InterruptedException {
        Party one = process();
        Party two = process();
        byte[] before = Files.readAllBytes(folder.resolve("board"));
        one.lock(A, 0);
        one.set(A, 0, Fcntl.F_UNLCK);
        one.lock(A, 1);
        assertWaits(two.waitFor(A, 1));
        assertEquals(-1, Arrays.mismatch(before, Files.readAllBytes(folder.resolve("board"))));
        two.lock(A, 2);
        assertWaits();
        assertTrue(
                Arrays.mismatch(before, Files.readAllBytes(folder.resolve("board"))) >= 0,
                "it holds something now");
    }
}
