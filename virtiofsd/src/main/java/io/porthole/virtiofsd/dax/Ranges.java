package io.porthole.virtiofsd.dax;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Statx;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.SharedMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is mapped in the window, range by range, and the steps that change it. On the mapper's
 * thread only.
 *
 * <p>A piece of a file can be mapped as far as the file reaches, in whole pages. Two ways lead
 * beyond that. The last, partial page of a file that the guest only reads is mapped as a copy. One
 * that it writes, or makes longer, is mapped in earnest: the file is made longer for the moment of
 * the mapping and cut back at once, after which the mapping reaches to the range's end and needs no
 * further care. Everything is mapped writable from the beginning (QEMU does that anyway), so that a
 * range that the guest reads first and writes later is never unmapped in between.
 */
final class Ranges {
    /** Of QEMU's 512 memory regions; the others are the guest's memory. */
    static final int MAX_PIECES = 448;

    /** Pieces of one range before they are mapped anew as one. */
    private static final int MAX_RANGE_PIECES = 8;

    private final Syscalls sys;
    private final DaxFiles files;
    private final TailPages tails;
    private final @Nullable Range[] ranges;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment stat = arena.allocate(Statx.BYTES, 8);
    private final long empty = arena.allocate(1).address();

    /** Two pages, to compare what is behind a file's end. */
    private final MemorySegment before = arena.allocate(DaxOptions.PAGE_BYTES);

    private final MemorySegment after = arena.allocate(DaxOptions.PAGE_BYTES);

    private int pieces;
    private int used;
    private long mapped;
    private long unmapped;

    Ranges(Syscalls sys, DaxFiles files, TailPages tails, int count) {
        this.sys = sys;
        this.files = files;
        this.tails = tails;
        this.ranges = new @Nullable Range[count];
    }

    /** Ranges in use. */
    int used() {
        return used;
    }

    /** Pieces that the front-end holds, as far as we know. */
    int pieces() {
        return pieces;
    }

    /** Pieces ever mapped. */
    long mapped() {
        return mapped;
    }

    /** Pieces ever unmapped. */
    long unmapped() {
        return unmapped;
    }

    // ---- Requests of the guest ----

    /** SETUPMAPPING, checked. Returns 0 or -errno. */
    long setup(
            SharedMemory memory,
            int index,
            long nodeId,
            long fileOffset,
            long bytes,
            boolean write) {
        Range known = ranges[index];
        if (known != null && known.nodeId == nodeId && known.fileOffset == fileOffset) {
            // From reading to writing; only a copied page has to give way.
            return write && known.tailBytes != 0 ? refresh(memory, known, true) : 0;
        }
        if (known != null) {
            remove(memory, index);
        }
        long opened = files.open(nodeId);
        if (opened < 0) {
            return opened;
        }
        int fd = (int) opened;
        try {
            Range range = new Range(index, nodeId, fileOffset, bytes);
            ranges[index] = range;
            used++;
            long result = cover(memory, range, fd, write);
            if (result < 0) {
                remove(memory, index);
            }
            return result;
        } finally {
            sys.close(fd);
        }
    }

    /** REMOVEMAPPING of a range; 0 also if nothing is mapped there. */
    long remove(SharedMemory memory, int index) {
        Range range = ranges[index];
        if (range == null) {
            return 0;
        }
        long result = dropTail(memory, range);
        long pieceResult = dropPieces(memory, range);
        ranges[index] = null;
        used--;
        return Math.min(result, pieceResult);
    }

    /** Unmaps everything. */
    void removeAll(SharedMemory memory) {
        for (int i = 0; i < ranges.length; i++) {
            remove(memory, i);
        }
    }

    /** The front-end has gone, and what it had mapped with it. */
    void forgetAll() {
        Arrays.fill(ranges, null);
        used = 0;
        pieces = 0;
    }

    /**
     * The file has changed: makes its ranges reach to its end.
     *
     * @param byGuest the guest changed it, and goes on writing
     */
    long refresh(SharedMemory memory, long nodeId, boolean byGuest) {
        long result = 0;
        for (Range range : ranges) {
            if (range != null && range.nodeId == nodeId && !range.isComplete()) {
                result = Math.min(result, refresh(memory, range, byGuest));
            }
        }
        return result;
    }

    private long refresh(SharedMemory memory, Range range, boolean write) {
        long opened = files.open(range.nodeId);
        if (opened < 0) {
            return opened;
        }
        try {
            return cover(memory, range, (int) opened, write);
        } finally {
            sys.close((int) opened);
        }
    }

    // ---- Covering a range ----

    /** Maps what the file has beyond what is covered. */
    private long cover(SharedMemory memory, Range range, int fd, boolean write) {
        long size = size(fd);
        if (size < 0) {
            return size;
        }
        long wanted = Math.clamp(size - range.fileOffset, 0, range.bytes);
        long whole = wanted & -DaxOptions.PAGE_BYTES;
        boolean partial = whole != wanted && whole >= range.covered;
        if (range.tailBytes != 0 || whole > range.covered) {
            long result = dropTail(memory, range);
            if (result < 0) {
                return result;
            }
        }
        // A range that grows by writes is finished at once: it would else gain a piece a page.
        boolean grows = range.covered != 0 && whole > range.covered;
        if (write && (partial || grows)) {
            return coverBeyondEnd(memory, range, fd, size);
        }
        if (whole > range.covered) {
            if (range.pieces.size() >= MAX_RANGE_PIECES) {
                dropPieces(memory, range);
            }
            long result = mapFile(memory, range, fd, whole - range.covered);
            if (result < 0) {
                return result;
            }
        }
        return partial && !range.isComplete() ? mapTail(memory, range, fd) : 0;
    }

    /** Maps all of the range, although the file ends inside of it. */
    private long coverBeyondEnd(SharedMemory memory, Range range, int fd, long size) {
        long end = range.fileOffset + range.bytes;
        long rest = range.bytes - range.covered;
        if (size >= end) {
            return mapFile(memory, range, fd, rest);
        }
        long result = sys.ftruncate(fd, end);
        if (result < 0) {
            return result;
        }
        boolean known = readBehind(fd, size, before);
        result = mapFile(memory, range, fd, rest);
        if (known && isUntouched(fd, size, end)) {
            if (sys.ftruncate(fd, size) < 0) {
                Log.LOG.warn("a file could not be cut back to {} bytes", size);
            }
        } else {
            Log.LOG.warn(
                    "a file was changed on the host while the guest made it longer: it may hold"
                            + " zeros from byte {} on",
                    size);
        }
        return result;
    }

    /**
     * Whether nobody else has written behind {@code size} since the file was made {@code end} bytes
     * long: better zeros than his data lost. What is written between this look and the cut is lost;
     * no system call does both.
     */
    private boolean isUntouched(int fd, long size, long end) {
        long firstPage = pageEnd(size);
        return size(fd) == end
                && readBehind(fd, size, after)
                && before.mismatch(after) < 0
                && (firstPage >= end || sys.lseek(fd, firstPage, Fcntl.SEEK_DATA) == -Errno.ENXIO);
    }

    /** Reads what is between {@code size} and the end of its page, and zeros the rest of a page. */
    private boolean readBehind(int fd, long size, MemorySegment page) {
        long bytes = pageEnd(size) - size;
        page.fill((byte) 0);
        return bytes == 0 || sys.pread(fd, page.address(), bytes, size) == bytes;
    }

    private static long pageEnd(long size) {
        return (size + DaxOptions.PAGE_BYTES - 1) & -DaxOptions.PAGE_BYTES;
    }

    private long mapFile(SharedMemory memory, Range range, int fd, long bytes) {
        long at = range.covered;
        long result = map(memory, range, fd, range.fileOffset + at, at, bytes);
        if (result >= 0) {
            range.pieces.add(new Range.Piece(at, bytes));
            range.covered = at + bytes;
        }
        return result;
    }

    private long mapTail(SharedMemory memory, Range range, int fd) {
        long copied = tails.copy(range.index, fd, range.coveredEnd());
        if (copied <= 0) {
            return copied;
        }
        long from = TailPages.offset(range.index);
        long result = map(memory, range, tails.fd(), from, range.covered, DaxOptions.PAGE_BYTES);
        if (result >= 0) {
            range.tailBytes = copied;
        }
        return result;
    }

    private long map(
            SharedMemory memory, Range range, int fd, long fileOffset, long at, long bytes) {
        if (pieces >= MAX_PIECES) {
            // One more than 512 and QEMU ends with an assertion.
            return -Errno.ENOSPC;
        }
        long to = range.windowOffset() + at;
        long result = memory.map(0, fd, fileOffset, to, bytes, true);
        if (result == -Errno.EIO && at == 0) {
            // Left behind by a daemon before us? A full range is what it would have mapped.
            if (memory.unmap(0, to, DaxOptions.RANGE_BYTES) >= 0) {
                result = memory.map(0, fd, fileOffset, to, bytes, true);
            }
        }
        if (result >= 0) {
            pieces++;
            mapped++;
        }
        return result;
    }

    private long dropTail(SharedMemory memory, Range range) {
        if (range.tailBytes == 0) {
            return 0;
        }
        range.tailBytes = 0;
        return unmap(memory, range, range.covered, DaxOptions.PAGE_BYTES);
    }

    private long dropPieces(SharedMemory memory, Range range) {
        long result = 0;
        for (Range.Piece piece : range.pieces) {
            result = Math.min(result, unmap(memory, range, piece.at(), piece.bytes()));
        }
        range.pieces.clear();
        range.covered = 0;
        return result;
    }

    private long unmap(SharedMemory memory, Range range, long at, long bytes) {
        long result = memory.unmap(0, range.windowOffset() + at, bytes);
        pieces--;
        unmapped++;
        return result;
    }

    private long size(int fd) {
        long result = sys.statx(fd, empty, Fcntl.AT_EMPTY_PATH, Statx.STATX_SIZE, stat.address());
        return result < 0 ? result : Statx.size(stat, 0);
    }

    // ---- For request threads ----

    /** Those ranges whose file may still grow into them. */
    Unfinished unfinished() {
        int n = 0;
        for (Range range : ranges) {
            if (range != null && !range.isComplete()) {
                n++;
            }
        }
        Unfinished list = new Unfinished(n);
        for (Range range : ranges) {
            if (range != null && !range.isComplete()) {
                list.add(range);
            }
        }
        return list;
    }

    /** Immutable once it is published. */
    static final class Unfinished {
        static final Unfinished NONE = new Unfinished(0);

        private final long[] nodeIds;
        private final long[] coveredEnds;
        private final long[] visibleEnds;
        private int count;

        private Unfinished(int capacity) {
            nodeIds = new long[capacity];
            coveredEnds = new long[capacity];
            visibleEnds = new long[capacity];
        }

        boolean isEmpty() {
            return count == 0;
        }

        private void add(Range range) {
            nodeIds[count] = range.nodeId;
            coveredEnds[count] = range.coveredEnd();
            visibleEnds[count] = range.visibleEnd();
            count++;
        }

        /** Whether a file that now has {@code size} bytes shows the guest what is not mapped. */
        boolean isOutgrown(long nodeId, long size) {
            for (int i = 0; i < count; i++) {
                if (nodeIds[i] == nodeId) {
                    boolean copied = visibleEnds[i] != coveredEnds[i];
                    if (size > visibleEnds[i] || (copied && size != visibleEnds[i])) {
                        return true;
                    }
                }
            }
            return false;
        }

        /** Whether a change up to {@code end} concerns a copied page, or what is not mapped. */
        boolean isConcerned(long nodeId, long end) {
            for (int i = 0; i < count; i++) {
                if (nodeIds[i] == nodeId
                        && (end > coveredEnds[i] || visibleEnds[i] != coveredEnds[i])) {
                    return true;
                }
            }
            return false;
        }
    }

    void close() {
        arena.close();
    }

    /** Loads SLF4J at the first message, not at start-up. */
    private static final class Log {
        static final Logger LOG = LoggerFactory.getLogger(Ranges.class);
    }
}
