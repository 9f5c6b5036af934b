package io.porthole.vhostuser;

/** The peer broke the vhost-user protocol, or asked for what cannot be done. */
public final class ProtocolException extends Exception {
    private static final long serialVersionUID = 1L;

    /** What went wrong, and whether the connection can go on. */
    public enum Kind {
        /** The stream ended inside a message. */
        TRUNCATED(true),
        /** Header flags of another protocol version. */
        BAD_VERSION(true),
        /** A reply where a request belongs, or the reply to another request. */
        OUT_OF_ORDER(true),
        /** A payload longer than any message has. */
        TOO_LONG(true),
        /** More descriptors than a message can have. */
        TOO_MANY_FDS(true),
        /** The socket failed. */
        SOCKET_FAILED(true),
        /** A payload of the wrong size for its message. */
        BAD_SIZE(false),
        /** Descriptors missing, or where none belong. */
        BAD_FDS(false),
        /** A message that this end does not know, or that was not negotiated. */
        UNSUPPORTED(false),
        /** Feature bits that were not on offer. */
        BAD_FEATURES(false),
        /** A queue that does not exist, or a value that no queue can have. */
        BAD_QUEUE(false),
        /** A memory region that is impossible, overlaps, cannot be mapped, or is not there. */
        BAD_MEMORY(false),
        /** Configuration space is smaller, or refuses the write. */
        BAD_CONFIG(false),
        /** The peer answered that it failed. */
        REFUSED(false);

        private final boolean endsConnection;

        Kind(boolean endsConnection) {
            this.endsConnection = endsConnection;
        }
    }

    private final Kind kind;

    public ProtocolException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public ProtocolException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }

    /**
     * Whether the two ends no longer agree on where they are, so that the connection must end.
     * Otherwise a negative acknowledgement is enough, if the peer asked for one.
     */
    public boolean endsConnection() {
        return kind.endsConnection;
    }
}
