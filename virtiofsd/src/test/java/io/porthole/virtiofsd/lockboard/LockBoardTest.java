package io.porthole.virtiofsd.lockboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.ForwardingSyscalls;
import io.porthole.linux.Syscalls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Records of several daemons: each has opened the file for itself, so to the kernel they are as
 * several processes.
 */
final class LockBoardTest {
    private static final int WRITE = Fcntl.F_WRLCK;
    private static final int READ = Fcntl.F_RDLCK;
    private static final long A = 0xa;
    private static final long B = 0xb;

    @TempDir Path folder = Path.of("unset");
    private Path file = folder;
    private final List<LockBoard> boards = new ArrayList<>();
    private final List<BoardPlace> daemons = new ArrayList<>();

    @BeforeEach
    void threeDaemons() throws IOException {
        file = folder.resolve("board");
        for (int i = 0; i < 3; i++) {
            boards.add(open());
            daemons.add(boards.getLast().place());
        }
    }

    private LockBoard open() throws IOException {
        return LockBoard.open(Syscalls.host(), file.toString());
    }

    @AfterEach
    void end() {
        daemons.forEach(BoardPlace::close);
        boards.forEach(LockBoard::close);
    }

    private static FileRange at(long inode, int type) {
        return new FileRange(7, inode, 10, 19, type);
    }

    private int publish(int daemon, long owner, FileRange wait, FileRange... held) {
        return daemons.get(daemon).publish(owner, wait, List.of(held));
    }

    private static void assertWaits(int record) {
        assertTrue(record >= 0, "no record but " + record);
    }

    @Test
    void twoDaemonsThatWaitForEachOtherAreADeadlockOfTheSecond() {
        assertWaits(publish(0, A, at(2, WRITE), at(1, WRITE)));
        assertEquals(BoardPlace.DEADLOCK, publish(1, A, at(1, WRITE), at(2, WRITE)));
        // It is not on the board, so the first is in no deadlock.
        daemons.get(0).withdraw(0);
        assertWaits(publish(0, A, at(2, WRITE), at(1, WRITE)));
    }

    @Test
    void aCycleOfThreeIsFoundByWhoClosesIt() {
        assertWaits(publish(0, A, at(2, WRITE), at(1, WRITE)));
        assertWaits(publish(1, A, at(3, WRITE), at(2, WRITE)));
        assertEquals(BoardPlace.DEADLOCK, publish(2, A, at(1, WRITE), at(3, WRITE)));
    }

    @Test
    void aCycleThroughTwoSharesOfOneProcessIsFound() throws IOException {
        try (LockBoard own = LockBoard.ofProcess(Syscalls.host());
                BoardPlace one = own.place();
                BoardPlace two = own.place()) {
            assertWaits(one.publish(A, at(2, WRITE), List.of(at(1, WRITE))));
            assertEquals(BoardPlace.DEADLOCK, two.publish(A, at(1, WRITE), List.of(at(2, WRITE))));
        }
    }

    @Test
    void aChainIsNoCycle() {
        assertWaits(publish(0, A, at(2, WRITE), at(1, WRITE)));
        assertWaits(publish(1, A, at(3, WRITE), at(2, WRITE)));
        assertWaits(publish(2, A, at(4, WRITE), at(3, WRITE)));
        // One more that waits for the chain's head, and one that the chain's tail waits for.
        assertWaits(publish(0, B, at(1, WRITE), at(9, WRITE)));
        assertWaits(publish(1, B, at(5, WRITE), at(4, WRITE)));
    }

    @Test
    void aCycleThatIsNotThroughTheAskingOneIsNotItsDeadlock() {
        // As if two had been told EDEADLK and not taken their records away.
        assertWaits(publish(0, A, at(2, WRITE), at(1, READ)));
        assertWaits(publish(1, A, at(1, READ), at(2, WRITE)));
        assertWaits(publish(0, B, at(1, WRITE), at(8, WRITE)));
        assertWaits(publish(2, A, at(2, WRITE), at(3, WRITE)));
    }

    @Test
    void readLocksDoNotExcludeEachOther() {
        assertWaits(publish(0, A, at(2, READ), at(1, READ)));
        assertWaits(publish(1, A, at(1, READ), at(2, READ)));
        assertEquals(BoardPlace.DEADLOCK, publish(2, A, at(1, WRITE), at(2, WRITE)));
    }

    @Test
    void twoReadersThatBothWantToWriteAreADeadlock() {
        assertWaits(publish(0, A, at(1, WRITE), at(1, READ)));
        assertEquals(BoardPlace.DEADLOCK, publish(1, A, at(1, WRITE), at(1, READ)));
    }

    @Test
    void otherRangesFilesAndDevicesAreNotInTheWay() {
        assertWaits(publish(0, A, at(2, WRITE), at(1, WRITE)));
        assertWaits(publish(1, A, new FileRange(7, 1, 20, 30, WRITE), at(2, WRITE)));
        daemons.get(1).withdraw(0);
        assertWaits(publish(1, A, new FileRange(8, 1, 10, 19, WRITE), at(2, WRITE)));
        daemons.get(1).withdraw(0);
        FileRange last = new FileRange(7, 1, 19, Long.MAX_VALUE, WRITE);
        assertEquals(BoardPlace.DEADLOCK, publish(1, A, last, at(2, WRITE)));
    }

    @Test
    void threadsOfOneOwnerAreOneOwnerOfTheirPlaceOnly() {
        // One thread waits with what another has locked; the cycle is that of the process.
        assertWaits(publish(0, A, at(5, WRITE), at(1, WRITE)));
        assertWaits(publish(0, A, at(2, WRITE), at(1, WRITE)));
        assertEquals(BoardPlace.DEADLOCK, publish(1, A, at(1, WRITE), at(2, WRITE)));
        // The same number in another share is another process.
        assertWaits(publish(2, A, at(1, WRITE), at(3, WRITE)));
    }

    @Test
    void whatIsWithdrawnCountsNoMore() {
        int record = publish(0, A, at(2, WRITE), at(1, WRITE));
        daemons.get(0).withdraw(record);
        daemons.get(0).withdraw(record);
        assertWaits(publish(1, A, at(1, WRITE), at(2, WRITE)));
    }

    @Test
    void recordsOfADaemonThatDiedAreIgnoredAndItsPlaceIsUsedAgain() throws IOException {
        assertWaits(publish(0, A, at(2, WRITE), at(1, WRITE)));
        assertWaits(publish(0, B, at(2, WRITE), at(1, WRITE)));
        assertWaits(publish(1, B, at(9, WRITE), at(8, WRITE)));
        assertEquals(BoardPlace.DEADLOCK, publish(1, A, at(1, WRITE), at(2, WRITE)));
        boards.get(0).close(); // as the kernel does for a process that was killed
        assertTrue(BoardLayout.holds(version(0, 0)), "what it wrote is still there");
        assertWaits(publish(1, A, at(1, WRITE), at(2, WRITE)));
        // The next one gets the dead one's place, and not what the dead one wrote there.
        assertWaits(publish(2, A, at(9, WRITE), at(7, WRITE)));
        assertTrue(BoardLayout.holds(version(0, 0)));
        assertEquals(0, version(0, 1));
        daemons.removeFirst();
    }

    private long version(int place, int record) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            channel.read(bytes, BoardLayout.versionAt(place, record));
            return bytes.getLong(0);
        }
    }

    @Test
    void whereAnotherHasTheBoardTheAnswerIsLaterAtOnce() {
        assertTrue(boards.get(0).enter());
        assertEquals(BoardPlace.LATER, publish(1, A, at(1, WRITE), at(2, WRITE)));
        assertEquals(
                BoardPlace.LATER,
                boards.get(0).place().publish(A, at(1, WRITE), List.of(at(2, WRITE))),
                "of the same process");
        boards.get(0).leave();
        assertWaits(publish(1, A, at(1, WRITE), at(2, WRITE)));
    }

    /** The other's record goes between the two looks that a search takes at it. */
    @Test
    void aCycleThatIsNoMoreWhenItIsLookedAtAgainIsNone() throws IOException {
        int first = publish(0, A, at(2, WRITE), at(1, WRITE));
        AtomicInteger looks = new AtomicInteger();
        Syscalls sys =
                new ForwardingSyscalls(Syscalls.host()) {
                    @Override
                    public long pread(int fd, long bufAddr, long bytes, long offset) {
                        if (offset == BoardLayout.VERSIONS_AT && looks.incrementAndGet() == 2) {
                            daemons.get(0).withdraw(first);
                        }
                        return super.pread(fd, bufAddr, bytes, offset);
                    }
                };
        try (LockBoard board = LockBoard.open(sys, file.toString());
                BoardPlace place = board.place()) {
            assertWaits(place.publish(A, at(1, WRITE), List.of(at(2, WRITE))));
        }
        assertEquals(3, looks.get(), "the second search sees no cycle");
    }

    @Test
    void aRecordThatCannotBeTakenAwayDoesNotCount() throws IOException {
        AtomicBoolean full = new AtomicBoolean();
        Syscalls sys =
                new ForwardingSyscalls(Syscalls.host()) {
                    @Override
                    public long pwrite(int fd, long bufAddr, long bytes, long offset) {
                        return full.get()
                                ? -Errno.ENOSPC
                                : super.pwrite(fd, bufAddr, bytes, offset);
                    }
                };
        try (LockBoard board = LockBoard.open(sys, file.toString());
                BoardPlace place = board.place()) {
            int record = place.publish(A, at(1, WRITE), List.of(at(2, WRITE)));
            assertEquals(BoardPlace.DEADLOCK, publish(0, A, at(2, WRITE), at(1, WRITE)));
            full.set(true);
            place.withdraw(record);
            assertWaits(publish(0, A, at(2, WRITE), at(1, WRITE)));
            assertEquals(BoardPlace.NO_ROOM, place.publish(A, at(1, WRITE), List.of(at(2, WRITE))));
        }
    }

    @Test
    void aWaitCostsSevenSystemCalls() throws IOException {
        AtomicInteger calls = new AtomicInteger();
        Syscalls sys =
                new ForwardingSyscalls(Syscalls.host()) {
                    @Override
                    public long fcntl(int fd, int command, long argument) {
                        calls.incrementAndGet();
                        return super.fcntl(fd, command, argument);
                    }

                    @Override
                    public long pread(int fd, long bufAddr, long bytes, long offset) {
                        calls.incrementAndGet();
                        return super.pread(fd, bufAddr, bytes, offset);
                    }

                    @Override
                    public long pwrite(int fd, long bufAddr, long bytes, long offset) {
                        calls.incrementAndGet();
                        return super.pwrite(fd, bufAddr, bytes, offset);
                    }
                };
        try (LockBoard board = LockBoard.open(sys, file.toString());
                BoardPlace place = board.place()) {
            place.withdraw(place.publish(A, at(1, WRITE), List.of(at(2, WRITE))));
            calls.set(0);
            place.withdraw(place.publish(A, at(1, WRITE), List.of(at(2, WRITE))));
            assertEquals(7, calls.get());
            assertWaits(publish(0, A, at(8, WRITE), at(9, WRITE)));
            calls.set(0);
            place.withdraw(place.publish(A, at(1, WRITE), List.of(at(2, WRITE))));
            assertEquals(9, calls.get(), "with another share that waits");
        }
    }

    @Test
    void roomIsBounded() {
        for (int i = 0; i < BoardLayout.RECORDS; i++) {
            assertWaits(publish(0, 100 + i, at(2, WRITE), at(1000 + i, WRITE)));
        }
        assertEquals(BoardPlace.NO_ROOM, publish(0, A, at(2, WRITE), at(1, WRITE)));
        assertWaits(publish(1, A, at(2, WRITE), at(1, WRITE)));
        // Places: two are taken, the third daemon takes what is left.
        List<BoardPlace> rest = new ArrayList<>();
        for (int i = 2; i < BoardLayout.PLACES; i++) {
            rest.add(boards.get(2).place());
            assertWaits(rest.getLast().publish(A, at(2, WRITE), List.of(at(1, READ))));
        }
        assertEquals(BoardPlace.NO_ROOM, publish(2, A, at(2, WRITE), at(1, WRITE)));
        rest.removeLast().close();
        assertWaits(publish(2, A, at(2, WRITE), at(1, WRITE)));
        rest.forEach(BoardPlace::close);
    }

    @Test
    void ofMoreThanARecordHoldsTheFirstCount() {
        FileRange[] many = new FileRange[BoardPlace.MAX_HELD + 1];
        for (int i = 0; i < many.length; i++) {
            many[i] = at(100 + i, WRITE);
        }
        assertWaits(publish(0, A, at(2, WRITE), many));
        assertWaits(publish(1, A, at(100 + BoardPlace.MAX_HELD, WRITE), at(2, WRITE)));
        assertEquals(
                BoardPlace.DEADLOCK,
                publish(2, A, at(99 + BoardPlace.MAX_HELD, WRITE), at(2, WRITE)));
    }

    @Test
    void aBoardThatIsCutShortEndsNobody() throws IOException {
        assertWaits(publish(0, A, at(2, WRITE), at(1, WRITE)));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(BoardLayout.versionAt(0, 0) + 3);
        }
        assertWaits(publish(1, A, at(1, WRITE), at(2, WRITE)));
        daemons.get(0).withdraw(0);
        daemons.get(1).withdraw(0);
    }

    /**
     * Every record of every place holds, of files whose numbers collide in a hash table, and of one
     * for which all wait.
     */
    @Test
    void aBoardFullOfLiesIsReadInBoundedTime() throws IOException {
        for (int i = 0; i < BoardLayout.PLACES - 1; i++) {
            assertTrue(boards.get(0).enter());
            assertTrue(boards.get(0).claim() >= 0);
            boards.get(0).leave();
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) BoardLayout.FILE_BYTES);
        bytes.order(ByteOrder.LITTLE_ENDIAN).putLong(0, BoardLayout.MAGIC);
        long number = 100;
        for (int p = 0; p < BoardLayout.PLACES; p++) {
            for (int r = 0; r < BoardLayout.RECORDS; r++) {
                bytes.putLong((int) BoardLayout.versionAt(p, r), 1);
                int at = (int) BoardLayout.recordAt(p, r);
                bytes.putLong(at, 1).putLong(at + 8, r).putInt(at + 16, BoardLayout.HELD);
                for (int h = 0; h <= BoardLayout.HELD; h++) {
                    int range = at + 24 + h * BoardLayout.RANGE_BYTES;
                    boolean wanted = h % 8 == 0;
                    long device = wanted ? 7 : number++;
                    // 31 * device + inode is 0 in 32 bits.
                    bytes.putLong(range, device);
                    bytes.putLong(range + 8, wanted ? 1 : (-31 * device) & 0xffff_ffffL);
                    bytes.putLong(range + 24, Long.MAX_VALUE).putInt(range + 32, WRITE);
                }
            }
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(bytes, 0);
        }
        assertTimeoutPreemptively(
                Duration.ofSeconds(5),
                () -> assertWaits(publish(1, A, at(1, WRITE), at(2, WRITE))));
    }

    @Test
    void theFileIsTheDaemonsAlone() throws IOException {
        assertEquals(
                "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertEquals(BoardLayout.FILE_BYTES, Files.size(file));
    }

    private void assertRefused(String why) throws IOException {
        byte[] before = Files.isRegularFile(file) ? Files.readAllBytes(file) : new byte[0];
        String message = assertThrows(IOException.class, this::open).getMessage();
        assertTrue(message.contains(file + " ") && message.contains(why), message);
        if (before.length > 0) {
            assertEquals(-1, Arrays.mismatch(before, Files.readAllBytes(file)));
        }
    }

    @Test
    void whatIsNoBoardIsRefusedAndLeftAlone() throws IOException {
        file = folder.resolve("link");
        Files.createSymbolicLink(file, folder.resolve("board"));
        assertRefused("symbolic link");
        file = Files.createDirectory(folder.resolve("directory"));
        assertThrows(IOException.class, this::open);
        file = folder.resolve("fifo");
        assertEquals(0, makeFifo(file));
        assertRefused("no regular file");
        file = Files.writeString(folder.resolve("text"), "precious");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        assertRefused("is 8 bytes long");
        file = Files.write(folder.resolve("big"), new byte[(int) BoardLayout.FILE_BYTES + 1]);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        assertRefused("bytes long");
        byte[] other = new byte[(int) BoardLayout.FILE_BYTES];
        other[0] = 'P';
        file = Files.write(folder.resolve("other"), other);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        assertRefused("does not begin as a lock board does");
        file = folder.resolve("board");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        assertRefused("mode 640");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        if (Syscalls.host().geteuid() == 0) {
            Files.setAttribute(file, "unix:uid", 4711);
            assertRefused("another user");
        }
    }

    private static int makeFifo(Path path) throws IOException {
        try {
            return new ProcessBuilder("mkfifo", "-m", "600", path.toString()).start().waitFor();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}
