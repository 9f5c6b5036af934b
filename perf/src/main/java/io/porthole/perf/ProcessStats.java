package io.porthole.perf;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What the kernel says of a process and its descendants (proc(5)): daemons fork a child into their
 * sandbox, and that one does the work.
 *
 * @param cpuNanos time on a processor of all threads that live (schedstat)
 * @param switches voluntary and involuntary context switches of them
 * @param gone threads that ended while this was read
 */
record ProcessStats(long cpuNanos, long switches, int gone) {

    /** The process and all its descendants that live now. */
    static List<Long> family(ProcessHandle process) {
        List<Long> pids = new ArrayList<>();
        pids.add(process.pid());
        process.descendants().forEach(p -> pids.add(p.pid()));
        return pids;
    }

    static ProcessStats of(List<Long> pids) throws IOException {
        long cpu = 0;
        long switches = 0;
        int gone = 0;
        for (long pid : pids) {
            try (DirectoryStream<Path> tasks =
                    Files.newDirectoryStream(Path.of("/proc/" + pid + "/task"))) {
                for (Path task : tasks) {
                    try {
                        cpu += cpuNanos(task);
                        for (String line : Files.readAllLines(task.resolve("status"))) {
                            if (line.contains("voluntary_ctxt_switches")) {
                                String count = line.substring(line.indexOf(':') + 1);
                                switches += Long.parseLong(count.strip());
                            }
                        }
                    } catch (NoSuchFileException e) {
                        gone++;
                    }
                }
            }
        }
        return new ProcessStats(cpu, switches, gone);
    }

    /** Time on a processor that a thread has had, by /proc/PID/task/TID. */
    static long cpuNanos(Path task) throws IOException {
        String stat = Files.readString(task.resolve("schedstat"));
        return Long.parseLong(stat.substring(0, stat.indexOf(' ')));
    }

    /**
     * Memory in bytes, shared guest memory excepted: it is the guest's, and a part of it would be
     * counted by chance of who touched it.
     *
     * @param rss resident
     * @param pss the process' share of what it shares
     */
    record Memory(long rss, long pss) {}

    static Memory memory(List<Long> pids) throws IOException {
        long rss = 0;
        long pss = 0;
        for (long pid : pids) {
            boolean guest = false;
            for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/smaps"))) {
                if (Character.isUpperCase(line.charAt(0))) {
                    if (!guest && line.startsWith("Rss:")) {
                        rss += kib(line);
                    } else if (!guest && line.startsWith("Pss:")) {
                        pss += kib(line);
                    }
                } else {
                    guest = line.contains("/memfd:");
                }
            }
        }
        return new Memory(rss << 10, pss << 10);
    }

    private static long kib(String line) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
    }
}
