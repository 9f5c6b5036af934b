package io.porthole.sandbox.orchestrator.hypervisor;

/** Something that happened to a running machine. */
public sealed interface VmEvent {
    /** The guest opened or closed the agent's port; closed means that the agent has gone. */
    record AgentPort(boolean open) implements VmEvent {}

    /** The virtual processors were stopped. */
    record Paused() implements VmEvent {}

    /** The virtual processors run again. */
    record Resumed() implements VmEvent {}
}
