package io.porthole.sandbox.orchestrator.hypervisor;

import java.util.function.Consumer;

/** A program that runs virtual machines on this host. */
public interface Hypervisor {
    /** What it is and can do here, found by asking it; cheap after the first call. */
    HypervisorInfo info() throws HypervisorException;

    /**
     * Starts a machine and returns once it executes; the guest's own start-up is not waited for.
     *
     * @param listener told of everything that happens to the machine but its end, which is {@link
     *     VirtualMachine#end()}; must not block
     */
    VirtualMachine start(VmConfig config, Consumer<VmEvent> listener) throws HypervisorException;
}
