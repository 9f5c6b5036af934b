package io.porthole.sandbox.orchestrator.sandbox;

import java.io.Serial;
import java.util.List;

/** Something about a sandbox or container failed; the message is one clear line. */
public final class SandboxException extends Exception {
    @Serial private static final long serialVersionUID = 1L;

    /** What kind of failure, as far as a caller acts on it. */
    public enum Kind {
        /** The sandbox or the host. */
        FAILED,
        /** The container's program could not be executed. */
        NOT_EXECUTABLE,
        /** The container's program does not exist. */
        NOT_FOUND
    }

    private final Kind kind;
    private final transient List<String> consoleTail;

    public SandboxException(String message) {
        this(Kind.FAILED, message, List.of());
    }

    public SandboxException(String message, Throwable cause) {
        super(message, cause);
        this.kind = Kind.FAILED;
        this.consoleTail = List.of();
    }

    public SandboxException(Kind kind, String message, List<String> consoleTail) {
        super(message);
        this.kind = kind;
        this.consoleTail = List.copyOf(consoleTail);
    }

    public Kind kind() {
        return kind;
    }

    /** The last lines of the guest's console, where they may explain it. */
    public List<String> consoleTail() {
        return consoleTail;
    }
}
