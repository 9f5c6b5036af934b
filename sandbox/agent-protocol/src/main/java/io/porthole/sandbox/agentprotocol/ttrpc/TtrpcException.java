package io.porthole.sandbox.agentprotocol.ttrpc;

/**
 * A call that failed, with its gRPC status: sent by the peer, or made here ({@link
 * StatusCode#UNAVAILABLE} where the connection is gone, {@link StatusCode#DEADLINE_EXCEEDED} where
 * the time ran out).
 */
public final class TtrpcException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final StatusCode code;
    private final String message;

    public TtrpcException(StatusCode code, String message) {
        super(message);
        this.code = code;
        this.message = message;
    }

    public TtrpcException(StatusCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
        this.message = message;
    }

    public StatusCode code() {
        return code;
    }

    @Override
    public String getMessage() {
        return message;
    }
}
