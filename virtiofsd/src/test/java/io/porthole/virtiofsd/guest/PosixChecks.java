package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The table of POSIX checks, {@code src/test/c/posix}: one static program that runs on any
 * directory, of this host or of a guest, and prints a line per check with the transcript of what
 * came of each of its steps. A way to reach files conforms if its transcripts are those of the file
 * system below, but for the differences that docs/conformance.md tells ({@link PosixDifferences}).
 */
public final class PosixChecks {
    private PosixChecks() {}

    /** Reads what the program printed: check names in the table's order, and transcripts. */
    static Map<String, String> transcripts(String output) {
        Map<String, String> transcripts = new LinkedHashMap<>();
        for (String line : output.lines().toList()) {
            String[] words = line.split(" ", 3);
            if (words.length < 2 || !(words[1].equals("ok") || words[1].equals("differs"))) {
                throw new AssertionError("not a check's line: " + line);
            }
            String rest = words.length == 3 ? words[2] : "";
            int expected = words[1].equals("ok") ? -1 : rest.lastIndexOf(" (expected: ");
            String transcript = expected < 0 ? rest : rest.substring(0, expected);
            if (transcripts.put(words[0], transcript) != null) {
                throw new AssertionError("twice in the table: " + words[0]);
            }
        }
        return transcripts;
    }

    /** Compiles the program for this host and any guest. */
    public static void compile(Path program) throws IOException, InterruptedException {
        Path folder = Rig.repository().resolve("virtiofsd/src/test/c/posix");
        List<String> command =
                new ArrayList<>(List.of("gcc", "-static", "-O1", "-o", program.toString()));
        try (Stream<Path> sources = Files.list(folder)) {
            sources.map(Path::toString)
                    .filter(p -> p.endsWith(".c"))
                    .sorted()
                    .forEach(command::add);
        }
        Processes.must(command.toArray(String[]::new));
    }

    /** The names of the table, from the program itself. */
    public static List<String> names(Path program) throws IOException, InterruptedException {
        return Processes.must(program.toString(), "--list").lines().toList();
    }

    /** The transcripts that the table expects: those of ext4. */
    static Map<String, String> expected(Path program) throws IOException, InterruptedException {
        return transcripts(Processes.must(program.toString(), "--expected"));
    }

    /** Runs the whole table in a directory of this host. */
    public static Map<String, String> run(Path program, Path directory)
            throws IOException, InterruptedException {
        return transcripts(Processes.must(program.toString(), directory.toString()));
    }

    /**
     * Writes {@code target/conformance/WAY.txt}, a line per check ({@code same}, {@code
     * documented}, {@code DIFFERS} or {@code not applicable}), and fails where something differs
     * without being documented, or is documented but does not differ.
     *
     * @param names all of the table
     * @param below transcripts of the file system below
     * @param documented transcripts that are to be different
     * @param notApplicable checks that this way cannot run, and why; those must not have been run
     */
    public static void compare(
            String way,
            List<String> names,
            Map<String, String> below,
            Map<String, String> seen,
            Map<String, String> documented,
            Map<String, String> notApplicable)
            throws IOException {
        List<String> report = new ArrayList<>();
        for (String name : names) {
            report.add(
                    name
                            + " "
                            + verdict(
                                    String.valueOf(below.get(name)),
                                    seen.get(name),
                                    documented.get(name),
                                    notApplicable.get(name)));
        }
        Path folder =
                Files.createDirectories(Rig.repository().resolve("virtiofsd/target/conformance"));
        Files.write(folder.resolve(way + ".txt"), report);
        List<String> unknown = new ArrayList<>(seen.keySet());
        unknown.removeAll(names);
        assertEquals(List.of(), unknown, "not in the table");
        assertEquals(
                List.of(), report.stream().filter(l -> l.contains(" DIFFERS: ")).toList(), way);
    }

    private static String verdict(
            String below,
            @Nullable String seen,
            @Nullable String documented,
            @Nullable String whyNot) {
        if (seen == null) {
            return whyNot == null ? "DIFFERS: did not run" : "not applicable: " + whyNot;
        }
        if (whyNot != null) {
            return "DIFFERS: runs after all";
        }
        if (documented == null) {
            return seen.equals(below) ? "same: " + seen : "DIFFERS: " + seen + " <> " + below;
        }
        return seen.equals(documented) && !seen.equals(below)
                ? "documented: " + seen + " <> " + below
                : "DIFFERS: " + seen + ", but documented as " + documented;
    }
}
