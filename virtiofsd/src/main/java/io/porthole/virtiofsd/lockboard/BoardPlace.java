package io.porthole.virtiofsd.lockboard;

import io.porthole.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * What one share has on the board. A record is true as long as it holds: its owner has all that the
 * record says it has. So it is taken away before the owner gives something up, which needs no lock:
 * one write of its version. It is written anew, with another search, by whoever waits.
 *
 * <p>Not for more than one thread at once.
 */
public final class BoardPlace implements AutoCloseable {
    /** How many held ranges a record has room for. */
    public static final int MAX_HELD = BoardLayout.HELD;

    /** {@link #publish}: the wait closes a cycle and is not on the board. */
    public static final int DEADLOCK = -Errno.EDEADLK;

    /** {@link #publish}: another has the board, or it changes too fast; to be tried again. */
    public static final int LATER = -Errno.EAGAIN;

    /** {@link #publish}: there is no room; this wait is seen by no other. */
    public static final int NO_ROOM = -Errno.ENOSPC;

    private static final int NONE = -1;

    private final LockBoard board;
    private final MemorySegment record = Arena.ofAuto().allocate(BoardLayout.RECORD_BYTES, 8);
    private final MemorySegment version = record.asSlice(0, Long.BYTES);
    private final long[] versions = new long[BoardLayout.RECORDS];
    private final BitSet used = new BitSet(BoardLayout.RECORDS);
    private int place = NONE;
    private boolean broken;

    BoardPlace(LockBoard board) {
        this.board = board;
    }

    /**
     * Writes that an owner waits, and looks whether that closes a cycle of waits. Never blocks.
     *
     * @param owner unique within the share
     * @param wait what it waits for
     * @param held what it has; of more than {@link #MAX_HELD} ranges the first
     * @return the record's number, for {@link #withdraw}, or one of the negative constants
     */
    public int publish(long owner, FileRange wait, List<FileRange> held) {
        if (broken) {
            return NO_ROOM;
        }
        if (!board.enter()) {
            return LATER;
        }
        try {
            if (place == NONE) {
                place = board.claim();
            }
            int index = used.nextClearBit(0);
            if (place == NONE || index == BoardLayout.RECORDS) {
                return NO_ROOM;
            }
            if (!write(index, owner, wait, held)) {
                giveUp();
                return NO_ROOM;
            }
            int found =
                    switch (new CycleSearch(board).through(place, index)) {
                        case NONE -> index;
                        case CYCLE -> DEADLOCK;
                        case CHANGING -> LATER;
                    };
            if (found < 0) {
                withdraw(index);
            }
            return found;
        } finally {
            board.leave();
        }
    }

    private boolean write(int index, long owner, FileRange wait, List<FileRange> held) {
        if (versions[index] == 0) {
            // Never that of an earlier life of this record, which a searcher may have seen.
            versions[index] = ThreadLocalRandom.current().nextLong() & ~1L;
        }
        versions[index]++;
        used.set(index);
        int count = Math.min(held.size(), MAX_HELD);
        BoardLayout.version(record, versions[index]);
        BoardLayout.owner(record, owner);
        BoardLayout.heldCount(record, count);
        BoardLayout.waitedFor(record, wait);
        for (int i = 0; i < count; i++) {
            BoardLayout.held(record, i, held.get(i));
        }
        return board.write(record, BoardLayout.recordAt(place, index))
                && board.write(version, BoardLayout.versionAt(place, index));
    }

    /** Takes a record away; it counts no more when this returns. */
    public void withdraw(int index) {
        if (broken || !used.get(index)) {
            return;
        }
        used.clear(index);
        versions[index]++;
        BoardLayout.version(record, versions[index]);
        if (!board.write(version, BoardLayout.versionAt(place, index))) {
            giveUp();
        }
    }

    /**
     * A record that cannot be taken away must not count: this share is seen by no other any more.
     */
    private void giveUp() {
        broken = true;
        close();
    }

    @Override
    public void close() {
        if (place != NONE) {
            board.release(place);
            place = NONE;
            used.clear();
        }
    }
}
