package io.porthole.sandbox.agent;

import com.google.protobuf.ByteString;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamResponse;
import io.porthole.sandbox.agentprotocol.ttrpc.Call;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A process' input, in the order of the calls. A call is answered when the pipe has taken all its
 * bytes: that is the only buffer. Safe for use by many threads.
 */
final class StreamWriter {
    private static final int CHUNK_BYTES = 64 << 10;
    private static final byte END_OF_TRANSMISSION = 4;

    private static final ThreadLocal<MemorySegment> BUFFER =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CHUNK_BYTES));

    private static final class Waiting {
        private final Call call;
        private final ByteString data;
        private int written;

        Waiting(Call call, ByteString data) {
            this.call = call;
            this.data = data;
        }
    }

    private final Poller poller;
    private final int fd;
    private final boolean terminal;
    private final Deque<Waiting> waiting = new ArrayDeque<>();
    private boolean closeWhenWritten;
    private boolean closed;

    /** Owns the descriptor, which must be non-blocking. */
    StreamWriter(Poller poller, int fd, boolean terminal) {
        this.poller = poller;
        this.fd = fd;
        this.terminal = terminal;
    }

    synchronized void write(Call call, ByteString data) {
        if (closed || closeWhenWritten) {
            call.fail(StatusCode.FAILED_PRECONDITION, "standard input is closed");
            return;
        }
        waiting.add(new Waiting(call, data));
        serve();
    }

    /** Ends the input after what was written before. */
    synchronized void closeInput() {
        if (closed || closeWhenWritten) {
            return;
        }
        if (terminal) {
            // A terminal has no end: its line discipline makes one of this character.
            MemorySegment end = BUFFER.get();
            end.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 0, END_OF_TRANSMISSION);
            var _ = Libc.write(fd, end, 0, 1);
            return;
        }
        closeWhenWritten = true;
        serve();
    }

    private void serve() {
        while (!waiting.isEmpty()) {
            Waiting next = waiting.peek();
            // A caller who has gone has still sent these bytes: they are written all the same.
            while (next.written < next.data.size()) {
                MemorySegment buffer = BUFFER.get();
                int count = Math.min(CHUNK_BYTES, next.data.size() - next.written);
                next.data
                        .substring(next.written, next.written + count)
                        .copyTo(buffer.asByteBuffer());
                long result = Libc.write(fd, buffer, 0, count);
                if (result == -Libc.EAGAIN) {
                    poller.arm(fd, Libc.POLLOUT, this::ready);
                    return;
                }
                if (result < 0) {
                    fail((int) -result);
                    return;
                }
                next.written += (int) result;
            }
            waiting.remove();
            next.call.reply(WriteStreamResponse.newBuilder().setLen(next.written).build());
        }
        if (closeWhenWritten) {
            close();
        }
    }

    private void fail(int errno) {
        String reason =
                errno == Libc.EPIPE || errno == Libc.EIO
                        ? "the process has closed its standard input"
                        : Libc.describe(errno);
        for (Waiting write : waiting) {
            write.call.fail(StatusCode.FAILED_PRECONDITION, reason);
        }
        waiting.clear();
        close();
    }

    private synchronized void ready() {
        if (!closed) {
            serve();
        }
    }

    synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        poller.forget(fd);
        var _ = Libc.close(fd);
        for (Waiting write : waiting) {
            write.call.fail(StatusCode.FAILED_PRECONDITION, "standard input is closed");
        }
        waiting.clear();
    }
}
