package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** chattr(1) and lsattr(1) on a share, on this host and in a guest. Needs root. */
class FileFlagsIT extends MountTestBase {
    private static final Machine MACHINE = Machine.pair().getFirst();

    /** Flags without the blanks between, and the project before them. */
    static String lsattr(Path file) throws IOException, InterruptedException {
        return Processes.must("lsattr", "-pd", file.toString()).split("/", 2)[0].strip();
    }

    /** What chattr says; nothing where it does as it is told. */
    static String chattr(String option, Path file) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of("chattr"));
        words.addAll(List.of(option.split(" ")));
        words.add(file.toString());
        return Processes.output(words.toArray(String[]::new)).replace(file.toString(), "FILE");
    }

    @Test
    void projectsAndImmutableNeedAnOption() throws Exception {
        Path file = Files.writeString(share.resolve("f"), "text");
        Path twin = Files.writeString(share.resolve("twin"), "text");
        Path seen = mount.resolve("f");
        Process daemon = start();
        assertEquals("", chattr("+dA", seen));
        assertEquals("", chattr("+dA", twin));
        assertEquals(lsattr(twin), lsattr(seen));
        assertTrue(lsattr(seen).matches("0 .*d.*A.*"), lsattr(seen));
        for (String refused : List.of("-p 5", "+i", "+a")) {
            String said = chattr(refused, seen);
            assertTrue(said.contains("Operation not permitted"), refused + ": " + said);
        }
        String inherit = chattr("+P", mount);
        assertTrue(inherit.contains("Operation not permitted"), inherit);
        assertEquals(lsattr(twin), lsattr(file));
        end(daemon);
        Process allowed = start("--allow-project-ids", "--modcaps=+linux_immutable");
        // Whether there are projects is the host's file system's affair: the same result as there.
        for (String project : List.of("-p 5", "+P", "+i")) {
            assertEquals(chattr(project, twin), chattr(project, seen), project);
        }
        assertEquals(lsattr(twin), lsattr(file));
        assertThrows(IOException.class, () -> Files.writeString(seen, "more"));
        assertEquals("", chattr("-i", seen));
        assertEquals("", chattr("-i", twin));
        assertEquals("more", Files.readString(Files.writeString(seen, "more")));
        end(allowed);
    }

    /** The host's own chattr and lsattr, with their libraries, run by the guest's kernel. */
    @Test
    void aGuestSetsFlags() throws Exception {
        Assumptions.assumeFalse(Rig.skipAsked(), "guest tests are skipped: PORTHOLE_SKIP_GUEST=1");
        Path programs = Files.createDirectory(share.resolve("programs"));
        String run = HostPrograms.copy(programs, "/mnt/programs", "lsattr", "chattr");
        Path file = Files.writeString(share.resolve("f"), "text");
        Path folder = Files.createDirectory(share.resolve("d"));
        String before = lsattr(file);
        GuestTestBase.withGuest(
                VirtiofsdProcess.share(share, "--tag=share"),
                MACHINE,
                (guest, daemon) -> {
                    guest.must(run + "chattr +dA /mnt/f /mnt/d");
                    String seen = guest.must(run + "lsattr -pd /mnt/f").strip();
                    assertEquals(lsattr(file) + " /mnt/f", seen.replaceAll("\\s+/", " /"));
                    assertTrue(lsattr(file).matches(".*d.*A.*"), lsattr(file));
                    assertTrue(lsattr(folder).matches(".*d.*A.*"), lsattr(folder));
                    String refused = guest.must(run + "chattr +i /mnt/f 2>&1 || true");
                    assertTrue(refused.contains("Operation not permitted"), refused);
                    guest.must(run + "chattr -dA /mnt/f");
                    assertEquals(before, lsattr(file));
                });
    }
}
