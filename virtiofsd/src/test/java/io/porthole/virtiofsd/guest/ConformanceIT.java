package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The table of POSIX checks on the file system below the share, on mounts of it and in guests; in
 * process it is {@code InProcessConformanceIT}'s.
 */
class ConformanceIT extends MountTestBase {
    private static final String ALL = "--xattr --posix-acl --modcaps=+sys_admin ";

    @TempDir static Path once = Path.of("unset");
    private static Path program = once;
    private static List<String> names = List.of();
    private static Map<String, String> below = Map.of();

    @BeforeAll
    static void reference() throws Exception {
        program = once.resolve("posix");
        PosixChecks.compile(program);
        names = PosixChecks.names(program);
        Path plain = Files.createDirectory(once.resolve("below"));
        below = PosixChecks.run(program, plain);
        assertEmpty(plain);
    }

    private static void assertEmpty(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            assertEquals(List.of(), files.toList());
        }
    }

    private static void compare(String way, Map<String, String> seen) throws IOException {
        PosixChecks.compare(way, names, below, seen, PosixDifferences.of(way), Map.of());
    }

    /** The table's own expectations, where it was written: ext4. */
    @Test
    void theTableHoldsForExt4() throws Exception {
        assertTrue(names.size() >= 200, names::toString);
        Assumptions.assumeTrue(Files.getFileStore(once).type().equals("ext4"), "not ext4 below");
        Map<String, String> expected = PosixChecks.expected(program);
        PosixChecks.compare("below", names, expected, below, Map.of(), Map.of());
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "mount-auto, " + ALL + "--cache=auto --posix-lock --flock",
        "mount-never, " + ALL + "--cache=never --allow-mmap --allow-direct-io",
        "mount-writeback, " + ALL + "--cache=always --writeback --killpriv-v2",
        "mount-plain, --xattr --posix-acl --cache=metadata"
    })
    void ofAMount(String way, String options) throws Exception {
        Process daemon = start(options.split(" "));
        compare(way, PosixChecks.run(program, mount));
        end(daemon);
        assertEmpty(share);
    }

    static List<Machine> machines() {
        return Machine.pair();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("machines")
    void ofAGuest(Machine machine) throws Exception {
        GuestTestBase.skipOnlyWhenAsked();
        Files.copy(program, share.resolve("posix"));
        Path work = Files.createDirectory(share.resolve("work"));
        String options = "--tag=share " + ALL + "--cache=auto --posix-lock --flock";
        GuestTestBase.withGuest(
                VirtiofsdProcess.share(share, options.split(" ")),
                machine,
                (guest, daemon) -> {
                    String output =
                            guest.must(
                                    "chmod 755 /mnt/posix && /mnt/posix /mnt/work",
                                    Duration.ofMinutes(5));
                    String way = "guest-" + machine.kernel().name();
                    compare(way, PosixChecks.transcripts(output));
                });
        assertEmpty(work);
    }
}
