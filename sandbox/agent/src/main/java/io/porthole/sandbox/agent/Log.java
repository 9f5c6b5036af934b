package io.porthole.sandbox.agent;

import org.jspecify.annotations.Nullable;

/** One line a message on the guest's console, which the host keeps as the sandbox's log. */
final class Log {
    private Log() {}

    static void info(String message) {
        System.err.println("agent: " + message);
    }

    static void error(String message, @Nullable Throwable cause) {
        System.err.println("agent: " + message + (cause == null ? "" : ": " + cause));
    }
}
