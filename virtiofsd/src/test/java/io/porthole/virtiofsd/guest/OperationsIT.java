package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The demo's operations on every machine, at a smaller scale. */
class OperationsIT extends GuestTestBase {
    private static final ShareOperation.Scale SCALE = ShareOperation.Scale.TEST;

    static List<Machine> machines() {
        return Machine.all();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("machines")
    void hostSeesWhatTheGuestDid(Machine machine) throws IOException, InterruptedException {
        ShareOperation.prepare(share, SCALE);
        withGuest(
                machine,
                (guest, daemon) -> {
                    assertAll(
                            ShareOperation.all(SCALE).stream()
                                    .map(operation -> () -> check(operation, guest)));
                    Manifest guestTree = Manifest.ofGuest(guest.must(Manifest.guestScript("/mnt")));
                    assertEquals(List.of(), guestTree.differences(Manifest.ofTree(share)));
                });
    }

    /** Ids as Kata's and Incus' users map them, and a map of names that the jail has to allow. */
    @Test
    void idsAreTranslated() throws IOException, InterruptedException {
        VirtiofsdProcess daemon =
                VirtiofsdProcess.share(
                        share,
                        "--tag=share",
                        "--translate-uid=map:0:100000:1000",
                        "--translate-gid=map:0:200000:1000",
                        "--translate-uid=forbid-guest:4000:1",
                        "--xattrmap=:map:trusted.:user.virtiofs.:");
        Files.setAttribute(share, "unix:uid", 100_000);
        withGuest(
                daemon,
                Machine.all().getFirst(),
                (guest, running) -> {
                    guest.must("cd /mnt && echo text >f && mkdir d && chown 7:8 d && ln -s f l");
                    assertEquals(
                            "0:0 7:8 0:0", guest.must("cd /mnt && stat -c %u:%g f d l | xargs"));
                    assertEquals("refused", guest.must("chown 4000 /mnt/f 2>&- || echo refused"));
                    assertEquals(100_000, Files.getAttribute(share.resolve("f"), "unix:uid"));
                    assertEquals(200_000, Files.getAttribute(share.resolve("f"), "unix:gid"));
                    assertEquals(100_007, Files.getAttribute(share.resolve("d"), "unix:uid"));
                    assertEquals(200_008, Files.getAttribute(share.resolve("d"), "unix:gid"));
                });
    }

    private void check(ShareOperation operation, GuestVm guest) throws IOException {
        String guestSees = guest.must("cd /mnt && " + operation.guestScript());
        assertEquals(operation.hostView().see(share), guestSees, operation.name());
    }
}
