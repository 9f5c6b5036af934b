package io.porthole.virtiofsd.lockboard;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Where things are in a board's file. All numbers are little-endian and aligned to their size:
 *
 * <pre>
 * struct board {
 *     u64 magic;                            // rest of the first page: 0
 *     u64 versions[PLACES][RECORDS];        // at 4096; odd: the record holds, even: it does not
 *     struct record records[PLACES][RECORDS];
 * };
 * struct record {                           // 1024 bytes
 *     u64 version;                          // as in the table
 *     u64 owner;                            // lock owner, unique within the place
 *     u32 held_count;
 *     u32 unused;
 *     struct range wait;
 *     struct range held[HELD];
 * };
 * struct range {                            // 40 bytes
 *     u64 device, inode, start, end;
 *     u32 type;
 *     u32 unused;
 * };
 * </pre>
 *
 * <p>Locks on bytes of the file (F_OFD_SETLK): byte 0 is held by whoever writes a record and
 * searches, byte 1 + N by the share that has place N, as long as it lives.
 */
final class BoardLayout {
    /** "PHLKBRD1". */
    static final long MAGIC = 0x3144_5242_4b4c_4850L;

    static final int PLACES = 128;
    static final int RECORDS = 64;
    static final int HELD = 24;

    static final long VERSIONS_AT = 4096;
    static final int PLACE_VERSIONS_BYTES = RECORDS * Long.BYTES;
    static final int VERSIONS_BYTES = PLACES * PLACE_VERSIONS_BYTES;
    static final int RANGE_BYTES = 40;
    static final int RECORD_BYTES = 24 + RANGE_BYTES + HELD * RANGE_BYTES;
    static final int PLACE_BYTES = RECORDS * RECORD_BYTES;
    static final long RECORDS_AT = VERSIONS_AT + VERSIONS_BYTES;
    static final long FILE_BYTES = RECORDS_AT + (long) PLACES * PLACE_BYTES;

    static final long BOARD_LOCK_BYTE = 0;

    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT;
    private static final int OWNER = 8;
    private static final int HELD_COUNT = 16;
    private static final int WAIT = 24;
    private static final int FIRST_HELD = WAIT + RANGE_BYTES;

    private BoardLayout() {}

    static long placeLockByte(int place) {
        return 1L + place;
    }

    /** Offset of a version in the file. */
    static long versionAt(int place, int record) {
        return VERSIONS_AT + versionOffset(place, record);
    }

    /** Offset of a version in a copy of the table. */
    static long versionOffset(int place, int record) {
        return (long) place * PLACE_VERSIONS_BYTES + (long) record * Long.BYTES;
    }

    /** Offset of a record in the file. */
    static long recordAt(int place, int record) {
        return placeAt(place) + recordOffset(record);
    }

    /** Offset of a place's records in the file. */
    static long placeAt(int place) {
        return RECORDS_AT + (long) place * PLACE_BYTES;
    }

    /** Offset of a record in a copy of its place. */
    static long recordOffset(int record) {
        return (long) record * RECORD_BYTES;
    }

    static boolean holds(long version) {
        return (version & 1) != 0;
    }

    static long version(MemorySegment record) {
        return record.get(U64, 0);
    }

    static void version(MemorySegment record, long value) {
        record.set(U64, 0, value);
    }

    static long owner(MemorySegment record) {
        return record.get(U64, OWNER);
    }

    static void owner(MemorySegment record, long value) {
        record.set(U64, OWNER, value);
    }

    /** As it is in the file, which may be anything. */
    static int heldCount(MemorySegment record) {
        return record.get(U32, HELD_COUNT);
    }

    static void heldCount(MemorySegment record, int value) {
        record.set(U32, HELD_COUNT, value);
    }

    static FileRange waitedFor(MemorySegment record) {
        return range(record, WAIT);
    }

    static void waitedFor(MemorySegment record, FileRange value) {
        range(record, WAIT, value);
    }

    /** {@code index}: below {@link #HELD}. */
    static FileRange held(MemorySegment record, int index) {
        return range(record, FIRST_HELD + index * RANGE_BYTES);
    }

    static void held(MemorySegment record, int index, FileRange value) {
        range(record, FIRST_HELD + index * RANGE_BYTES, value);
    }

    private static FileRange range(MemorySegment record, int at) {
        return new FileRange(
                record.get(U64, at),
                record.get(U64, at + 8),
                record.get(U64, at + 16),
                record.get(U64, at + 24),
                record.get(U32, at + 32));
    }

    private static void range(MemorySegment record, int at, FileRange value) {
        record.set(U64, at, value.device());
        record.set(U64, at + 8, value.inode());
        record.set(U64, at + 16, value.start());
        record.set(U64, at + 24, value.end());
        record.set(U32, at + 32, value.type());
    }
}
