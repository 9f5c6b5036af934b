package io.porthole.sandbox.orchestrator.hypervisor;

import java.util.List;

/**
 * Why a machine is gone.
 *
 * @param cause the kind of end
 * @param message one line that names what died and how
 * @param consoleTail the last lines of the guest's console
 */
public record VmEnd(Cause cause, String message, List<String> consoleTail) {
    public VmEnd {
        consoleTail = List.copyOf(consoleTail);
    }

    /** The kinds of end. */
    public enum Cause {
        /** {@link VirtualMachine#stop} or {@link VirtualMachine#close}. */
        STOPPED,
        /** The guest powered itself off. */
        SHUT_DOWN,
        /** The guest's kernel panicked or reset the machine. */
        PANICKED,
        /** The hypervisor's process died. */
        CRASHED,
        /** The hypervisor did not answer in time and was killed. */
        HUNG
    }

    /** Whether somebody asked for this end. */
    public boolean expected() {
        return cause == Cause.STOPPED;
    }
}
