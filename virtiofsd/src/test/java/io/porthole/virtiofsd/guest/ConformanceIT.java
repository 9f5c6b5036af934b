package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The table of {@code src/test/c/conformance.c}, run on the file system below the share, through a
 * mount of it, and in guests: the same names must come out, and the same results but for the
 * differences that docs/conformance.md explains. What came of each is in target/conformance-*.txt.
 */
class ConformanceIT extends MountTestBase {
    /** The kernel's FUSE has no such calls: EOPNOTSUPP never reaches the daemon. */
    private static final Map<String, String> NO_COLLAPSE =
            Map.of("fallocate_modes", "not all: EOPNOTSUPP EOPNOTSUPP");

    /** A file that is not cached has no pages to share, but for --allow-mmap. */
    private static final List<String> SHARED_MAPPINGS =
            List.of("mmap_shared_writes", "mmap_after_unlink", "mmap_beyond_end");

    private static final List<String> TRUSTED = List.of("xattr_lists", "xattr_kinds");

    private Path program() throws IOException, InterruptedException {
        Path program = dir.resolve("conformance");
        Processes.compile("conformance", program);
        return program;
    }

    private static Map<String, String> results(String output) {
        Map<String, String> results = new LinkedHashMap<>();
        output.lines()
                .forEach(line -> {
                    int space = line.indexOf(' ');
                    results.put(line.substring(0, space), line.substring(space + 1));
                });
        return results;
    }

    private Map<String, String> below(Path program) throws IOException, InterruptedException {
        Path plain = Files.createDirectory(dir.resolve("plain"));
        return results(Processes.must(program.toString(), plain.toString()));
    }

    /** All that is not as on the file system below must be among the differences. */
    private static void compare(
            String way,
            Map<String, String> below,
            Map<String, String> seen,
            Map<String, String> differences)
            throws IOException {
        List<String> report = new ArrayList<>();
        Map<String, String> different = new TreeMap<>();
        for (Map.Entry<String, String> check : below.entrySet()) {
            String result = seen.getOrDefault(check.getKey(), "was not run");
            report.add(check.getKey() + ": " + result);
            if (!result.equals(check.getValue())) {
                different.put(check.getKey(), result);
            }
        }
        Files.write(Path.of("target", "conformance-" + way + ".txt"), report);
        assertEquals(below.keySet(), seen.keySet(), "the same names");
        assertTrue(below.size() > 110, "the whole table");
        Map<String, String> unexplained = new TreeMap<>(different);
        differences.forEach((name, text) -> {
            String result = different.getOrDefault(name, "as below");
            if (result.contains(text)) {
                unexplained.remove(name);
            } else {
                unexplained.put(name, result + ", but documented as: " + text);
            }
        });
        assertEquals(Map.of(), unexplained);
    }

    private static Map<String, String> differences(List<String> names, String text) {
        Map<String, String> all = new TreeMap<>(NO_COLLAPSE);
        names.forEach(name -> all.put(name, text));
        return all;
    }

    private void onMount(String way, Map<String, String> differences, String... options)
            throws Exception {
        Path program = program();
        Map<String, String> below = below(program);
        assertEquals(List.of("ok"), below.values().stream().distinct().toList(), below::toString);
        Process daemon = start(options);
        compare(
                way,
                below,
                results(Processes.must(program.toString(), mount.toString())),
                differences);
        end(daemon);
    }

    @Test
    void ofAMount() throws Exception {
        onMount(
                "mount",
                NO_COLLAPSE,
                "--posix-acl",
                "--posix-lock",
                "--flock",
                "--modcaps=+sys_admin");
    }

    @Test
    void withoutTheRightToTrustedAttributes() throws Exception {
        onMount("mount-plain", differences(TRUSTED, "EPERM"), "--xattr");
    }

    @Test
    void withoutACache() throws Exception {
        Map<String, String> all = differences(SHARED_MAPPINGS, "m != MAP_FAILED");
        onMount("mount-never", all, "--cache=never", "--xattr", "--modcaps=+sys_admin");
    }

    @Test
    void withWritesThatAreGathered() throws Exception {
        Map<String, String> all = differences(List.of("write_past_limit"), "EFBIG (0)");
        all.put("fsync_all", "syncfs(d) == 0 (EFBIG)");
        onMount(
                "mount-writeback",
                all,
                "--cache=always",
                "--writeback",
                "--killpriv-v2",
                "--xattr",
                "--modcaps=+sys_admin");
    }

    static List<Machine> machines() {
        return Machine.pair();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("machines")
    void ofAGuest(Machine machine) throws Exception {
        GuestTestBase.skipOnlyWhenAsked();
        Path program = program();
        Map<String, String> below = below(program);
        Files.copy(program, share.resolve("program"));
        VirtiofsdProcess started =
                VirtiofsdProcess.share(
                        share,
                        "--tag=share",
                        "--posix-acl",
                        "--posix-lock",
                        "--flock",
                        "--modcaps=+sys_admin");
        GuestTestBase.withGuest(
                started,
                machine,
                (guest, daemon) -> {
                    String output =
                            guest.must(
                                    "chmod 755 /mnt/program && mkdir /mnt/run && /mnt/program /mnt/run",
                                    Duration.ofMinutes(4));
                    String way = "guest-" + machine.kernel().name();
                    compare(way, below, results(output), NO_COLLAPSE);
                });
    }
}
