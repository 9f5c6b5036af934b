package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** DAX with real guests, the short form; {@link DaxSuite} has the long one. */
class DaxIT extends DaxTestBase {
    private static final long MIB = 1 << 20;

    @ParameterizedTest(name = "{0}, dax={1}")
    @CsvSource({"LINUX_6_1,inode", "LINUX_7,always"})
    void guestAndHostAgree(GuestKernel kernel, String mode) throws Exception {
        long[] sizes = {
            0, 1, 4095, 4096, 4097, MIB, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 3 * MIB, 16 * MIB
        };
        for (long size : sizes) {
            file("f" + size, size);
        }
        Path program = compileTool();
        padToPages(program);
        Path mapped = share.resolve("f" + 2 * MIB);
        withWindow(
                kernel,
                mode,
                daemon(mode),
                (guest, daemon) -> {
                    assertSame(guest);
                    assertEquals("hello from a mapping", guest.must("/mnt/daxtool hello"));
                    // Stores through a mapping, appends, truncation, holes and names.
                    guest.must("/mnt/daxtool poke /mnt/f2097152 5000 stored");
                    try (FileChannel file = FileChannel.open(mapped)) {
                        ByteBuffer bytes = ByteBuffer.allocate(6);
                        file.read(bytes, 5000);
                        assertEquals(
                                "stored", new String(bytes.array(), StandardCharsets.US_ASCII));
                    }
                    guest.must(
                            "cd /mnt; for i in 1 2 3 4 5; do echo appended line $i >> f2097152; done;"
                                    + " tail -n 1 f2097152 | grep -q 'line 5';"
                                    + " truncate -s 5000000 f3145728; truncate -s 777777 f3145728;"
                                    + " fallocate -p -o 8192 -l 100000 f16777216; mv f4097 renamed;"
                                    + " printf x | dd of=f16777216 bs=1 seek=16777215 conv=notrunc"
                                    + " 2>/dev/null; cp f1048576 copy; cat f1048576 >> copy");
                    assertSame(guest);
                    // The host's store is seen by a guest that looks at its mapping, and asks
                    // nobody.
                    guest.must(
                            "(/mnt/daxtool watch /mnt/f1048576 4096 '!' /tmp/ready > /tmp/seen) & while ["
                                    + " ! -e /tmp/ready ]; do usleep 10000; done");
                    try (FileChannel file =
                            FileChannel.open(share.resolve("f1048576"), StandardOpenOption.WRITE)) {
                        file.write(ByteBuffer.wrap(new byte[] {(byte) 33}), 4096);
                    }
                    guest.must(
                            "for i in $(seq 300); do grep -q seen /tmp/seen && exit 0; usleep 100000;"
                                    + " done; exit 1",
                            Duration.ofSeconds(60));
                    Session session = unmount(guest, daemon);
                    if (mode.equals("always")) {
                        assertEquals(0, session.reads(), "READ requests");
                    }
                    assertTrue(session.mapped() > 10, session::toString);
                });
    }

    @Test
    void aWindowSmallerThanTheFilesIsEnough() throws Exception {
        Path program = compileTool();
        padToPages(program);
        VirtiofsdProcess daemon = daemon("always", "--dax-window=8M");
        withWindow(
                GuestKernel.LINUX_7,
                "always",
                daemon,
                (guest, d) -> {
                    guest.must("cp /mnt/daxtool /tmp/");
                    String said = guest.must("/tmp/daxtool stress 1 400", Duration.ofMinutes(5));
                    assertEquals("400 operations agree", said);
                    guest.must("rm -f /mnt/daxtool");
                    Files.deleteIfExists(program);
                    assertSame(guest);
                    unmount(guest, d);
                });
    }

    @Test
    void aStoppedGuestGoesOnAndARestartedOneComesBack() throws Exception {
        file("big", 24 * MIB);
        withWindow(
                GuestKernel.LINUX_6_1,
                "inode",
                daemon("inode"),
                (guest, daemon) -> {
                    guest.must("sha256sum /mnt/big > /tmp/sum");
                    try (Qmp qmp = new Qmp(guest.monitorSocket())) {
                        for (int i = 0; i < 3; i++) {
                            qmp.execute("stop");
                            Thread.sleep(100);
                            qmp.execute("cont");
                            guest.must("sha256sum -c /tmp/sum");
                        }
                    }
                    unmount(guest, daemon);
                    guest.must("mount -t virtiofs -o dax=inode share /mnt; sha256sum -c /tmp/sum");
                    unmount(guest, daemon);
                });
    }

    @Test
    void withoutAWindowTheShareWorksWithoutDax() throws Exception {
        file("big", 4 * MIB);
        try (VirtiofsdProcess daemon = daemon("inode")) {
            try (GuestVm guest =
                    GuestVm.builder()
                            .kernel(GuestKernel.LINUX_6_1)
                            .qemu(Qemu.V7_2)
                            .share("share", daemon, 1)
                            .mount("share", "/mnt")
                            .start()) {
                assertSame(guest);
            }
            assertEquals(0, daemon.awaitExit(Duration.ofSeconds(20)), daemon.logTail());
        }
    }
}
