package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Where an open directory is being read: what getdents64 has delivered and the guest has not yet
 * taken. Its own monitor guards it; only a hostile guest reads one handle from two threads.
 */
final class DirectoryStream {
    static final int BUFFER_BYTES = 32 * 1024;

    private final Buffers buffers;

    /** Own buffer, or null: none needed yet, or none to be had. */
    private @Nullable MemorySegment own;

    /** Unread bytes of the buffer. */
    int position;

    int limit;

    /** The cookie that the guest sends if it reads on. */
    long next;

    /** getdents64 has said that nothing follows. */
    boolean atEnd;

    DirectoryStream(Buffers buffers) {
        this.buffers = buffers;
    }

    /** Throws away what was read ahead. */
    void reset(long offset) {
        position = 0;
        limit = 0;
        atEnd = false;
        next = offset;
    }

    /**
     * The buffer to read into.
     *
     * @param shared the thread's own, for when there is no other; what is left in it when the
     *     request ends is lost
     */
    MemorySegment buffer(MemorySegment shared) {
        if (own == null) {
            own = buffers.take();
        }
        return own != null ? own : shared;
    }

    boolean ownsBuffer() {
        return own != null;
    }

    synchronized void close() {
        if (own != null) {
            buffers.giveBack(own);
            own = null;
        }
    }

    /**
     * A bounded pool of buffers: a guest that opens a million directories costs a million
     * descriptors, but no gigabytes.
     */
    static final class Buffers {
        private final Arena arena;
        private final ArrayDeque<MemorySegment> free = new ArrayDeque<>();
        private int left;

        Buffers(Arena arena, int count) {
            this.arena = arena;
            this.left = count;
        }

        private synchronized @Nullable MemorySegment take() {
            MemorySegment buffer = free.poll();
            if (buffer == null && left > 0) {
                left--;
                buffer = Mapping.zeroed(arena, BUFFER_BYTES);
            }
            return buffer;
        }

        private synchronized void giveBack(MemorySegment buffer) {
            free.push(buffer);
        }
    }
}
