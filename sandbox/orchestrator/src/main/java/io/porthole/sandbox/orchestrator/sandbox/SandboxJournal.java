package io.porthole.sandbox.orchestrator.sandbox;

import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import java.io.IOException;
import java.util.function.UnaryOperator;

/** The sandbox's state, in memory and on disk: every change is written before it counts. */
final class SandboxJournal {
    private final SandboxDirectory directory;
    private SandboxState state;

    SandboxJournal(SandboxDirectory directory, SandboxState state) {
        this.directory = directory;
        this.state = state;
    }

    synchronized SandboxState state() {
        return state;
    }

    synchronized void update(UnaryOperator<SandboxState> change) throws IOException {
        SandboxState next = change.apply(state);
        directory.write(next);
        state = next;
    }

    /** The same, where nothing was recorded for the part yet, and on disk. */
    synchronized void firstTiming(String part, long fromNanos) {
        if (!state.timingsMillis().containsKey(part)) {
            timing(part, fromNanos, System.nanoTime());
            try {
                directory.write(state);
            } catch (IOException e) {
                // Timings are for people; the next change is written with them.
            }
        }
    }

    /** Records how long a part took; in memory until the next {@link #update}. */
    synchronized void timing(String part, long fromNanos, long toNanos) {
        state = state.withTiming(part, Math.round((toNanos - fromNanos) / 1e6));
    }
}
