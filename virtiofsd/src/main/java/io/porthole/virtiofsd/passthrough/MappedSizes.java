package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FuseWriteOut;
import io.porthole.fuse.Request;
import io.porthole.virtiofsd.dax.DaxWindow;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what the guest has mapped of a file in step with the size that replies show: it must reach
 * as far before the guest hears of it, so such a reply waits for the mapper. Without a DAX window
 * there is nothing to do.
 *
 * @param window stays another's
 */
record MappedSizes(@Nullable DaxWindow window) {
    /**
     * Ends an operation that shows the guest an inode's size.
     *
     * @param size of the file as the host says, if {@code result} is no error
     * @param bodyBytes length of the reply's body at {@code (out, at)}
     */
    long shown(
            long size,
            Request r,
            long result,
            long nodeId,
            MemorySegment out,
            long at,
            int bodyBytes) {
        return window == null || result < 0 || !window.isOutgrown(nodeId, size)
                ? result
                : window.refresh(r, nodeId, false, body(out, at, bodyBytes));
    }

    /**
     * Whether an operation that changed a file's contents before {@code end} can be answered now;
     * else {@link #settle} does it.
     */
    boolean isSettled(long result, long nodeId, long end) {
        return window == null || result < 0 || !window.isConcerned(nodeId, end);
    }

    /** Answers with {@code body} once the mapper is done. */
    long settle(Request r, long nodeId, byte[] body) {
        return window == null ? 0 : window.refresh(r, nodeId, true, body);
    }

    /** A copy of a reply's body. */
    static byte[] body(MemorySegment out, long at, int count) {
        return out.asSlice(at, count).toArray(ValueLayout.JAVA_BYTE);
    }

    /** A fuse_write_out, or a fuse_copy_file_range_out of less than 2^32 bytes. */
    static byte[] count(long bytes) {
        byte[] body = new byte[FuseWriteOut.BYTES];
        MemorySegment.ofArray(body).set(ValueLayout.JAVA_LONG_UNALIGNED, 0, bytes);
        return body;
    }
}
