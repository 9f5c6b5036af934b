package io.porthole.virtiofsd.lockboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.Fcntl;
import io.porthole.linux.Syscalls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Whatever another process writes on the board, and whatever waits there are. */
final class LockBoardProperties {
    private static final long OWN = 0x1234;
    private static final FileRange OTHER_FILE = new FileRange(1, 1, 0, 9, Fcntl.F_WRLCK);

    private static LockBoard open(Path file) throws IOException {
        return LockBoard.open(Syscalls.host(), file.toString());
    }

    /** Noise with enough sense in it that it is not thrown away at the first look. */
    private static void scribble(Path file, Random random, int places) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            for (int p = 0; p < places; p++) {
                for (int r = 0; r < BoardLayout.RECORDS; r++) {
                    byte[] noise = new byte[BoardLayout.RECORD_BYTES];
                    random.nextBytes(noise);
                    ByteBuffer record = ByteBuffer.wrap(noise).order(ByteOrder.LITTLE_ENDIAN);
                    ByteBuffer version = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
                    if (random.nextInt(4) > 0) {
                        record.putInt(16, random.nextInt(30) - 2);
                    }
                    for (int at = 24; at < noise.length; at += BoardLayout.RANGE_BYTES) {
                        if (random.nextInt(4) > 0) {
                            record.putLong(at, 1).putLong(at + 8, random.nextInt(4));
                            record.putLong(at + 16, random.nextInt(50) - 5);
                            record.putLong(at + 24, random.nextInt(50));
                            record.putInt(at + 32, random.nextInt(4) - 1);
                        }
                    }
                    version.putLong(0, random.nextInt(8) > 0 ? record.getLong(0) | 1 : 2);
                    record.putLong(0, record.getLong(0) | 1);
                    channel.write(record, BoardLayout.recordAt(p, r));
                    channel.write(version, BoardLayout.versionAt(p, r));
                }
            }
        }
    }

    @Property(tries = 150)
    void noiseEndsNothingAndOutlivesNobody(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        Path file = Files.createTempFile(Path.of("/dev/shm"), "porthole-board", "");
        List<FileRange> held = List.of(new FileRange(1, 2, 5, 9, Fcntl.F_WRLCK));
        try (LockBoard honest = open(file)) {
            try (LockBoard liar = open(file);
                    BoardPlace first = liar.place();
                    BoardPlace place = honest.place()) {
                assertTrue(first.publish(OWN, OTHER_FILE, held) >= 0);
                assertTrue(place.publish(OWN, new FileRange(2, 2, 0, 0, Fcntl.F_RDLCK), held) >= 0);
                scribble(file, random, random.nextInt(2, 5));
                if (random.nextInt(4) == 0) {
                    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                        channel.truncate(random.nextLong(BoardLayout.RECORDS_AT * 2));
                    }
                }
                for (int i = 0; i < 10; i++) {
                    int told = place.publish(OWN + i, OTHER_FILE, held);
                    assertTrue(told >= 0 || told == BoardPlace.DEADLOCK, "told " + told);
                }
            }
            // With the liar gone, what it wrote counts no more, wherever it did.
            try (BoardPlace fresh = honest.place()) {
                assertTrue(fresh.publish(OWN, OTHER_FILE, held) >= 0);
            }
        } finally {
            Files.delete(file);
        }
    }

    /**
     * Honest waits at random, of two daemons, against a search written the plain way: EDEADLK comes
     * for exactly those that close a cycle.
     */
    @Property(tries = 300)
    void aDeadlockIsToldWhereThereIsOne(
            @ForAll long seed, @ForAll @IntRange(min = 2, max = 9) int owners) throws IOException {
        Random random = new Random(seed);
        Path file = Files.createTempFile(Path.of("/dev/shm"), "porthole-board", "");
        try (LockBoard one = open(file);
                LockBoard two = open(file);
                BoardPlace left = one.place();
                BoardPlace right = two.place()) {
            // Owner N holds file N; each waits for one or more others, in an order of chance.
            Set<List<Integer>> waits = new HashSet<>();
            for (int i = 0; i < 2 * owners; i++) {
                int from = random.nextInt(owners);
                int to = random.nextInt(owners);
                if (from == to || !waits.add(List.of(from, to))) {
                    continue;
                }
                boolean cycle = reaches(waits, to, from, new HashSet<>());
                int told =
                        (from % 2 == 0 ? left : right)
                                .publish(
                                        from / 2,
                                        new FileRange(1, to, 3, 3, Fcntl.F_RDLCK),
                                        List.of(new FileRange(1, from, 0, 9, Fcntl.F_WRLCK)));
                assertEquals(cycle, told == BoardPlace.DEADLOCK, "told " + told + " in " + waits);
                if (cycle) {
                    waits.remove(List.of(from, to));
                }
            }
        } finally {
            Files.delete(file);
        }
    }

    private static boolean reaches(Set<List<Integer>> waits, int from, int to, Set<Integer> seen) {
        if (from == to) {
            return true;
        }
        return seen.add(from)
                && waits.stream()
                        .anyMatch(
                                w -> w.getFirst() == from && reaches(waits, w.getLast(), to, seen));
    }
}
