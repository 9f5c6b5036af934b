package io.porthole.sandbox.orchestrator.sandbox;

import java.io.IOException;

/** Takes what a process writes. A sink that throws is not asked again. */
@FunctionalInterface
public interface OutputSink {
    /** May block: the process then waits. */
    void output(boolean stderr, byte[] data) throws IOException;
}
