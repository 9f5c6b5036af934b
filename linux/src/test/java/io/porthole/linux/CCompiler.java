package io.porthole.linux;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Asks gcc and the installed headers for the values of C expressions. */
final class CCompiler {
    private CCompiler() {}

    /**
     * The value of each expression, 64 bits, by its text. A macro that the headers do not define
     * has no entry; any other expression that does not compile fails.
     *
     * @param prelude defines and includes
     */
    static Map<String, Long> evaluate(
            Path dir, String prelude, List<String> macros, List<String> expressions)
            throws IOException, InterruptedException {
        StringBuilder source = new StringBuilder(prelude).append("\n#include <stdio.h>\n");
        source.append("#include <stddef.h>\nint main(void) {\n");
        for (String macro : macros) {
            source.append("#ifdef ").append(macro).append('\n');
            print(source, macro);
            source.append("#endif\n");
        }
        for (String expression : expressions) {
            print(source, expression);
        }
        source.append("return 0; }\n");
        Path file = dir.resolve("values.c");
        Files.writeString(file, source);
        Path program = dir.resolve("values");
        run("gcc", "-w", "-o", program.toString(), file.toString());
        Map<String, Long> values = new LinkedHashMap<>();
        for (String line : run(program.toString()).lines().toList()) {
            int tab = line.indexOf('\t');
            values.put(line.substring(0, tab), Long.parseLong(line.substring(tab + 1)));
        }
        return values;
    }

    private static void print(StringBuilder source, String expression) {
        source.append("printf(\"%s\\t%lld\\n\", \"")
                .append(expression)
                .append("\", (long long) (")
                .append(expression)
                .append("));\n");
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
            throw new IOException(String.join(" ", command) + " failed:\n" + output);
        }
        return output;
    }
}
