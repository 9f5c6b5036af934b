package io.porthole.sandbox.orchestrator.hypervisor;

import java.io.Serial;

/** The hypervisor could not do what was asked; the message is one clear line. */
public class HypervisorException extends Exception {
    @Serial private static final long serialVersionUID = 1L;

    public HypervisorException(String message) {
        super(message);
    }

    public HypervisorException(String message, Throwable cause) {
        super(message, cause);
    }
}
