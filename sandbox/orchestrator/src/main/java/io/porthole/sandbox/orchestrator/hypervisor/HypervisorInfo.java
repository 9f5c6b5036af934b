package io.porthole.sandbox.orchestrator.hypervisor;

/**
 * What a hypervisor is and can do on this host.
 *
 * @param name as a person knows it, such as "QEMU"
 * @param version its own version, such as "7.2.22"
 * @param accelerator what {@link Accelerator#AUTO} means here
 * @param acceleratorReason why, in one clause
 * @param hotplugsShares whether {@link VirtualMachine#addShare} can work
 * @param hotplugsNetworks whether {@link VirtualMachine#addNetwork} can work
 * @param hasWindows whether a share can have a window for DAX
 */
public record HypervisorInfo(
        String name,
        String version,
        Accelerator accelerator,
        String acceleratorReason,
        boolean hotplugsShares,
        boolean hotplugsNetworks,
        boolean hasWindows) {}
