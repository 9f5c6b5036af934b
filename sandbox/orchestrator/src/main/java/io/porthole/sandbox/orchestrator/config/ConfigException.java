package io.porthole.sandbox.orchestrator.config;

import java.io.IOException;
import java.io.Serial;

/** The configuration cannot be used; the message names file and key. */
public final class ConfigException extends IOException {
    @Serial private static final long serialVersionUID = 1L;

    public ConfigException(String message) {
        super(message);
    }
}
