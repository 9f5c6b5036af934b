package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.grpc.BlkioStats;
import io.porthole.sandbox.agentprotocol.grpc.BlkioStatsEntry;
import io.porthole.sandbox.agentprotocol.grpc.CgroupStats;
import io.porthole.sandbox.agentprotocol.grpc.CpuStats;
import io.porthole.sandbox.agentprotocol.grpc.CpuUsage;
import io.porthole.sandbox.agentprotocol.grpc.HugetlbStats;
import io.porthole.sandbox.agentprotocol.grpc.MemoryData;
import io.porthole.sandbox.agentprotocol.grpc.MemoryStats;
import io.porthole.sandbox.agentprotocol.grpc.PidsStats;
import io.porthole.sandbox.agentprotocol.grpc.ThrottlingData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A cgroup2 directory's files (Documentation/admin-guide/cgroup-v2.rst) as the protocol's counters.
 * A controller that is not enabled has no files and counts as zero.
 */
final class CgroupStatsReader {
    /** "max" in the kernel's files. */
    private static final long NO_LIMIT = -1;

    private final Path cgroup;

    CgroupStatsReader(Path cgroup) {
        this.cgroup = cgroup;
    }

    CgroupStats read() throws IOException {
        CgroupStats.Builder stats = CgroupStats.newBuilder();
        stats.setCpuStats(cpu());
        stats.setMemoryStats(memory());
        stats.setPidsStats(pids());
        stats.setBlkioStats(io());
        hugetlb(stats);
        return stats.build();
    }

    private CpuStats cpu() throws IOException {
        Map<String, Long> stat = keyed("cpu.stat");
        return CpuStats.newBuilder()
                .setCpuUsage(
                        CpuUsage.newBuilder()
                                .setTotalUsage(nanos(stat, "usage_usec"))
                                .setUsageInKernelmode(nanos(stat, "system_usec"))
                                .setUsageInUsermode(nanos(stat, "user_usec")))
                .setThrottlingData(
                        ThrottlingData.newBuilder()
                                .setPeriods(stat.getOrDefault("nr_periods", 0L))
                                .setThrottledPeriods(stat.getOrDefault("nr_throttled", 0L))
                                .setThrottledTime(nanos(stat, "throttled_usec")))
                .build();
    }

    private static long nanos(Map<String, Long> stat, String key) {
        return stat.getOrDefault(key, 0L) * 1000;
    }

    private MemoryStats memory() throws IOException {
        Map<String, Long> stat = keyed("memory.stat");
        Map<String, Long> events = keyed("memory.events");
        return MemoryStats.newBuilder()
                .setCache(stat.getOrDefault("file", 0L))
                .setUsage(data("memory", events.getOrDefault("max", 0L)))
                .setSwapUsage(
                        data("memory.swap", keyed("memory.swap.events").getOrDefault("max", 0L)))
                .setKernelUsage(MemoryData.newBuilder().setUsage(stat.getOrDefault("kernel", 0L)))
                .setUseHierarchy(true)
                .putAllStats(stat)
                .build();
    }

    private MemoryData data(String prefix, long failures) throws IOException {
        return MemoryData.newBuilder()
                .setUsage(number(prefix + ".current", 0))
                .setMaxUsage(number(prefix + ".peak", 0))
                .setLimit(number(prefix + ".max", NO_LIMIT))
                .setFailcnt(failures)
                .build();
    }

    private PidsStats pids() throws IOException {
        long limit = number("pids.max", NO_LIMIT);
        return PidsStats.newBuilder()
                .setCurrent(number("pids.current", 0))
                .setLimit(limit == NO_LIMIT ? 0 : limit)
                .build();
    }

    /**
     * io.stat has a line a device: {@code 254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6}.
     */
    private BlkioStats io() throws IOException {
        BlkioStats.Builder io = BlkioStats.newBuilder();
        String text = text("io.stat");
        if (text == null) {
            return io.build();
        }
        for (String line : text.split("\n", -1)) {
            String[] words = line.split(" ", -1);
            int colon = words[0].indexOf(':');
            if (colon < 0) {
                continue;
            }
            long major = Long.parseLong(words[0].substring(0, colon));
            long minor = Long.parseLong(words[0].substring(colon + 1));
            for (int i = 1; i < words.length; i++) {
                int equals = words[i].indexOf('=');
                if (equals > 0) {
                    ioCounter(
                            io,
                            major,
                            minor,
                            words[i].substring(0, equals),
                            Long.parseUnsignedLong(words[i].substring(equals + 1)));
                }
            }
        }
        return io.build();
    }

    private static void ioCounter(
            BlkioStats.Builder io, long major, long minor, String key, long value) {
        BlkioStatsEntry.Builder entry =
                BlkioStatsEntry.newBuilder().setMajor(major).setMinor(minor).setValue(value);
        switch (key) {
            case "rbytes" -> io.addIoServiceBytesRecursive(entry.setOp("Read"));
            case "wbytes" -> io.addIoServiceBytesRecursive(entry.setOp("Write"));
            case "dbytes" -> io.addIoServiceBytesRecursive(entry.setOp("Discard"));
            case "rios" -> io.addIoServicedRecursive(entry.setOp("Read"));
            case "wios" -> io.addIoServicedRecursive(entry.setOp("Write"));
            case "dios" -> io.addIoServicedRecursive(entry.setOp("Discard"));
            default -> {
                // Cost models and the like: the protocol has no place for them.
            }
        }
    }

    private void hugetlb(CgroupStats.Builder stats) throws IOException {
        String[] names = cgroup.toFile().list();
        if (names == null) {
            return;
        }
        for (String name : names) {
            if (name.startsWith("hugetlb.")
                    && name.endsWith(".current")
                    && !name.endsWith(".rsvd.current")) {
                String size = name.substring(8, name.length() - 8);
                stats.putHugetlbStats(
                        size,
                        HugetlbStats.newBuilder()
                                .setUsage(number(name, 0))
                                .setFailcnt(
                                        keyed("hugetlb." + size + ".events")
                                                .getOrDefault("max", 0L))
                                .build());
            }
        }
    }

    /** Lines of {@code key value}. */
    Map<String, Long> keyed(String file) throws IOException {
        Map<String, Long> values = new HashMap<>();
        String text = text(file);
        if (text == null) {
            return values;
        }
        int start = 0;
        while (start < text.length()) {
            int end = text.indexOf('\n', start);
            if (end < 0) {
                end = text.length();
            }
            int space = text.indexOf(' ', start);
            if (space > start && space < end) {
                values.put(
                        text.substring(start, space),
                        Long.parseUnsignedLong(text, space + 1, end, 10));
            }
            start = end + 1;
        }
        return values;
    }

    private long number(String file, long absent) throws IOException {
        String text = text(file);
        if (text == null) {
            return absent;
        }
        String value = text.strip();
        return value.equals("max") ? NO_LIMIT : Long.parseUnsignedLong(value);
    }

    private @Nullable String text(String file) throws IOException {
        Path path = cgroup.resolve(file);
        return Files.exists(path) ? Files.readString(path) : null;
    }
}
