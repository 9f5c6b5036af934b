package io.porthole.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compares the struct classes with the kernel's header, by what the C compiler says of it: always
 * with fuse-abi.txt, which was made from the header of Linux 7.3, and where there is a C compiler
 * also with the header that is installed, as far as that one goes. Debian 12's ends at 7.38: newer
 * than that are struct fuse_statx and its kin, fuse_supp_groups, fuse_copy_file_range_out,
 * fuse_notify_prune_out, backing_id of fuse_open_out and request_timeout of fuse_init_out; the file
 * alone vouches for them.
 */
class CStructsTest {
    /** Constants of our own, which the header does not have under that name. */
    private static final Set<String> OURS = Set.of("COMPAT_BYTES");

    private static final Pattern STRUCT =
            Pattern.compile("struct (fuse_\\w+) \\{(.*?)\\n?\\};", Pattern.DOTALL);
    private static final Pattern MEMBER = Pattern.compile("(\\w+)\\s*(?:\\[\\d*\\])?;");

    @Test
    void sizesOffsetsAndFlagsAreThoseOfTheNewestHeader() throws Exception {
        Map<String, Long> ours = ours();
        Map<String, Long> header = new TreeMap<>(recorded());
        assertEquals(Set.of(), difference(ours.keySet(), header.keySet()));
        header.keySet().retainAll(ours.keySet());
        assertEquals(Map.of(), differences(header, ours));
    }

    private static Set<String> difference(Set<String> all, Set<String> without) {
        Set<String> rest = new TreeSet<>(all);
        rest.removeAll(without);
        return rest;
    }

    /** What the header says otherwise than we do. */
    private static Map<String, String> differences(
            Map<String, Long> header, Map<String, Long> ours) {
        Map<String, String> differences = new TreeMap<>();
        header.forEach((line, value) -> {
            if (!value.equals(ours.get(line))) {
                differences.put(line, value + ", not " + ours.get(line));
            }
        });
        return differences;
    }

    @Test
    void noFieldOfAStructIsLeftOut() throws Exception {
        Map<String, Long> ours = ours();
        Set<String> missing = new TreeSet<>();
        for (String line : recorded().keySet()) {
            String[] words = line.split(" ", -1);
            // What has no fixed place of its own: flexible arrays begin at BYTES.
            boolean flexible = line.endsWith("fuse_dirent name") || line.endsWith("groups groups");
            if (words[0].equals("offsetof") && !flexible && !ours.containsKey(line)) {
                missing.add(line);
            }
        }
        assertEquals(Set.of(), missing);
    }

    @Test
    void everyOpcodeAndInitFlagHasTheValueOfTheNewestHeader() throws Exception {
        Map<String, Long> header = recorded();
        for (Opcode opcode : Opcode.values()) {
            assertEquals(header.get("value FUSE_" + opcode.name()), opcode.code(), opcode.name());
        }
        for (Field field : InitFlags.class.getFields()) {
            assertEquals(
                    header.get("value " + field.getName()), field.getLong(null), field.getName());
        }
    }

    @Test
    void installedHeaderAgrees(@TempDir Path dir) throws Exception {
        assumeTrue(compiler(dir, "", "--version") != null, "no C compiler (gcc) on this machine");
        String preprocessed = compiler(dir, "#include <linux/fuse.h>", "-E", "-P");
        assumeTrue(preprocessed != null, "no linux/fuse.h on this machine (linux-libc-dev)");
        Map<String, Long> header = compiled(dir, preprocessed);
        // Later versions take their new fields from the padding.
        header.keySet().removeIf(l -> l.matches(".* (unused|spare|padding|reserved)\\d*"));
        header.keySet().retainAll(ours().keySet());
        assertTrue(header.size() > 250, "only " + header.size() + " lines to compare");
        assertEquals(Map.of(), differences(header, ours()));
    }

    /** "sizeof S", "offsetof S member" and "value NAME" of the struct classes. */
    private static Map<String, Long> ours() throws Exception {
        Map<String, Long> lines = new TreeMap<>();
        List<Class<?>> structs = structs();
        assertTrue(structs.size() > 60, "only " + structs.size() + " struct classes found");
        for (Class<?> struct : structs) {
            String name = cName(struct);
            for (Field field : struct.getDeclaredFields()) {
                field.setAccessible(true);
                String constant = field.getName();
                if (constant.equals("BYTES")) {
                    lines.put("sizeof " + name, field.getLong(null));
                } else if (constant.matches("(FUSE|FOPEN|FATTR)_.*")) {
                    long value = field.getLong(null);
                    boolean unsigned = constant.equals("FUSE_INVALID_UIDGID");
                    lines.put("value " + constant, unsigned ? value & 0xffff_ffffL : value);
                } else if (!OURS.contains(constant)) {
                    lines.put(
                            "offsetof " + name + " " + constant.toLowerCase(Locale.ROOT),
                            field.getLong(null));
                }
            }
        }
        return lines;
    }

    private static List<Class<?>> structs() throws Exception {
        Path classes =
                Path.of(FuseAttr.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        List<Class<?>> structs = new ArrayList<>();
        try (DirectoryStream<Path> files =
                Files.newDirectoryStream(classes.resolve("io/porthole/fuse"), "Fuse*.class")) {
            for (Path file : files) {
                String name = file.getFileName().toString().replace(".class", "");
                if (!name.startsWith("FuseServer")) {
                    structs.add(Class.forName("io.porthole.fuse." + name));
                }
            }
        }
        for (Class<?> struct : structs) {
            for (Field field : struct.getDeclaredFields()) {
                assertTrue(Modifier.isStatic(field.getModifiers()), field.toString());
            }
        }
        return structs;
    }

    /** FuseRename2In is fuse_rename2_in. */
    private static String cName(Class<?> struct) {
        return struct.getSimpleName()
                .replaceAll("(?<=.)(\\p{Upper})", "_$1")
                .toLowerCase(Locale.ROOT);
    }

    private static Map<String, Long> recorded() throws IOException {
        try (InputStream in = CStructsTest.class.getResourceAsStream("fuse-abi.txt")) {
            return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    private static Map<String, Long> parse(String text) {
        Map<String, Long> lines = new TreeMap<>();
        for (String line : text.lines().filter(l -> !l.startsWith("#")).toList()) {
            int space = line.lastIndexOf(' ');
            lines.put(
                    // "__spare2" of the header is "spare2" here.
                    line.substring(0, space).replace(" __", " "),
                    Long.parseLong(line.substring(space + 1)));
        }
        assertFalse(lines.isEmpty());
        return lines;
    }

    /** Asks the compiler about every struct of the preprocessed header, and about our constants. */
    private static Map<String, Long> compiled(Path dir, String preprocessed) throws Exception {
        Map<String, String> questions = new LinkedHashMap<>();
        Matcher structs = STRUCT.matcher(preprocessed);
        while (structs.find()) {
            String name = structs.group(1);
            questions.put("sizeof " + name, "sizeof(struct " + name + ")");
            Matcher members = MEMBER.matcher(structs.group(2));
            while (members.find()) {
                questions.put(
                        "offsetof " + name + " " + members.group(1),
                        "offsetof(struct " + name + ", " + members.group(1) + ")");
            }
        }
        StringBuilder program =
                new StringBuilder(
                        """
                        #include <stdio.h>
                        #include <stddef.h>
                        #include <linux/fuse.h>
                        int main(void) {
                        """);
        questions.forEach((line, expression) ->
                program.append(
                        "printf(\"%s %%lld\\n\", (long long) %s);%n".formatted(line, expression)));
        for (String line : ours().keySet()) {
            if (line.startsWith("value ")) {
                String name = line.substring(6);
                program.append(
                        "#ifdef %1$s%nprintf(\"value %1$s %%lld\\n\", (long long) (%1$s));%n#endif%n"
                                .formatted(name));
            }
        }
        program.append("return 0; }\n");
        String built = compiler(dir, program.toString(), "-w", "-o", dir.resolve("abi").toString());
        assertTrue(built != null, "the program that prints the header's sizes does not compile");
        Process run = new ProcessBuilder(dir.resolve("abi").toString()).start();
        return parse(new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    }

    /** What gcc prints for {@code source}, or null if it is not there or fails. */
    private static String compiler(Path dir, String source, String... options) throws Exception {
        Path file = Files.writeString(dir.resolve("source.c"), source);
        List<String> command = new ArrayList<>(List.of("gcc"));
        command.addAll(List.of(options));
        command.add(file.toString());
        try {
            Process process =
                    new ProcessBuilder(command)
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? output : null;
        } catch (IOException e) {
            return null;
        }
    }
}
