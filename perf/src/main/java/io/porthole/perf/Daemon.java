package io.porthole.perf;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A kind of daemon and how it is started. In the command line, {@code {socket}}, {@code {share}}
 * and {@code {queues}} stand for what they say.
 *
 * @param name one word, for tables
 * @param title for people
 * @param template the command, split
 */
record Daemon(String name, String title, List<String> template) {
    List<String> command(Path socket, Path share, int requestQueues) {
        List<String> command = new ArrayList<>();
        for (String part : template) {
            command.add(
                    part.replace("{socket}", socket.toString())
                            .replace("{share}", share.toString())
                            .replace("{queues}", Integer.toString(requestQueues)));
        }
        return command;
    }

    /** Parses {@code name=command with arguments}, split at spaces. */
    static Daemon parse(String text) {
        int eq = text.indexOf('=');
        if (eq <= 0) {
            throw new IllegalArgumentException("a daemon is NAME=COMMAND, not " + text);
        }
        String name = text.substring(0, eq);
        String title =
                switch (name) {
                    case "porthole" -> "Porthole";
                    case "rust" -> "Rust virtiofsd 1.14";
                    case "c" -> "C virtiofsd (QEMU 7.2)";
                    case "bare" -> "bare loop (no checks)";
                    default -> name;
                };
        return new Daemon(name, title, List.of(text.substring(eq + 1).strip().split(" +")));
    }
}
