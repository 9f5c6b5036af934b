package io.porthole.sandbox.agent;

import com.google.protobuf.ByteString;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamResponse;
import io.porthole.sandbox.agentprotocol.ttrpc.Call;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A process' output, as calls of ReadStdout or ReadStderr take it: bytes stay in the pipe until
 * somebody asks for them, and none are lost to a caller who has gone. Safe for use by many threads.
 */
final class StreamReader {
    private static final int DEFAULT_BYTES = 32 << 10;
    private static final int MOST_BYTES = 256 << 10;

    private static final ThreadLocal<MemorySegment> BUFFER =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(MOST_BYTES));

    private record Waiting(Call call, int mostBytes) {}

    private final Poller poller;
    private final int fd;
    private final Deque<Waiting> waiting = new ArrayDeque<>();
    private @Nullable ByteString unread;
    private boolean ended;
    private boolean closed;
    private long lastReadNanos = System.nanoTime();

    /** Owns the descriptor, which must be non-blocking. */
    StreamReader(Poller poller, int fd) {
        this.poller = poller;
        this.fd = fd;
    }

    /** Answers the call when there are bytes, or with none at the end of the stream. */
    synchronized void read(Call call, int lengthBytes) {
        int most = lengthBytes <= 0 ? DEFAULT_BYTES : Math.min(lengthBytes, MOST_BYTES);
        lastReadNanos = System.nanoTime();
        waiting.add(new Waiting(call, most));
        serve();
    }

    private void serve() {
        while (!waiting.isEmpty()) {
            Waiting next = waiting.peek();
            if (next.call.isOver()) {
                waiting.remove();
                continue;
            }
            ByteString data = take(next.mostBytes);
            if (data == null) {
                poller.arm(fd, Libc.POLLIN, this::ready);
                return;
            }
            waiting.remove();
            boolean taken = next.call.reply(ReadStreamResponse.newBuilder().setData(data).build());
            if (!taken && !data.isEmpty()) {
                unread = unread == null ? data : data.concat(unread);
            }
        }
    }

    private synchronized void ready() {
        if (!closed) {
            serve();
        }
    }

    /** Bytes, none at the end, null when there are none yet. */
    private @Nullable ByteString take(int most) {
        ByteString left = unread;
        if (left != null) {
            int step = Math.min(most, left.size());
            unread = step == left.size() ? null : left.substring(step);
            return left.substring(0, step);
        }
        if (ended || closed) {
            return ByteString.EMPTY;
        }
        MemorySegment buffer = BUFFER.get();
        long count = Libc.read(fd, buffer, 0, most);
        if (count == -Libc.EAGAIN) {
            return null;
        }
        if (count <= 0) {
            // 0: no writer is left. EIO: the terminal's other side is closed.
            if (count < 0 && count != -Libc.EIO) {
                Log.error("read of a container's output: " + Libc.describe((int) -count), null);
            }
            ended = true;
            return ByteString.EMPTY;
        }
        return ByteString.copyFrom(buffer.asSlice(0, count).asByteBuffer());
    }

    /**
     * The process has ended, but others of its session may hold the terminal: what is there now is
     * the rest.
     */
    synchronized void endAfterDrain() {
        ByteString rest = unread == null ? ByteString.EMPTY : unread;
        unread = null;
        while (!ended && !closed && rest.size() < MOST_BYTES) {
            ByteString more = take(DEFAULT_BYTES);
            if (more == null) {
                break;
            }
            rest = rest.concat(more);
        }
        unread = rest.isEmpty() ? null : rest;
        ended = true;
        serve();
    }

    /** All has been read, or nobody has asked for longer than this. */
    synchronized boolean isIdle(long forNanos) {
        return closed
                || (ended && unread == null)
                || (waiting.isEmpty() && System.nanoTime() - lastReadNanos > forNanos);
    }

    synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        poller.forget(fd);
        var _ = Libc.close(fd);
        for (Waiting read : waiting) {
            read.call.fail(StatusCode.NOT_FOUND, "the process was removed");
        }
        waiting.clear();
    }
}
