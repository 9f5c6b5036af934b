package io.porthole.sandbox.orchestrator.network;

import java.nio.file.Path;

/** What a user asked for with {@code --network}. */
public sealed interface NetworkMode {
    /** Loopback only. */
    record None() implements NetworkMode {}

    /** A private network behind the host's own sockets. */
    record User() implements NetworkMode {}

    /** The interfaces of a network namespace. */
    record Namespace(Path path) implements NetworkMode {}

    /** Parses {@code none}, {@code user} or {@code netns=PATH}. */
    static NetworkMode parse(String text) {
        if (text.equals("none")) {
            return new None();
        }
        if (text.equals("user")) {
            return new User();
        }
        if (text.startsWith("netns=/")) {
            return new Namespace(Path.of(text.substring("netns=".length())));
        }
        throw new IllegalArgumentException("network must be none, user or netns=/PATH: " + text);
    }
}
