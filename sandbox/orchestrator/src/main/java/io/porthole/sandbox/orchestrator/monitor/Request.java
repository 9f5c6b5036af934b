package io.porthole.sandbox.orchestrator.monitor;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.porthole.sandbox.orchestrator.state.ContainerSpec;
import io.porthole.sandbox.orchestrator.state.ProcessSpec;

/** What a command may ask of a monitor; the first frame of a connection. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "op")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Request.Ready.class, name = "ready"),
    @JsonSubTypes.Type(value = Request.Create.class, name = "create"),
    @JsonSubTypes.Type(value = Request.Start.class, name = "start"),
    @JsonSubTypes.Type(value = Request.Attach.class, name = "attach"),
    @JsonSubTypes.Type(value = Request.Exec.class, name = "exec"),
    @JsonSubTypes.Type(value = Request.Signal.class, name = "signal"),
    @JsonSubTypes.Type(value = Request.Resize.class, name = "resize"),
    @JsonSubTypes.Type(value = Request.Stop.class, name = "stop"),
    @JsonSubTypes.Type(value = Request.Remove.class, name = "remove"),
    @JsonSubTypes.Type(value = Request.Forget.class, name = "forget"),
    @JsonSubTypes.Type(value = Request.Stats.class, name = "stats"),
    @JsonSubTypes.Type(value = Request.Metrics.class, name = "metrics"),
    @JsonSubTypes.Type(value = Request.ShutDown.class, name = "shutdown"),
})
public sealed interface Request {
    /** Answers when the sandbox has booted; progress comes before. */
    record Ready() implements Request {}

    /** Makes a container. */
    record Create(ContainerSpec spec) implements Request {}

    /** Starts a container, detached. */
    record Start(String id) implements Request {}

    /**
     * Attaches to a container's streams.
     *
     * @param start whether to start it then
     */
    record Attach(String id, boolean start) implements Request {}

    /**
     * Starts a further process.
     *
     * @param detach answered when it runs, its output dropped
     */
    record Exec(String id, ProcessSpec process, boolean detach) implements Request {}

    /**
     * Sends a signal.
     *
     * @param exec of the process, "" for the container's own
     */
    record Signal(String id, String exec, int signal) implements Request {}

    /** Sets the size of a process's terminal. */
    record Resize(String id, String exec, int rows, int columns) implements Request {}

    /** Stops a container; answers when it has ended. */
    record Stop(String id, int signal, int graceSeconds) implements Request {}

    /** Removes a container that does not run. */
    record Remove(String id) implements Request {}

    /** Takes a container that has ended out of the guest; its files stay. */
    record Forget(String id) implements Request {}

    /** Reads a container's counters. */
    record Stats(String id) implements Request {}

    /** Reads what the agent says of itself and the guest. */
    record Metrics() implements Request {}

    /** Ends the sandbox; answers when it is gone. */
    record ShutDown() implements Request {}
}
