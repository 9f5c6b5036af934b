package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

final class PosixDifferencesTest {
    @Test
    void eachHasAReason() throws IOException {
        String page = Files.readString(Rig.repository().resolve("docs/conformance.md"));
        for (String check : PosixDifferences.checks()) {
            assertTrue(page.contains("`" + check + "`"), check);
        }
    }
}
