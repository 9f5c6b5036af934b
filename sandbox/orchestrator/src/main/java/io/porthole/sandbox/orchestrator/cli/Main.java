package io.porthole.sandbox.orchestrator.cli;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Starts the command line. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        // Names in images are UTF-8 whatever the terminal's locale says.
        PrintStream out =
                new PrintStream(
                        new java.io.FileOutputStream(java.io.FileDescriptor.out),
                        false,
                        StandardCharsets.UTF_8);
        PrintStream err =
                new PrintStream(
                        new java.io.FileOutputStream(java.io.FileDescriptor.err),
                        true,
                        StandardCharsets.UTF_8);
        int status = PortholeCommand.execute(args, out, err);
        out.flush();
        err.flush();
        // No shutdown of threads that only wait: the process is done.
        Terminal.restoreAll();
        Runtime.getRuntime().halt(status);
    }
}
