package io.porthole.sandbox.orchestrator.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ProcessIdTest {
    @Test
    void aRunningProcessIsAliveAndDiesWhenKilled() throws Exception {
        Process sleep = new ProcessBuilder("sleep", "60").start();
        ProcessId id = ProcessId.of(sleep.pid()).orElseThrow();
        assertTrue(id.alive());
        id.kill();
        assertTrue(id.awaitEnd(Duration.ofSeconds(5)));
        assertTrue(sleep.waitFor(5, TimeUnit.SECONDS));
        assertEquals(137, sleep.exitValue());
    }

    @Test
    void anotherProcessWithTheSameNumberIsLeftAlone() throws Exception {
        Process sleep = new ProcessBuilder("sleep", "60").start();
        try {
            ProcessId real = ProcessId.of(sleep.pid()).orElseThrow();
            ProcessId stale = new ProcessId(real.pid(), real.startTicks() - 1);
            assertFalse(stale.alive());
            stale.kill();
            stale.terminate();
            assertFalse(sleep.waitFor(200, TimeUnit.MILLISECONDS));
        } finally {
            sleep.destroyForcibly();
        }
    }
}
