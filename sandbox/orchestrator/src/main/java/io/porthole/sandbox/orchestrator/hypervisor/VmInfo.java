package io.porthole.sandbox.orchestrator.hypervisor;

/**
 * A running machine.
 *
 * @param status as the hypervisor names it, such as "running" or "paused"
 * @param vcpus virtual processors present
 * @param memoryBytes guest memory present
 */
public record VmInfo(String status, int vcpus, long memoryBytes) {}
