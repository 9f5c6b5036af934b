package io.porthole.virtiofsd.cli;

/** The command line is wrong; the message is the one line that the user sees. */
public final class UsageException extends Exception {
    private static final long serialVersionUID = 1L;

    public UsageException(String message) {
        super(message);
    }
}
