package io.porthole.virtiofsd.dax;

import java.util.ArrayList;
import java.util.List;

/** One range of the window that is in use. The mapper's thread alone uses it. */
final class Range {
    /** What the front-end was asked for in one request, relative to the range. */
    record Piece(long at, long bytes) {}

    final int index;
    final long nodeId;
    final long fileOffset;

    /** What the guest asked for. */
    final long bytes;

    /** Of the file itself, in order, without gaps. */
    final List<Piece> pieces = new ArrayList<>();

    /** Bytes from the beginning on that are mapped to the file: a whole number of pages. */
    long covered;

    /** Bytes of the file in the copy of its last page behind {@link #covered}; 0 for no copy. */
    long tailBytes;

    Range(int index, long nodeId, long fileOffset, long bytes) {
        this.index = index;
        this.nodeId = nodeId;
        this.fileOffset = fileOffset;
        this.bytes = bytes;
    }

    long windowOffset() {
        return (long) index << DaxOptions.RANGE_SHIFT;
    }

    /** Whether no change of the file's size can matter any more. */
    boolean isComplete() {
        return covered == bytes;
    }

    /** End of what is mapped to the file, in the file. */
    long coveredEnd() {
        return fileOffset + covered;
    }

    /** End of what the guest can read, in the file. */
    long visibleEnd() {
        return coveredEnd() + tailBytes;
    }
}
