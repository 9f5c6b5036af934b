package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Ends of all kinds with a real guest at the other side, and what the daemon holds while it lives.
 */
class LifeOfTheDaemonIT extends GuestTestBase {
    private static final Machine MACHINE = Machine.pair().get(1);

    static java.util.List<Machine> machines() {
        return Machine.pair();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("machines")
    void descriptorsAndMappingsComeBackAfterTheGuestForgets(Machine machine)
            throws IOException, InterruptedException {
        withGuest(
                machine,
                (guest, daemon) -> {
                    guest.must("ls /mnt; echo 3 > /proc/sys/vm/drop_caches; sleep 0.2");
                    int descriptors = daemon.openDescriptors();
                    int mappings = daemon.guestMemoryMappings();
                    guest.must(
                            "cd /mnt && for d in 1 2 3 4 5; do mkdir $d; for i in $(seq 200); do echo"
                                    + " $i > $d/$i; done; done; find . -type f | xargs cat >/dev/null;"
                                    + " exec 4<1/1 5<2/2; rm -r 3");
                    // What was just in use stays through one pass, more of it on a busy machine.
                    for (int i = 0; i < 20 && daemon.openDescriptors() > descriptors; i++) {
                        guest.must("echo 3 > /proc/sys/vm/drop_caches; sleep 0.5");
                    }
                    assertEquals(descriptors, daemon.openDescriptors(), 3.0, "descriptors");
                    assertEquals(mappings, daemon.guestMemoryMappings(), "guest memory mappings");
                });
    }

    @Test
    void mountsAgainAfterUnmount() throws IOException, InterruptedException {
        withGuest(
                MACHINE,
                (guest, daemon) -> {
                    for (int round = 0; round < 5; round++) {
                        guest.must("echo " + round + " > /mnt/round && umount /mnt");
                        guest.must("mount -t virtiofs share /mnt");
                        assertEquals(Integer.toString(round), guest.must("cat /mnt/round"));
                    }
                });
    }

    @Test
    void endsWhenQemuIsKilledInTheMiddleOfWrites() throws IOException, InterruptedException {
        try (VirtiofsdProcess daemon = VirtiofsdProcess.share(share, "--tag=share")) {
            GuestVm guest =
                    GuestVm.builder()
                            .kernel(MACHINE.kernel())
                            .qemu(MACHINE.qemu())
                            .share("share", daemon, MACHINE.requestQueues())
                            .mount("share", "/mnt")
                            .start();
            try (guest) {
                guest.must(
                        "(while :; do dd if=/dev/zero of=/mnt/f bs=1M count=64; done) >/dev/null 2>&1 &");
                while (!Files.exists(share.resolve("f"))) {
                    Thread.sleep(10);
                }
                guest.crash();
            }
            assertEquals(0, daemon.awaitExit(Duration.ofSeconds(10)), daemon.logTail());
            assertFalse(daemon.leftFiles());
        }
    }

    @Test
    void endsOnSigtermWithAGuestMounted() throws IOException, InterruptedException {
        try (VirtiofsdProcess daemon = VirtiofsdProcess.share(share, "--tag=share");
                GuestVm guest =
                        GuestVm.builder()
                                .kernel(MACHINE.kernel())
                                .qemu(MACHINE.qemu())
                                .share("share", daemon, 1)
                                .mount("share", "/mnt")
                                .start()) {
            guest.must("echo x > /mnt/x");
            daemon.terminate();
            daemon.awaitExit(Duration.ofSeconds(10));
            assertFalse(daemon.leftFiles());
            // The guest itself lives on, and its channel still answers.
            assertEquals("alive", guest.must("echo alive"));
            // It cannot power off cleanly: it would sync a share that nobody serves.
            guest.crash();
        }
        assertTrue(Files.exists(share.resolve("x")));
    }
}
