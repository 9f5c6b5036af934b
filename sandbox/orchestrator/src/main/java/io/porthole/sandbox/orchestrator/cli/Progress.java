package io.porthole.sandbox.orchestrator.cli;

import java.io.PrintStream;
import java.util.function.Consumer;

/** Shows the present step of something long in one line of a terminal, and nothing elsewhere. */
final class Progress implements Consumer<String>, AutoCloseable {
    private final PrintStream err;
    private final boolean shown;
    private boolean dirty;

    Progress(PrintStream err, boolean quiet) {
        this.err = err;
        this.shown = !quiet && Terminal.is(2);
    }

    @Override
    public synchronized void accept(String step) {
        if (shown) {
            err.print("\r\u001b[K" + step + " ...");
            err.flush();
            dirty = true;
        }
    }

    @Override
    public synchronized void close() {
        if (dirty) {
            err.print("\r\u001b[K");
            err.flush();
            dirty = false;
        }
    }
}
