package io.porthole.sandbox.orchestrator.state;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.List;
import java.util.Map;

/**
 * A container's counters, as its cgroup in the guest has them.
 *
 * @param memoryLimitBytes 0 for no limit
 * @param memory the lines of memory.stat
 * @param pidsLimit 0 for no limit
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ContainerStats(
        String id,
        long cpuNanos,
        long cpuUserNanos,
        long cpuSystemNanos,
        long memoryBytes,
        long memoryLimitBytes,
        Map<String, Long> memory,
        long pids,
        long pidsLimit,
        List<NetworkCounters> networks) {
    /** One interface of the sandbox. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record NetworkCounters(String name, long receivedBytes, long sentBytes) {}
}
