package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A container: its processes by exec id, its storages. Guarded by itself. */
final class Container {
    private final String id;
    private final Path bundle;
    private final Path cgroup;
    private final boolean ownPidNamespace;
    private final List<String> storages;
    private final ContainerProcess init;
    private final Map<String, ContainerProcess> execs = new HashMap<>();
    private boolean started;
    private boolean removed;

    /**
     * @param storages mount points that go back when the container is removed
     */
    Container(
            String id,
            Path bundle,
            Path cgroup,
            boolean ownPidNamespace,
            List<String> storages,
            ContainerProcess init) {
        this.id = id;
        this.bundle = bundle;
        this.cgroup = cgroup;
        this.ownPidNamespace = ownPidNamespace;
        this.storages = storages;
        this.init = init;
    }

    String id() {
        return id;
    }

    Path bundle() {
        return bundle;
    }

    Path cgroup() {
        return cgroup;
    }

    boolean ownPidNamespace() {
        return ownPidNamespace;
    }

    List<String> storages() {
        return storages;
    }

    ContainerProcess init() {
        return init;
    }

    /**
     * The process of an exec id; the container's own for an empty one and for the container's id,
     * as Kata's runtimes name it.
     *
     * @throws TtrpcException NOT_FOUND
     */
    synchronized ContainerProcess process(String execId) {
        if (execId.isEmpty() || execId.equals(id)) {
            return init;
        }
        ContainerProcess process = execs.get(execId);
        if (process == null) {
            throw new TtrpcException(
                    StatusCode.NOT_FOUND, "container " + id + " has no process " + execId);
        }
        return process;
    }

    /** Whether a further process can be started. */
    synchronized void checkRunning(String execId) {
        if (removed) {
            throw new TtrpcException(StatusCode.NOT_FOUND, "container " + id + " is removed");
        }
        if (!started || init.exit().isDone()) {
            throw new TtrpcException(
                    StatusCode.FAILED_PRECONDITION, "container " + id + " is not running");
        }
        if (execId.isEmpty() || execId.equals(id) || execs.containsKey(execId)) {
            throw new TtrpcException(
                    StatusCode.ALREADY_EXISTS, "container " + id + " has a process " + execId);
        }
    }

    /** False when the container was removed meanwhile: the process' streams are then closed. */
    synchronized boolean put(String execId, ContainerProcess process) {
        if (removed) {
            process.close();
            return false;
        }
        execs.put(execId, process);
        return true;
    }

    synchronized void forget(String execId) {
        ContainerProcess process = execs.remove(execId);
        if (process != null) {
            process.close();
        }
    }

    synchronized boolean markStarted() {
        boolean was = started;
        started = true;
        return !was;
    }

    synchronized boolean isStarted() {
        return started;
    }

    /** Closes all streams; no process can be added after. */
    synchronized void close() {
        removed = true;
        List<ContainerProcess> all = new ArrayList<>(execs.values());
        execs.clear();
        for (ContainerProcess process : all) {
            process.close();
        }
        init.close();
    }
}
