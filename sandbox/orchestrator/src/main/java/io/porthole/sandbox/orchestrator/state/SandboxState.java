package io.porthole.sandbox.orchestrator.state;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import io.porthole.sandbox.orchestrator.process.ProcessId;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A sandbox as it is now.
 *
 * @param processes by role: "monitor", "qemu", "virtiofsd", "passt"
 * @param timingsMillis what the parts of the start took, in order
 * @param error why it ended, when nobody asked for it
 * @param networkUndo words of commands that take back what was done to a network namespace
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record SandboxState(
        SandboxSpec spec,
        Status status,
        Instant created,
        Map<String, ProcessId> processes,
        Map<String, Long> timingsMillis,
        @Nullable String error,
        List<String> consoleTail,
        List<List<String>> networkUndo) {
    /** Where a sandbox is in its life. */
    public enum Status {
        STARTING,
        RUNNING,
        STOPPED,
        FAILED;

        public boolean over() {
            return this == STOPPED || this == FAILED;
        }
    }

    public static SandboxState starting(SandboxSpec spec) {
        return new SandboxState(
                spec,
                Status.STARTING,
                Instant.now(),
                Map.of(),
                Map.of(),
                null,
                List.of(),
                List.of());
    }

    public SandboxState with(Status next) {
        return new SandboxState(
                spec, next, created, processes, timingsMillis, error, consoleTail, networkUndo);
    }

    public SandboxState withProcess(String role, ProcessId id) {
        Map<String, ProcessId> all = new LinkedHashMap<>(processes);
        all.put(role, id);
        return new SandboxState(
                spec, status, created, all, timingsMillis, error, consoleTail, networkUndo);
    }

    public SandboxState withTiming(String part, long millis) {
        Map<String, Long> all = new LinkedHashMap<>(timingsMillis);
        all.put(part, millis);
        return new SandboxState(
                spec, status, created, processes, all, error, consoleTail, networkUndo);
    }

    public SandboxState withNetworkUndo(List<List<String>> undo) {
        return new SandboxState(
                spec, status, created, processes, timingsMillis, error, consoleTail, undo);
    }

    public SandboxState failed(String why, List<String> tail) {
        return new SandboxState(
                spec, Status.FAILED, created, processes, timingsMillis, why, tail, networkUndo);
    }
}
