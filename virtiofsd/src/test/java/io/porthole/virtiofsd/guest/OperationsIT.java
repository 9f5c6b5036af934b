package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.List;
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

    private void check(ShareOperation operation, GuestVm guest) throws IOException {
        String guestSees = guest.must("cd /mnt && " + operation.guestScript());
        assertEquals(operation.hostView().see(share), guestSees, operation.name());
    }
}
