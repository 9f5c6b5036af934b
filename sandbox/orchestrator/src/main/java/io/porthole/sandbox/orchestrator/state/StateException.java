package io.porthole.sandbox.orchestrator.state;

import java.io.IOException;
import java.io.Serial;

/** A name is unknown, taken or not usable; the message is one clear line. */
public final class StateException extends IOException {
    @Serial private static final long serialVersionUID = 1L;

    public StateException(String message) {
        super(message);
    }
}
