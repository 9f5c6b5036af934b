package io.porthole.fuse;

import java.lang.foreign.MemorySegment;

/**
 * One FUSE request on its way through a transport: where its bytes come from and where its reply
 * goes. A transport owns one exchange per request thread and reuses it; the dispatcher borrows it
 * for the time of one {@link FuseServer} call.
 *
 * <p>The request's header, fixed arguments and names are copied once into {@link #in()}, scratch
 * memory that the peer cannot change, and decoded there. File contents are never copied: {@link
 * #readPayload} and {@link #writePayload} lay out an iovec over the transport's own buffers (guest
 * pages, or the /dev/fuse buffer) for preadv(2) and pwritev(2).
 *
 * <p>Used by one thread at a time. No method allocates, {@link #defer} excepted.
 */
public interface Exchange {
    /**
     * Bytes that {@link #in()} can hold at least: a 64 KiB xattr value with its name, and then
     * some.
     */
    int IN_SCRATCH_BYTES = 128 * 1024;

    /** Bytes that {@link #out()} can hold: the largest directory reply. */
    int OUT_SCRATCH_BYTES = 256 * 1024;

    /**
     * Scratch copy of the request, native memory, {@link #IN_SCRATCH_BYTES} long or longer. Its
     * header may be elsewhere ({@link #header}), and is left out here then.
     */
    MemorySegment in();

    /**
     * Native address of the request's fuse_in_header, once that was {@linkplain #fetch fetched}:
     * scratch, or the peer's own memory, which it can change. So each field is read once.
     */
    long header();

    /** Number of leading bytes of the request that {@link #in()} holds so far. */
    int fetchedBytes();

    /**
     * Copies more of the request into {@link #in()}, until it holds the first {@code bytes}. What
     * was fetched before is not read again.
     *
     * @return 0, or -EINVAL if the request is shorter, -E2BIG if the scratch is
     */
    long fetch(int bytes);

    /** Length of the request as the transport delivered it; its header may claim another. */
    long requestBytes();

    /** Room for the reply, its fuse_out_header included; 0 where the peer wants none. */
    long replyCapacityBytes();

    /** Scratch for the reply from its fuse_out_header on, {@link #OUT_SCRATCH_BYTES} long. */
    MemorySegment out();

    /**
     * Where the body of the reply is to be written, if it is to have {@code bytes} bytes and these
     * fit: behind the header in {@link #out()}, or in the peer's own memory, of which {@link
     * #reply} knows then. So nothing is read back from there. A reply with an error may follow all
     * the same.
     *
     * @return its native address
     */
    long body(int bytes);

    /**
     * Lays out an iovec over request bytes {@code [offset, offset + bytes)}, for pwritev(2).
     *
     * @return the number of entries at {@link #iovAddr()}, or -EINVAL if the request is shorter
     */
    long writePayload(long offset, long bytes);

    /**
     * Lays out an iovec over reply bytes {@code [offset, offset + bytes)}, for preadv(2).
     *
     * @return the number of entries at {@link #iovAddr()}, or -EINVAL if there is less room
     */
    long readPayload(long offset, long bytes);

    /** Native address of the iovec that the last {@code ...Payload} call laid out. */
    long iovAddr();

    /**
     * Sends the reply and ends the exchange: the first {@code scratchBytes} come from {@link
     * #out()}, but for what was put in place at {@link #body}; the rest up to {@code totalBytes}
     * was put in place through {@link #readPayload}. Linux 7.1 and newer check that {@code
     * totalBytes} equals fuse_out_header.len.
     */
    void reply(int scratchBytes, long totalBytes);

    /** Ends the exchange without a reply (FORGET, and requests too broken to answer). */
    void replyNothing();

    /** Says that this request may take long, so that no reply before it waits for its end. */
    void mayTakeLong();

    /**
     * Detaches the request, to be answered later from any thread; the exchange itself is free for
     * the next request once the handler returns.
     *
     * @param unique the request's id
     */
    Deferred defer(long unique);

    /** A request that waits for its answer (a blocking lock, say). */
    interface Deferred {
        /** The request's unique id. */
        long unique();

        /**
         * Sends header and body; safe from any thread, effective once. After the transport has gone
         * it does nothing.
         *
         * @param error 0 or a positive errno
         * @param body bytes after the header, or an empty segment
         */
        void complete(int error, MemorySegment body);
    }
}
