package io.porthole.vhostuser;

import java.util.concurrent.atomic.AtomicReference;

/** The thread that serves a session's messages until its front-end has gone. */
final class ControlThread {
    private ControlThread() {}

    /**
     * Starts it.
     *
     * @param ended gets what it threw, if anything
     */
    static Thread start(BackendSession session, AtomicReference<Throwable> ended) {
        Thread control =
                new Thread(() -> {
                    try {
                        session.serve();
                    } catch (Throwable t) {
                        ended.set(t);
                    } finally {
                        session.end();
                    }
                });
        control.setDaemon(true);
        control.start();
        return control;
    }
}
