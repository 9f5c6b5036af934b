package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import io.porthole.sandbox.orchestrator.hypervisor.HypervisorException;
import java.io.Serial;

/** QEMU refused a command, did not answer it, or the connection ended. */
public final class QmpException extends HypervisorException {
    @Serial private static final long serialVersionUID = 1L;

    /** What went wrong, for callers that decide by it. */
    public enum Kind {
        REFUSED,
        TIMED_OUT,
        DISCONNECTED
    }

    private final Kind kind;

    QmpException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
