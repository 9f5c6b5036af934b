package io.porthole.sandbox.orchestrator.image;

import java.io.IOException;
import java.io.Serial;

/** An image cannot be used; the message is one clear line. */
public final class ImageException extends IOException {
    @Serial private static final long serialVersionUID = 1L;

    public ImageException(String message) {
        super(message);
    }

    public ImageException(String message, Throwable cause) {
        super(message, cause);
    }
}
