package io.porthole.sandbox.agentprotocol.ttrpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Response;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Status;
import org.jspecify.annotations.Nullable;

/** One request that waits for its answer. Safe for use by many threads. */
public final class Call {
    private final TtrpcServer.Connection connection;
    private final int stream;
    private final long timeoutNanos;
    private boolean over;
    private @Nullable Runnable cancelAction;

    Call(TtrpcServer.Connection connection, int stream, long timeoutNanos) {
        this.connection = connection;
        this.stream = stream;
        this.timeoutNanos = timeoutNanos;
    }

    /** What the client gave the call, counted from its arrival; 0 is no limit. */
    public long timeoutNanos() {
        return timeoutNanos;
    }

    /** Succeeds without a result (google.protobuf.Empty). */
    public boolean reply() {
        return finish(Response.getDefaultInstance());
    }

    /**
     * Succeeds.
     *
     * @return false when nobody takes the answer any more: it was cancelled, answered, or its
     *     client has gone. What the answer carried (bytes of a stream) then still belongs to the
     *     caller.
     */
    public boolean reply(MessageLite result) {
        return finish(Response.newBuilder().setPayload(result.toByteString()).build());
    }

    /** Succeeds with a message that is encoded already. */
    public boolean replyEncoded(ByteString result) {
        return finish(Response.newBuilder().setPayload(result).build());
    }

    public boolean fail(StatusCode code, @Nullable String message) {
        Status.Builder status = Status.newBuilder().setCode(code.number());
        if (message != null) {
            status.setMessage(message);
        }
        return finish(Response.newBuilder().setStatus(status).build());
    }

    public boolean fail(Throwable cause) {
        if (cause instanceof TtrpcException known) {
            return fail(known.code(), known.getMessage());
        }
        String message = cause.getMessage();
        return fail(StatusCode.INTERNAL, message != null ? message : cause.getClass().getName());
    }

    /**
     * What to do when the client has gone before the answer (at once, if it already has). It runs
     * on the thread that notices and must not block.
     */
    public void onCancel(Runnable action) {
        synchronized (this) {
            if (!over) {
                cancelAction = action;
                return;
            }
        }
        action.run();
    }

    /** Whether nobody waits for the answer any more. */
    public synchronized boolean isOver() {
        return over;
    }

    /** Ends the call with no answer. */
    void cancel() {
        Runnable action;
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            action = cancelAction;
            cancelAction = null;
        }
        if (action != null) {
            action.run();
        }
    }

    private boolean finish(Response response) {
        synchronized (this) {
            if (over) {
                return false;
            }
            over = true;
            cancelAction = null;
        }
        connection.forget(this);
        return connection.send(stream, response);
    }
}
