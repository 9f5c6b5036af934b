package io.porthole.sandbox.agent;

import java.util.concurrent.CompletableFuture;

/**
 * A process of a container.
 *
 * @param exit completes with the exit code, or 128 + the signal
 */
record ContainerProcess(int pid, ProcessStreams streams, CompletableFuture<Integer> exit) {
    void close() {
        streams.close();
    }
}
