package io.porthole.sandbox.orchestrator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.sandbox.orchestrator.process.ProcessId;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What dies is named within five seconds, to the command that waits and to those that ask later,
 * and nothing of it is left after {@code rm} or {@code cleanup}.
 */
class DeathIT {
    private static final long NOTICE_MILLIS = 5000;

    @TempDir Path dir;
    private Porthole porthole;

    @BeforeEach
    void make() throws Exception {
        porthole = new Porthole(dir);
    }

    @AfterEach
    void end() throws Exception {
        porthole.close();
    }

    /** A foreground run whose end shows what the user sees. */
    private Process waiting(String name, Path err) throws Exception {
        Process run =
                porthole.builder(
                                "run",
                                "--name",
                                name,
                                "--privileged",
                                "--network",
                                "none",
                                porthole.root().toString(),
                                "sh",
                                "-c",
                                "echo up; sleep 100000")
                        .redirectInput(new File("/dev/null"))
                        .redirectOutput(dir.resolve(name + ".out").toFile())
                        .redirectError(err.toFile())
                        .start();
        long deadline = System.nanoTime() + 120_000_000_000L;
        while (!Files.readString(dir.resolve(name + ".out")).contains("up")) {
            assertTrue(run.isAlive() && System.nanoTime() < deadline, () -> read(err));
            Thread.sleep(50);
        }
        return run;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (java.io.IOException e) {
            return e.toString();
        }
    }

    private void killAndExpect(String role, String expected, boolean byCleanup) throws Exception {
        Path err = dir.resolve("err");
        Process run = waiting("victim", err);
        long pid = porthole.pid("victim", role);
        ProcessId.of(pid).orElseThrow().kill();
        assertTrue(run.waitFor(NOTICE_MILLIS, TimeUnit.MILLISECONDS), "not noticed in time");
        assertEquals(125, run.exitValue());
        String message = expected.replace("PID", Long.toString(pid));
        assertTrue(read(err).contains(message), () -> read(err));
        // Told to others afterwards, too.
        Porthole.Result ps = porthole.run("ps", "-a").ok();
        assertTrue(ps.out().contains(message), ps::out);
        porthole.run(byCleanup ? new String[] {"cleanup"} : new String[] {"rm", "victim"}).ok();
        porthole.assertNothingLeft();
    }

    @Test
    void aKilledHypervisor() throws Exception {
        killAndExpect("qemu", "QEMU (pid PID) was killed by signal 9", false);
    }

    @Test
    void aKilledFileSystemDaemon() throws Exception {
        killAndExpect("virtiofsd", "virtiofsd (pid PID) was killed by signal 9", true);
    }

    @Test
    void aKilledAgent() throws Exception {
        Path err = dir.resolve("err");
        Process run = waiting("victim", err);
        // SIGKILL to every process of the guest but its first: the agent is the one that counts.
        Porthole.Result kill = porthole.shell("victim", "echo i > /proc/sysrq-trigger");
        assertEquals(125, kill.status(), kill::toString);
        assertTrue(run.waitFor(NOTICE_MILLIS, TimeUnit.MILLISECONDS), "not noticed in time");
        assertEquals(125, run.exitValue());
        assertTrue(read(err).contains("the agent in the guest ended"), () -> read(err));
        porthole.run("rm", "victim").ok();
        porthole.assertNothingLeft();
    }

    @Test
    void aKilledMonitor() throws Exception {
        killAndExpect("monitor", "the sandbox's monitor (pid PID) died", false);
    }

    @Test
    void aKilledMonitorIsCleanedUpAfter() throws Exception {
        killAndExpect("monitor", "the sandbox's monitor (pid PID) died", true);
    }

    @Test
    void aKilledCommandLeavesTheSandboxToThoseThatComeAfter() throws Exception {
        Process run = waiting("orphan", dir.resolve("err"));
        ProcessId.of(run.pid()).orElseThrow().kill();
        assertTrue(run.waitFor(NOTICE_MILLIS, TimeUnit.MILLISECONDS));
        // As with docker: who watched has gone, the container has not.
        assertEquals("alive", porthole.shell("orphan", "echo alive").line());
        assertTrue(porthole.run("ps").ok().out().contains("orphan"));
        assertTrue(porthole.run("logs", "orphan").ok().out().contains("up"));
        porthole.run("stop", "-t", "1", "orphan").ok();
        porthole.run("rm", "orphan").ok();
        porthole.assertNothingLeft();
    }

    @Test
    void aCommandThatIsKilledWhileTheGuestBootsLeavesNothingAfterCleanup() throws Exception {
        Process run =
                porthole.builder(
                                "run",
                                "--rm",
                                "--name",
                                "early",
                                "--network",
                                "none",
                                porthole.root().toString(),
                                "sleep",
                                "100000")
                        .redirectInput(new File("/dev/null"))
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        // In mid-boot: the machine runs, the agent does not answer yet.
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (porthole.leftOvers().get("sockets").isEmpty()) {
            assertTrue(run.isAlive() && System.nanoTime() < deadline);
            Thread.sleep(20);
        }
        ProcessId.of(run.pid()).orElseThrow().kill();
        assertTrue(run.waitFor(NOTICE_MILLIS, TimeUnit.MILLISECONDS));
        porthole.run("cleanup", "--all").ok();
        porthole.assertNothingLeft();
    }

    @Test
    void twoSandboxesHaveKernelsOfTheirOwnAndOnePanicsAlone() throws Exception {
        Path err = dir.resolve("err");
        Process first = waiting("first", err);
        Process second = waiting("second", dir.resolve("err2"));
        String boot = "cat /proc/sys/kernel/random/boot_id";
        assertNotEquals(
                porthole.shell("first", boot).line(), porthole.shell("second", boot).line());
        Porthole.Result crash = porthole.shell("first", "echo c > /proc/sysrq-trigger");
        assertEquals(125, crash.status());
        assertTrue(
                crash.err().contains("the guest's kernel panicked: sysrq triggered crash"),
                crash::err);
        assertTrue(first.waitFor(NOTICE_MILLIS, TimeUnit.MILLISECONDS));
        assertTrue(
                read(err).contains("the guest's kernel panicked: sysrq triggered crash"),
                () -> read(err));
        assertTrue(read(err).contains("the end of the guest's console"), () -> read(err));
        assertEquals("alive", porthole.shell("second", "echo alive").line());
        assertTrue(second.isAlive());
    }

    @Test
    void aStartThatFailsLeavesNothing() throws Exception {
        Porthole.Result r =
                porthole.run(
                        "run",
                        "--rm",
                        "--network",
                        "none",
                        porthole.root().toString(),
                        "no-such-program");
        assertEquals(127, r.status(), r::toString);
        porthole.assertNothingLeft();
        Porthole.Result missing = porthole.run("run", "--rm", dir.resolve("nothing").toString());
        assertEquals(125, missing.status());
        assertEquals(1, missing.err().lines().count(), missing::err);
        porthole.assertNothingLeft();
    }
}
