package io.porthole.perf;

/** A daemon answered what it must not: the run fails. */
final class WrongReplyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    WrongReplyException(String message) {
        super(message);
    }
}
