package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two guests, a daemon each, and processes of the host lock files of one share. All use the same
 * program, {@code src/test/c/locker.c}, which is in the share.
 */
class LocksIT extends GuestTestBase {
    @TempDir Path folder;
    private VirtiofsdProcess oldDaemon;
    private VirtiofsdProcess newDaemon;
    private GuestVm old;
    private GuestVm young;
    private Path locker;

    @BeforeEach
    void boot() throws IOException, InterruptedException {
        locker = share.resolve("locker");
        Processes.compile("locker", locker);
        String[] options = {
            "--tag=share",
            "--cache=auto",
            "-o",
            "posix_lock,flock",
            "--lock-board=" + folder.resolve("board")
        };
        oldDaemon = VirtiofsdProcess.share(share, options);
        newDaemon = VirtiofsdProcess.share(share, options);
        old = guest(oldDaemon, GuestKernel.LINUX_6_1, Qemu.V7_2);
        young = guest(newDaemon, GuestKernel.LINUX_7, Qemu.V11_1);
    }

    private static GuestVm guest(VirtiofsdProcess daemon, GuestKernel kernel, Qemu qemu)
            throws IOException, InterruptedException {
        return GuestVm.builder()
                .kernel(kernel)
                .qemu(qemu)
                .memoryMegabytes(256)
                .share("share", daemon, 1)
                .mount("share", "/mnt")
                .start();
    }

    @AfterEach
    void end() throws IOException {
        try (VirtiofsdProcess first = oldDaemon;
                VirtiofsdProcess second = newDaemon;
                GuestVm third = old;
                GuestVm fourth = young) {
            assertTrue(first != second && third != fourth);
        }
    }

    private String onHost(String file, String... steps) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(locker.toString(), path(file)));
        command.addAll(List.of(steps));
        return Processes.must(command.toArray(String[]::new));
    }

    private String path(String name) {
        return share.resolve(name).toString();
    }

    private static String in(GuestVm guest, String steps) {
        return guest.must("cd /mnt && ./locker " + steps);
    }

    /** Leaves it running; its output goes to {@code NAME.out} in the share. */
    private static void inBackground(GuestVm guest, String name, String steps) {
        guest.must(
                "cd /mnt && (./locker "
                        + steps
                        + " > "
                        + name
                        + ".out 2>&1 & echo $! > /tmp/"
                        + name
                        + ")");
    }

    private String output(String name) throws IOException, InterruptedException {
        long end = System.nanoTime() + 60_000_000_000L;
        while (!Files.exists(share.resolve(name + ".done")) && System.nanoTime() < end) {
            Thread.sleep(50);
        }
        return Files.readString(share.resolve(name + ".out")).strip();
    }

    private void awaitSign(String name) throws InterruptedException {
        long end = System.nanoTime() + 60_000_000_000L;
        while (!Files.exists(share.resolve(name))) {
            assertTrue(System.nanoTime() < end, "no sign " + name);
            Thread.sleep(50);
        }
    }

    @Test
    void locksHoldBetweenGuestsAndWithTheHost() throws IOException, InterruptedException {
        // Exclusion, both ways, and with the host.
        inBackground(old, "h", "f w:0:10 p:h.has a:h.go u:0:10 p:h.done s:20");
        awaitSign("h.has");
        assertEquals("t=EAGAIN\ng=write:0:10\nt=OK", in(young, "f t:5:1 g:0:100 t:10:5"));
        assertEquals("t=EAGAIN\ng=write:0:10", onHost("f", "t:0:0", "g:0:1"));
        // A wait in the other guest: its queue serves on, and it ends with the holder's unlock.
        inBackground(young, "w", "f w:0:10 p:w.has a:w.go p:w.done");
        assertEquals("f", young.must("ls /mnt/f | xargs basename"));
        assertTrue(Files.notExists(share.resolve("w.has")), "both hold the lock");
        Files.createFile(share.resolve("h.go"));
        awaitSign("w.has");
        assertEquals("t=EAGAIN", onHost("f", "t:0:1"));
        assertEquals("t=EAGAIN", in(old, "f t:9:1"));
        // The host waits for a guest, which ends.
        Process waits =
                new ProcessBuilder(locker.toString(), path("f"), "w:0:10")
                        .redirectErrorStream(true)
                        .start();
        Files.createFile(share.resolve("w.go"));
        assertEquals(
                "w=OK",
                new String(waits.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip());
        assertEquals("w=OK", output("w"));

        // Closing any descriptor of the file ends a process's locks, on the host, too.
        inBackground(old, "c", "f t:0:10 c p:c.has a:c.go p:c.done");
        awaitSign("c.has");
        assertEquals("t=OK", in(young, "f t:0:10"));
        Files.createFile(share.resolve("c.go"));

        // flock.
        inBackground(old, "k", "k F p:k.has a:k.go n p:k.done");
        awaitSign("k.has");
        assertEquals("f=EAGAIN", in(young, "k f"));
        assertEquals("f=EAGAIN", onHost("k", "f"));
        inBackground(young, "l", "k F p:l.has p:l.done");
        Files.createFile(share.resolve("k.go"));
        awaitSign("l.has");

        // Open file description locks of the guest end when it closes the file.
        assertEquals("o=OK", in(old, "o o:0:10 x p:o.has"));
        assertEquals("t=OK", in(young, "o t:0:10"));
    }

    @Test
    void aDeadlockWithinAGuestIsTold() throws IOException, InterruptedException {
        inBackground(young, "a", "d w:0:1 p:a.has a:b.has w:1:1 p:a.done");
        inBackground(young, "b", "d a:a.has w:1:1 p:b.has w:0:1 p:b.done");
        List<String> outputs = new ArrayList<>(List.of(output("a"), output("b")));
        outputs.sort(String::compareTo);
        assertEquals(List.of("w=OK\nw=EDEADLK", "w=OK\nw=OK"), outputs);
    }

    /** Each daemon knows the locks of its own guest; the board tells them of the other's. */
    @Test
    void aDeadlockThroughTwoGuestsIsTold() throws IOException, InterruptedException {
        for (int i = 0; i < 3; i++) {
            String a = "a" + i;
            String b = "b" + i;
            inBackground(old, a, "d w:0:1 p:" + a + ".has a:" + b + ".has w:1:1 p:" + a + ".done");
            inBackground(
                    young, b, "d w:1:1 p:" + b + ".has a:" + a + ".has w:0:1 p:" + b + ".done");
            List<String> outputs = new ArrayList<>(List.of(output(a), output(b)));
            outputs.sort(String::compareTo);
            assertEquals(List.of("w=OK\nw=EDEADLK", "w=OK\nw=OK"), outputs);
        }
        // A guest that is killed is in no cycle: who waits for what it had gets it.
        inBackground(old, "h", "d w:0:1 p:h.has a:i.has w:1:1 p:h.done");
        inBackground(young, "i", "d w:1:1 p:i.has a:never");
        awaitSign("h.has");
        awaitSign("i.has");
        young.crash();
        assertEquals("w=OK\nw=OK", output("h"));
    }

    @Test
    void theDeathOfAHolderFrees() throws IOException, InterruptedException {
        // A process of a guest.
        inBackground(old, "p", "f F w:0:10 p:p.has a:never");
        awaitSign("p.has");
        assertEquals("t=EAGAIN\nf=EAGAIN", in(young, "f t:0:10 f"));
        inBackground(young, "q", "f F w:0:10 p:q.has a:never");
        old.must("kill -9 $(cat /tmp/p)");
        awaitSign("q.has");
        // A whole guest, while the other one waits.
        inBackground(old, "r", "f F w:0:10 p:r.has p:r.done");
        assertEquals("t=EAGAIN\nf=EAGAIN", onHost("f", "t:0:10", "f"));
        young.crash();
        awaitSign("r.has");
        // A process of the host.
        Process holder =
                new ProcessBuilder(
                                locker.toString(),
                                path("f"),
                                "F",
                                "w:0:10",
                                "p:" + path("s.has"),
                                "a:" + path("never"))
                        .start();
        awaitSign("s.has");
        assertEquals("t=EAGAIN\nf=EAGAIN", in(old, "f t:0:10 f"));
        inBackground(old, "t", "f F w:0:10 p:t.has p:t.done");
        holder.destroyForcibly().waitFor();
        awaitSign("t.has");
        assertEquals("F=OK\nw=OK", output("t"));
    }
}
