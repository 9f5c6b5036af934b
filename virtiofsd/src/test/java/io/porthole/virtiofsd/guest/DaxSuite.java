package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The long form of {@link DaxIT}; {@code dev/test --dax} runs it, the default test run does not.
 */
@Timeout(1800)
class DaxSuite extends DaxTestBase {
    private static final long MIB = 1 << 20;

    @ParameterizedTest(name = "{0}, dax={1}")
    @CsvSource({"LINUX_6_1,inode", "LINUX_6_1,always", "LINUX_7,inode", "LINUX_7,always"})
    void fiveHundredFilesOfOddSizesAreEqual(GuestKernel kernel, String mode) throws Exception {
        long[] sizes = {
            0, 1, 4095, 4096, 4097, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 64 * MIB, MIB, MIB + 4096
        };
        Random random = new Random(6);
        for (int i = 0; i < 500; i++) {
            long size =
                    i < sizes.length
                            ? sizes[i]
                            : i % 3 == 0
                                    ? 4096L * random.nextInt(600)
                                    : random.nextInt(i % 10 == 0 ? 3_000_000 : 30_000);
            file("d" + i % 7 + "/f" + i, size);
        }
        withWindow(
                kernel,
                mode,
                daemon(mode),
                (guest, daemon) -> {
                    assertSame(guest);
                    assertSame(guest);
                    Session session = unmount(guest, daemon);
                    if (mode.equals("always")) {
                        assertEquals(0, session.reads(), "READ requests");
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(GuestKernel.class)
    void tenThousandRandomOperationsAgree(GuestKernel kernel) throws Exception {
        Path program = compileTool();
        // docs/dax.md, "Guest kernels": no names end under 6.1.
        String gentle = kernel == GuestKernel.LINUX_6_1 ? " gentle" : "";
        VirtiofsdProcess daemon = daemon("always", "--dax-window=8M");
        withWindow(
                kernel,
                "always",
                daemon,
                (guest, d) -> {
                    guest.must("cp /mnt/daxtool /tmp/; rm /mnt/daxtool");
                    assertFalse(Files.exists(program));
                    for (int round = 1; round <= 20; round++) {
                        String said =
                                guest.must(
                                        "/tmp/daxtool stress " + round + " 500" + gentle,
                                        Duration.ofMinutes(10));
                        assertEquals("500 operations agree", said);
                        if (round % 4 == 0) {
                            assertSame(guest);
                            unmount(guest, d);
                            guest.must("mount -t virtiofs -o dax=always share /mnt");
                        }
                    }
                    assertSame(guest);
                    unmount(guest, d);
                    assertTrue(guest.isAlive());
                });
    }

    @Test
    void aGuestThatResetsAfterUnmountingIsServedAgain() throws Exception {
        file("big", 16 * MIB);
        try (VirtiofsdProcess daemon = daemon("inode")) {
            try (GuestVm guest = guest(GuestKernel.LINUX_7, daemon, "inode").start()) {
                for (int i = 0; i < 3; i++) {
                    guest.must("cat /mnt/big > /dev/null");
                    unmount(guest, daemon);
                    // What a reset does to the device, without losing the test's channel.
                    guest.must(
                            "cd /sys/bus/virtio/drivers/virtiofs; for d in virtio*; do echo $d >"
                                    + " unbind; echo $d > bind; done");
                    guest.must("mount -t virtiofs -o dax=inode share /mnt");
                }
                guest.must("cat /mnt/big > /dev/null");
                unmount(guest, daemon);
            }
            assertEquals(0, daemon.awaitExit(Duration.ofSeconds(20)), daemon.logTail());
        }
    }

    @Test
    void aReadIntoTheWindowFailsAndTheDaemonLives() throws Exception {
        compileTool();
        file("source", 8 * MIB);
        file("buffer", 2 * MIB);
        try (VirtiofsdProcess plain =
                        VirtiofsdProcess.share(share, "--tag=plain", "--allow-direct-io");
                VirtiofsdProcess daemon = daemon("inode")) {
            try (GuestVm guest =
                    guest(GuestKernel.LINUX_6_1, daemon, "inode")
                            .share("plain", plain, 1)
                            .start()) {
                guest.must("mkdir /plain; mount -t virtiofs plain /plain");
                String said = guest.must("/mnt/daxtool direct /plain/source /mnt/buffer");
                // Either the kernel copied, or the daemon refused: never wrong bytes.
                assertTrue(said.startsWith("4096") || said.startsWith("-1"), said);
                assertSame(guest);
                guest.must("ls /plain > /dev/null; umount /plain");
                unmount(guest, daemon);
            }
            assertEquals(0, daemon.awaitExit(Duration.ofSeconds(20)), daemon.logTail());
        }
    }

    /**
     * docs/dax.md: a guest outlives its daemon, and only a new guest gets a new one, over files
     * that the first guest has had mapped until it was killed.
     */
    @Test
    void theGuestOutlivesTheDaemonAndTheNextGuestGetsAnother() throws Exception {
        file("big", 16 * MIB);
        try (VirtiofsdProcess daemon = daemon("inode")) {
            try (GuestVm guest = guest(GuestKernel.LINUX_6_1, daemon, "inode").start()) {
                guest.must("cat /mnt/big > /dev/null");
                daemon.terminate();
                daemon.awaitExit(Duration.ofSeconds(20));
                assertEquals("alive", guest.must("echo alive"));
                assertTrue(guest.isAlive());
                guest.crash();
            }
            daemon.startAgain();
            try (GuestVm guest = guest(GuestKernel.LINUX_6_1, daemon, "inode").start()) {
                assertSame(guest);
                Session session = unmount(guest, daemon);
                assertEquals(0, session.reads(), "READ requests");
            }
            assertEquals(0, daemon.awaitExit(Duration.ofSeconds(20)), daemon.logTail());
        }
    }
}
