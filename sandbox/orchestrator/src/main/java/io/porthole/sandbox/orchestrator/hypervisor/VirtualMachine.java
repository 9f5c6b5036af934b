package io.porthole.sandbox.orchestrator.hypervisor;

import io.porthole.sandbox.orchestrator.process.ProcessId;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A machine that was started. */
public interface VirtualMachine extends AutoCloseable {
    /** The hypervisor's process. */
    ProcessId process();

    /** Stops the virtual processors; devices keep their state. */
    void pause() throws HypervisorException;

    void resume() throws HypervisorException;

    /** Plugs a vhost-user file system into the running guest. */
    void addShare(ShareDevice share) throws HypervisorException;

    /** Plugs a network card into the running guest. */
    void addNetwork(NetworkDevice network) throws HypervisorException;

    /** Asks the hypervisor; fails when it does not answer. */
    VmInfo info() throws HypervisorException;

    /** The last lines of the guest's console, oldest first, without control characters. */
    List<String> consoleTail(int lines);

    /** Completes, never exceptionally, when the machine is gone, whoever ended it. */
    CompletableFuture<VmEnd> end();

    /**
     * Ends the machine: the hypervisor is asked to quit, and killed when it has not after {@code
     * grace}. The guest is not asked: its file systems are the host's, and the agent has been told
     * before.
     */
    void stop(Duration grace);

    /** {@link #stop} without patience; idempotent. */
    @Override
    void close();
}
