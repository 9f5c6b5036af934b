package io.porthole.perf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** What the figures were measured on, without a name that would tell whose it is. */
final class Machine {
    private Machine() {}

    /** For example {@code AMD EPYC, 2 processors, Linux 6.18, Java 25.0.3}. */
    static String describe() throws IOException {
        List<String> lines = Files.readAllLines(Path.of("/proc/cpuinfo"));
        String cpu =
                lines.stream()
                        .filter(line -> line.startsWith("model name"))
                        .map(line -> line.substring(line.indexOf(':') + 1).strip())
                        .findFirst()
                        .orElse("unknown processor");
        // Not those that this process may use, which are the driver's.
        long processors = lines.stream().filter(line -> line.startsWith("processor")).count();
        String kernel = Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
        // What comes behind the numbers is the builder's.
        String release = kernel.replaceFirst("^(\\d+\\.\\d+).*", "$1");
        String java =
                Runtime.version().version().stream()
                        .map(String::valueOf)
                        .collect(Collectors.joining("."));
        return cpu + ", " + processors + " processors, Linux " + release + ", Java " + java;
    }
}
