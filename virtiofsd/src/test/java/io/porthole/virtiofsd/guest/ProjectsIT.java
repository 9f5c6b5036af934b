package io.porthole.virtiofsd.guest;

import static io.porthole.virtiofsd.guest.FileFlagsIT.chattr;
import static io.porthole.virtiofsd.guest.FileFlagsIT.lsattr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Projects of files on a share that has them: an XFS in an image. Needs root. */
class ProjectsIT extends MountTestBase {
    private static final Machine MACHINE = Machine.pair().getFirst();

    private Path xfs = dir;

    @BeforeEach
    void fileSystem() throws IOException, InterruptedException {
        Path image = dir.resolve("image");
        Processes.must("truncate", "--size=400M", image.toString());
        Processes.must(Rig.tool("mkfs.xfs").toString(), "-q", image.toString());
        xfs = Files.createDirectory(dir.resolve("xfs"));
        String said = Processes.output("mount", "-o", "loop", image.toString(), xfs.toString());
        Assumptions.assumeTrue(said.isEmpty(), "this kernel mounts no XFS: " + said);
        share = Files.createDirectory(xfs.resolve("share"));
    }

    @AfterEach
    void nothingOfItIsLeft() throws IOException, InterruptedException {
        Processes.output("umount", "--lazy", mount.toString());
        String said = Processes.output("umount", xfs.toString());
        assertTrue(said.isEmpty() || said.contains("not mounted"), said);
    }

    private static int project(Path file) throws IOException, InterruptedException {
        return Integer.parseInt(lsattr(file).split(" ", 2)[0]);
    }

    private static boolean inherits(Path folder) throws IOException, InterruptedException {
        return lsattr(folder).contains("P");
    }

    /** The result of rename(2), in a word. */
    private static String move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
            return "moved";
        } catch (AtomicMoveNotSupportedException e) {
            return "EXDEV";
        }
    }

    private static String link(Path existing, Path name) throws InterruptedException, IOException {
        String said = Processes.output("ln", existing.toString(), name.toString());
        return said.substring(said.lastIndexOf(':') + 1).strip();
    }

    @Test
    void aShareThatAllowsItChangesProjects() throws Exception {
        Files.writeString(share.resolve("f"), "text");
        Files.createDirectory(share.resolve("d"));
        Process daemon = start("--allow-project-ids");
        assertEquals("", chattr("-p 7", mount.resolve("f")));
        assertEquals(7, project(share.resolve("f")));
        assertEquals(7, project(mount.resolve("f")));
        assertEquals("", chattr("-p 11", mount.resolve("d")));
        assertEquals("", chattr("+P", mount.resolve("d")));
        assertEquals(11, project(share.resolve("d")));
        assertTrue(inherits(share.resolve("d")));
        // What is made there belongs to its project, and folders hand it on.
        Files.writeString(mount.resolve("d/new"), "text");
        Files.createDirectory(mount.resolve("d/folder"));
        assertEquals(11, project(share.resolve("d/new")));
        assertEquals(11, project(share.resolve("d/folder")));
        assertTrue(inherits(share.resolve("d/folder")));
        // Other flags leave it alone, and it leaves them alone.
        assertEquals("", chattr("+dA", mount.resolve("f")));
        assertEquals(7, project(share.resolve("f")));
        assertEquals("", chattr("-p 4294967294", mount.resolve("f")));
        assertTrue(lsattr(share.resolve("f")).matches("4294967294 .*d.*A.*"));
        assertEquals("", chattr("-P", mount.resolve("d")));
        assertEquals("", chattr("-p 0", mount.resolve("d")));
        assertEquals(lsattr(share.resolve("d")), lsattr(mount.resolve("d")));
        assertEquals(0, project(share.resolve("d")));
        end(daemon);
    }

    @Test
    void nothingMovesOrIsLinkedIntoAnotherProject() throws Exception {
        for (String side : new String[] {"host", "guest"}) {
            Path folder = Files.createDirectories(share.resolve(side).resolve("project"));
            assertEquals("", chattr("-p 5", folder));
            assertEquals("", chattr("+P", folder));
            Files.writeString(share.resolve(side).resolve("f"), "text");
        }
        Process daemon = start();
        for (String entry : new String[] {"renamed", "linked"}) {
            Path host = share.resolve("host");
            Path seen = mount.resolve("guest");
            boolean rename = entry.equals("renamed");
            String below =
                    rename
                            ? move(host.resolve("f"), host.resolve("project/" + entry))
                            : link(host.resolve("f"), host.resolve("project/" + entry));
            String through =
                    rename
                            ? move(seen.resolve("f"), seen.resolve("project/" + entry))
                            : link(seen.resolve("f"), seen.resolve("project/" + entry));
            assertEquals(below, through);
            assertEquals(rename ? "EXDEV" : "Invalid cross-device link", through);
        }
        assertEquals("text", Files.readString(mount.resolve("guest/f")));
        Processes.must(
                "mv",
                mount.resolve("guest/f").toString(),
                mount.resolve("guest/project/f").toString());
        assertEquals(5, project(share.resolve("guest/project/f")), "copied, as mv does then");
        end(daemon);
    }

    @Test
    void otherSharesOnlyInherit() throws Exception {
        Path folder = Files.createDirectory(share.resolve("d"));
        assertEquals("", chattr("-p 11", folder));
        assertEquals("", chattr("+P", folder));
        Process daemon = start();
        for (String change : new String[] {"-p 12", "-P"}) {
            String said = chattr(change, mount.resolve("d"));
            assertTrue(said.contains("Operation not permitted"), change + ": " + said);
        }
        assertEquals(11, project(folder));
        assertTrue(inherits(folder));
        Files.writeString(mount.resolve("d/new"), "text");
        assertEquals(11, project(share.resolve("d/new")));
        assertEquals("", chattr("+d", mount.resolve("d/new")), "which names its project, too");
        assertEquals(11, project(share.resolve("d/new")));
        end(daemon);
        Process readonly = start("--allow-project-ids", "--readonly");
        String said = chattr("-p 12", mount.resolve("d"));
        assertTrue(said.contains("Read-only file system"), said);
        assertEquals(11, project(folder));
        end(readonly);
    }

    @Test
    void aGuestChangesProjects() throws Exception {
        Assumptions.assumeFalse(Rig.skipAsked(), "guest tests are skipped: PORTHOLE_SKIP_GUEST=1");
        Path programs = Files.createDirectory(share.resolve("programs"));
        String run = HostPrograms.copy(programs, "/mnt/programs", "lsattr", "chattr");
        Path file = Files.writeString(share.resolve("f"), "text");
        Path folder = Files.createDirectory(share.resolve("d"));
        GuestTestBase.withGuest(
                VirtiofsdProcess.share(share, "--tag=share", "--allow-project-ids"),
                MACHINE,
                (guest, daemon) -> {
                    guest.must(run + "chattr -p 7 /mnt/f");
                    guest.must(run + "chattr -p 11 +P /mnt/d");
                    guest.must("echo text > /mnt/d/new");
                    assertEquals(7, project(file));
                    assertEquals(11, project(folder));
                    assertEquals(11, project(folder.resolve("new")));
                    String seen = guest.must(run + "lsattr -p /mnt/d/new").strip();
                    assertTrue(seen.startsWith("11 "), seen);
                    String moved = guest.must("busybox ln /mnt/f /mnt/d/f 2>&1 || true");
                    assertTrue(moved.contains("ross-device"), moved);
                });
    }
}
