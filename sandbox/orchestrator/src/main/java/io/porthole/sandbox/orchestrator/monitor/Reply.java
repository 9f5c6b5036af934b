package io.porthole.sandbox.orchestrator.monitor;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException.Kind;
import io.porthole.sandbox.orchestrator.state.ContainerStats;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a monitor answers. At most one of the members is set; none means "done".
 *
 * @param progress a step of something long: another answer follows
 * @param exec the id of a process that runs now: streams follow, then another answer
 * @param exitCode of the process whose streams this connection carried
 * @param oomKilled with exitCode: the container ran out of memory
 * @param metrics the agent's, as Prometheus text
 * @param error what failed
 * @param console with error: the end of the guest's console
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Reply(
        @Nullable String progress,
        @Nullable String exec,
        @Nullable Integer exitCode,
        boolean oomKilled,
        @Nullable ContainerStats stats,
        @Nullable String metrics,
        @Nullable String error,
        @Nullable Kind kind,
        @Nullable List<String> console) {
    static final Reply DONE = new Reply(null, null, null, false, null, null, null, null, null);

    static Reply progress(String step) {
        return new Reply(step, null, null, false, null, null, null, null, null);
    }

    static Reply running(String exec) {
        return new Reply(null, exec, null, false, null, null, null, null, null);
    }

    static Reply exited(int code, boolean oomKilled) {
        return new Reply(null, null, code, oomKilled, null, null, null, null, null);
    }

    static Reply stats(ContainerStats stats) {
        return new Reply(null, null, null, false, stats, null, null, null, null);
    }

    static Reply metrics(String text) {
        return new Reply(null, null, null, false, null, text, null, null, null);
    }

    static Reply failed(Throwable e) {
        return e instanceof SandboxException s
                ? new Reply(
                        null,
                        null,
                        null,
                        false,
                        null,
                        null,
                        e.getMessage(),
                        s.kind(),
                        s.consoleTail())
                : new Reply(
                        null,
                        null,
                        null,
                        false,
                        null,
                        null,
                        String.valueOf(e.getMessage()),
                        Kind.FAILED,
                        List.of());
    }

    /** Throws what the monitor reported. */
    Reply orThrow() throws SandboxException {
        if (error != null) {
            throw new SandboxException(
                    kind == null ? Kind.FAILED : kind,
                    error,
                    console == null ? List.of() : console);
        }
        return this;
    }
}
