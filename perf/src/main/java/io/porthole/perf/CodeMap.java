package io.porthole.perf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What lies where in a process's code: methods that a JVM compiled, else files. */
final class CodeMap {
    private record Piece(long end, String name) {}

    private final NavigableMap<Long, Piece> files = new TreeMap<>();
    private final NavigableMap<Long, Piece> methods = new TreeMap<>();

    private CodeMap() {}

    /** Asks the kernel, and the JVM if the process is one that can be asked. */
    static CodeMap of(long pid) throws IOException, InterruptedException {
        CodeMap map = new CodeMap();
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/maps"))) {
            // 7f12-7f34 r-xp 0000 08:01 123    /usr/lib/libc.so.6 (proc(5))
            String[] fields = line.split(" +", 6);
            String name = fields.length > 5 && !fields[5].isBlank() ? fields[5] : "anonymous";
            map.addFile(fields[0], name.substring(name.lastIndexOf('/') + 1));
        }
        Path table = Path.of("/tmp/perf-" + pid + ".map");
        if (Files.readString(Path.of("/proc/" + pid + "/comm")).strip().equals("java")
                && askJvm(pid)
                && Files.exists(table)) {
            Files.readAllLines(table).forEach(map::addMethod);
            Files.delete(table);
        }
        return map;
    }

    private static boolean askJvm(long pid) throws IOException, InterruptedException {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        Process process =
                new ProcessBuilder(jcmd.toString(), Long.toString(pid), "Compiler.perfmap")
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
    }

    private void addFile(String range, String name) {
        String[] ends = range.split("-", 2);
        files.put(
                Long.parseUnsignedLong(ends[0], 16),
                new Piece(Long.parseUnsignedLong(ends[1], 16), name));
    }

    /** A line of perf's map of a JIT compiler: START SIZE NAME, in hexadecimal without prefix. */
    private void addMethod(String line) {
        String[] fields = line.split(" ", 3);
        long start = Long.parseUnsignedLong(fields[0].replace("0x", ""), 16);
        long bytes = Long.parseUnsignedLong(fields[1].replace("0x", ""), 16);
        methods.put(start, new Piece(start + bytes, shortName(fields[2])));
    }

    /** "long a.b.Type.method(a.b.Other, int)": as "Type.method". */
    private static String shortName(String signature) {
        int open = signature.indexOf('(');
        if (open < 1 || signature.charAt(open - 1) == ' ') {
            return signature;
        }
        String name = signature.substring(signature.lastIndexOf(' ', open) + 1, open);
        int method = name.lastIndexOf('.');
        return name.substring(name.lastIndexOf('.', method - 1) + 1);
    }

    /** The method or the file that {@code address} is in. */
    String name(long address) {
        String method = find(methods, address);
        String file = method == null ? find(files, address) : null;
        return Objects.requireNonNullElse(method, Objects.requireNonNullElse(file, "unknown"));
    }

    private static @Nullable String find(NavigableMap<Long, Piece> pieces, long address) {
        Map.Entry<Long, Piece> before = pieces.floorEntry(address);
        return before != null && address < before.getValue().end ? before.getValue().name : null;
    }
}
