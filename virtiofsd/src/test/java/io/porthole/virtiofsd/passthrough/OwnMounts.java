package io.porthole.virtiofsd.passthrough;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.porthole.linux.LinuxFiles;
import io.porthole.linux.Syscalls;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;

/** A mount namespace for one test, which ends with the threads in it. Needs root. */
final class OwnMounts {
    private static final int CLONE_NEWNS = 0x20000;
    private static final long MS_REC_PRIVATE = 16384 | 1 << 18;

    private OwnMounts() {}

    @FunctionalInterface
    interface Work {
        void with(LinuxFiles host) throws Exception;
    }

    /** Does it on a thread of its own, where what is mounted shows nowhere else. */
    static void use(Work work) throws InterruptedException {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread thread =
                new Thread(() -> {
                    try {
                        assertEquals(0, Syscalls.host().unshare(CLONE_NEWNS));
                        LinuxFiles host = LinuxFiles.host();
                        host.mount(null, Path.of("/"), null, MS_REC_PRIVATE, null);
                        work.with(host);
                    } catch (Throwable e) {
                        failure.set(e);
                    }
                });
        thread.start();
        thread.join();
        if (failure.get() != null) {
            throw new AssertionError(failure.get());
        }
    }
}
