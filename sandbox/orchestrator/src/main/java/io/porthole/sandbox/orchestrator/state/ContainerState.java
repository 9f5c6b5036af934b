package io.porthole.sandbox.orchestrator.state;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A container as it is now.
 *
 * @param exitCode of its process, 128 + signal, or null while it has not ended
 * @param error what ended it from outside, or null
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ContainerState(
        ContainerSpec spec,
        String sandbox,
        Status status,
        Instant created,
        @Nullable Instant started,
        @Nullable Instant finished,
        @Nullable Integer exitCode,
        boolean oomKilled,
        @Nullable String error) {
    /** Where a container is in its life. */
    public enum Status {
        CREATED,
        RUNNING,
        STOPPED
    }

    public static ContainerState created(ContainerSpec spec, String sandbox) {
        return new ContainerState(
                spec, sandbox, Status.CREATED, Instant.now(), null, null, null, false, null);
    }

    public ContainerState running() {
        return new ContainerState(
                spec, sandbox, Status.RUNNING, created, Instant.now(), null, null, false, null);
    }

    public ContainerState ended(@Nullable Integer exitCode, boolean oom, @Nullable String error) {
        return new ContainerState(
                spec,
                sandbox,
                Status.STOPPED,
                created,
                started,
                Instant.now(),
                exitCode,
                oom,
                error);
    }
}
