package io.porthole.sandbox.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.porthole.sandbox.agentprotocol.grpc.BlkioStatsEntry;
import io.porthole.sandbox.agentprotocol.grpc.CgroupStats;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CgroupStatsReaderTest {
    @TempDir Path cgroup;

    private void file(String name, String text) throws IOException {
        Files.writeString(cgroup.resolve(name), text);
    }

    @Test
    void theKernelsFilesBecomeCounters() throws Exception {
        file(
                "cpu.stat",
                """
                usage_usec 1500
                user_usec 1000
                system_usec 500
                nr_periods 7
                nr_throttled 2
                throttled_usec 90
                nr_bursts 0
                burst_usec 0
                """);
        file("memory.current", "1048576\n");
        file("memory.peak", "2097152\n");
        file("memory.max", "4194304\n");
        file("memory.swap.current", "0\n");
        file("memory.swap.max", "max\n");
        file("memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n");
        file("memory.stat", "anon 4096\nfile 8192\nkernel 16384\n");
        file("pids.current", "3\n");
        file("pids.max", "100\n");
        file("io.stat", "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n7:0 \n");

        CgroupStats stats = new CgroupStatsReader(cgroup).read();

        assertEquals(1_500_000, stats.getCpuStats().getCpuUsage().getTotalUsage());
        assertEquals(1_000_000, stats.getCpuStats().getCpuUsage().getUsageInUsermode());
        assertEquals(500_000, stats.getCpuStats().getCpuUsage().getUsageInKernelmode());
        assertEquals(7, stats.getCpuStats().getThrottlingData().getPeriods());
        assertEquals(2, stats.getCpuStats().getThrottlingData().getThrottledPeriods());
        assertEquals(90_000, stats.getCpuStats().getThrottlingData().getThrottledTime());
        assertEquals(1 << 20, stats.getMemoryStats().getUsage().getUsage());
        assertEquals(2 << 20, stats.getMemoryStats().getUsage().getMaxUsage());
        assertEquals(4 << 20, stats.getMemoryStats().getUsage().getLimit());
        assertEquals(12, stats.getMemoryStats().getUsage().getFailcnt());
        assertEquals(-1, stats.getMemoryStats().getSwapUsage().getLimit());
        assertEquals(8192, stats.getMemoryStats().getCache());
        assertEquals(16384, stats.getMemoryStats().getKernelUsage().getUsage());
        assertEquals(4096, stats.getMemoryStats().getStatsOrThrow("anon"));
        assertEquals(3, stats.getPidsStats().getCurrent());
        assertEquals(100, stats.getPidsStats().getLimit());
        BlkioStatsEntry written = stats.getBlkioStats().getIoServiceBytesRecursive(1);
        assertEquals(254, written.getMajor());
        assertEquals("Write", written.getOp());
        assertEquals(8192, written.getValue());
        assertEquals(3, stats.getBlkioStats().getIoServicedRecursiveCount());
    }

    @Test
    void aMissingControllerCountsAsZeroAndMaxAsNoLimit() throws Exception {
        file("pids.max", "max\n");
        CgroupStats stats = new CgroupStatsReader(cgroup).read();
        assertEquals(0, stats.getCpuStats().getCpuUsage().getTotalUsage());
        assertEquals(-1, stats.getMemoryStats().getUsage().getLimit());
        assertEquals(0, stats.getPidsStats().getLimit());
        assertEquals(0, stats.getBlkioStats().getIoServicedRecursiveCount());
    }

    @Test
    void hugePagesAreCountedBySize() throws Exception {
        file("hugetlb.2MB.current", "2097152\n");
        file("hugetlb.2MB.rsvd.current", "5\n");
        file("hugetlb.2MB.events", "max 4\n");
        CgroupStats stats = new CgroupStatsReader(cgroup).read();
        assertEquals(1, stats.getHugetlbStatsCount());
        assertEquals(2 << 20, stats.getHugetlbStatsOrThrow("2MB").getUsage());
        assertEquals(4, stats.getHugetlbStatsOrThrow("2MB").getFailcnt());
    }
}
