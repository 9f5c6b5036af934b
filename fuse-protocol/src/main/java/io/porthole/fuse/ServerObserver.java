package io.porthole.fuse;

import org.jspecify.annotations.Nullable;

/**
 * Looks on while a {@link FuseServer} works: metrics, traces, the debug log. Called on the request
 * thread after the reply has gone out; a slow observer slows the queue. A server without one
 * neither calls nor reads the clock.
 */
public interface ServerObserver {
    /**
     * A request was answered, dropped or deferred. Scratch memory still holds the request and the
     * reply, see {@link RequestDescriber}.
     *
     * @param opcode null if the server does not know the operation, or could not read it
     * @param result {@code -errno}, {@link FileSystem#DEFERRED}, or on success the bytes of file
     *     data that READ, WRITE and COPY_FILE_RANGE moved, and of the reply's body for the rest
     * @param nanos from the begin of dispatch until the reply was handed over
     */
    void served(
            @Nullable Opcode opcode, Request request, Exchange exchange, long result, long nanos);

    /**
     * A deferred request was answered; on the thread that did it.
     *
     * @param result 0 or -errno
     * @param nanos from the begin of its dispatch on
     */
    default void completed(@Nullable Opcode opcode, long unique, long result, long nanos) {}
}
