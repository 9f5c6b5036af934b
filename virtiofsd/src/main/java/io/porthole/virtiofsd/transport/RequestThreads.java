package io.porthole.virtiofsd.transport;

import java.io.IOException;

/** What a file system wants to do on the threads that serve its requests. */
public interface RequestThreads {
    /**
     * Called first on a new request thread.
     *
     * @throws IOException if the thread cannot be made fit for requests
     */
    void started() throws IOException;

    /** Called on it before it waits for requests; they wait as long as this takes. */
    default void resting() {}

    /** Called last on it. */
    void stopped();
}
