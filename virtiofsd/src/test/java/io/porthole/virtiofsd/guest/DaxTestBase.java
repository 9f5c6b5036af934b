package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A guest with a share that has a DAX window: QEMU 11.1's generic vhost-user device. */
abstract class DaxTestBase extends GuestTestBase {
    private static final Pattern END_OF_SESSION =
            Pattern.compile(
                    "session ends: (\\d+) ranges unmapped, (-?\\d+) pieces left; (\\d+) mapped and"
                            + " (\\d+) unmapped in all, (\\d+) reads");

    /** What the daemon says when the guest has unmounted. */
    record Session(long ranges, long left, long mapped, long unmapped, long reads) {}

    /** What a test does; the guest has the share mounted on /mnt. */
    @FunctionalInterface
    interface DaxWork {
        void in(GuestVm guest, VirtiofsdProcess daemon) throws Exception;
    }

    final VirtiofsdProcess daemon(String mode, String... options)
            throws IOException, InterruptedException {
        String[] all = new String[options.length + 3];
        all[0] = "--dax=" + mode;
        all[1] = "--tag=share";
        all[2] = "--request-queues=1";
        System.arraycopy(options, 0, all, 3, options.length);
        return VirtiofsdProcess.share(share, all);
    }

    static GuestVm.Builder guest(GuestKernel kernel, VirtiofsdProcess daemon, String mode) {
        return GuestVm.builder()
                .kernel(kernel)
                .qemu(Qemu.V11_1)
                .monitor()
                .shareWithWindow(daemon, 1)
                .mount("share", "/mnt", "dax=" + mode);
    }

    /** Runs the work, ends the guest, and checks that the daemon then ends by itself. */
    final void withWindow(GuestKernel kernel, String mode, VirtiofsdProcess started, DaxWork work)
            throws Exception {
        try (VirtiofsdProcess daemon = started) {
            try (GuestVm guest = guest(kernel, daemon, mode).start()) {
                work.in(guest, daemon);
            } catch (AssertionError failure) {
                failure.addSuppressed(new AssertionError(daemon.logTail()));
                throw failure;
            }
            assertEquals(
                    0, daemon.awaitExit(Duration.ofSeconds(20)), "exit code" + daemon.logTail());
        }
    }

    /** Unmounts and returns what the daemon then tells: that nothing is mapped any more. */
    static Session unmount(GuestVm guest, VirtiofsdProcess daemon)
            throws IOException, InterruptedException {
        int before = sessions(daemon);
        guest.must("cd /; umount /mnt");
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (sessions(daemon) == before) {
            assertTrue(System.nanoTime() < end, "no end of the session" + daemon.logTail());
            Thread.sleep(10);
        }
        Matcher m = END_OF_SESSION.matcher(daemon.log());
        Session last = null;
        while (m.find()) {
            last =
                    new Session(
                            Long.parseLong(m.group(1)),
                            Long.parseLong(m.group(2)),
                            Long.parseLong(m.group(3)),
                            Long.parseLong(m.group(4)),
                            Long.parseLong(m.group(5)));
        }
        assertTrue(last != null, "no session");
        assertEquals(0, last.left(), "pieces left");
        assertEquals(last.mapped(), last.unmapped(), "pieces unmapped");
        return last;
    }

    private static int sessions(VirtiofsdProcess daemon) throws IOException {
        return (int) END_OF_SESSION.matcher(daemon.log()).results().count();
    }

    /** A file of random bytes. */
    final Path file(String name, long bytes) throws IOException {
        Path path = share.resolve(name);
        Files.createDirectories(path.getParent());
        Random random = new Random(name.hashCode() + bytes);
        byte[] buffer = new byte[1 << 16];
        try (var out = Files.newOutputStream(path)) {
            for (long left = bytes; left > 0; left -= buffer.length) {
                random.nextBytes(buffer);
                out.write(buffer, 0, (int) Math.min(left, buffer.length));
            }
        }
        return path;
    }

    /** Compares what guest and host see, by the hash of every file. */
    final void assertSame(GuestVm guest) {
        Manifest seen =
                Manifest.ofGuest(guest.must(Manifest.guestScript("/mnt"), Duration.ofMinutes(5)));
        Manifest there = Manifest.ofTree(share);
        assertEquals(there.hash(), seen.hash(), () -> "" + there.differences(seen));
    }

    /** Compiles the tests' C program into the share. */
    final Path compileTool() throws IOException, InterruptedException {
        Path program = share.resolve("daxtool");
        Processes.compile("daxtool", program);
        return program;
    }

    /** Makes a file's size a whole number of pages, which {@code --dax=inode} wants. */
    static void padToPages(Path file) throws IOException {
        long size = Files.size(file);
        try (var channel =
                java.nio.channels.FileChannel.open(file, java.nio.file.StandardOpenOption.WRITE)) {
            long rounded = (size + 4095) & -4096;
            if (rounded != size) {
                channel.write(java.nio.ByteBuffer.wrap(new byte[(int) (rounded - size)]), size);
            }
        }
    }
}
