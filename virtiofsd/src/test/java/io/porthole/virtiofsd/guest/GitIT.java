package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Git on both sides of a share: its index remembers inode numbers, times and modes of every file.
 */
class GitIT extends GuestTestBase {
    static List<Machine> machines() {
        return Machine.pair();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("machines")
    void clonesAreCleanOnBothSides(Machine machine) throws IOException, InterruptedException {
        git(Rig.repository(), "clone", "-q", "--bare", "--no-local", ".", share + "/origin.git");
        git(share, "clone", "-q", "origin.git", "by-host");
        withGuest(
                machine,
                (guest, daemon) -> {
                    guest.must("git config --global safe.directory '*'");
                    assertEquals("", guest.must("cd /mnt/by-host && git status --porcelain"));
                    guest.must("cd /mnt && git clone -q origin.git by-guest");
                    assertEquals("", guest.must("cd /mnt/by-guest && git status --porcelain"));
                    Path byGuest = share.resolve("by-guest");
                    assertEquals("", git(byGuest, "status", "--porcelain"));
                    git(byGuest, "fsck", "--full", "--strict");

                    guest.must(
                            "cd /mnt/by-guest && echo guest > made-in-guest && git add . && git"
                                    + " -c user.name=g -c user.email=g@example.org commit -q -m guest"
                                    + " && git push -q origin HEAD");
                    git(share.resolve("by-host"), "pull", "-q");
                    assertEquals("", guest.must("cd /mnt/by-host && git status --porcelain"));
                    assertEquals(
                            git(byGuest, "rev-parse", "HEAD"),
                            git(share.resolve("by-host"), "rev-parse", "HEAD"));
                });
    }

    private static String git(Path directory, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("git", "-c", "safe.directory=*"));
        command.addAll(List.of(arguments));
        Process process =
                new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .start();
        String output =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertEquals(0, process.waitFor(), () -> String.join(" ", command) + ": " + output);
        return output;
    }
}
