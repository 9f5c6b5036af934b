package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the guest tests share: the visible skip on request, a share of their own, and the clean end
 * that each expects.
 */
@Timeout(600)
abstract class GuestTestBase {
    /** The directory that is shared. */
    @TempDir Path share;

    @BeforeAll
    static void skipOnlyWhenAsked() {
        Assumptions.assumeFalse(Rig.skipAsked(), "guest tests are skipped: PORTHOLE_SKIP_GUEST=1");
    }

    /** What a test does with a guest that has the share mounted on /mnt. */
    @FunctionalInterface
    interface Work {
        void in(GuestVm guest, VirtiofsdProcess daemon) throws IOException, InterruptedException;
    }

    /**
     * Shares the directory with a guest, does the work, ends the guest, and checks that the daemon
     * then ends by itself with exit code 0 and leaves no file.
     */
    final void withGuest(Machine machine, Work work) throws IOException, InterruptedException {
        withGuest(
                VirtiofsdProcess.share(share, "--tag=share", "--cache=auto", "--xattr"),
                machine,
                work);
    }

    /** The same with a daemon started by the test. */
    static void withGuest(VirtiofsdProcess started, Machine machine, Work work)
            throws IOException, InterruptedException {
        try (VirtiofsdProcess daemon = started) {
            try (GuestVm guest =
                    GuestVm.builder()
                            .kernel(machine.kernel())
                            .qemu(machine.qemu())
                            .share("share", daemon, machine.requestQueues())
                            .mount("share", "/mnt")
                            .start()) {
                work.in(guest, daemon);
            } catch (AssertionError failure) {
                failure.addSuppressed(new AssertionError(daemon.logTail()));
                throw failure;
            }
            assertEquals(
                    0, daemon.awaitExit(Duration.ofSeconds(10)), "exit code" + daemon.logTail());
        }
    }
}
