package io.porthole.perf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the figures were measured on, without a name that would tell whose it is. */
final class Machine {
    private Machine() {}

    static String describe() throws IOException {
        String cpu = "unknown processor";
        for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
            if (line.startsWith("model name")) {
                cpu = line.substring(line.indexOf(':') + 1).strip();
                break;
            }
        }
        String kernel = Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
        return cpu
                + ", "
                + Runtime.getRuntime().availableProcessors()
                + " for the driver, Linux "
                + kernel
                + ", Java "
                + Runtime.version();
    }
}
