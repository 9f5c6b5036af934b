package io.porthole.sandbox.orchestrator.hypervisor;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A machine to start.
 *
 * @param name shown to people and in the hypervisor's process title; letters, digits, '-', '_', '.'
 * @param memoryBytes guest memory, shared with the daemons; a multiple of 2 MiB
 * @param accelerator how guest code runs
 * @param firmware what runs before the kernel: a file or a name that the hypervisor knows; null for
 *     its own choice
 * @param kernel bzImage or an ELF image with a PVH entry
 * @param initrd initial RAM file system, or null
 * @param image the guest's root as a read-only disk, or null
 * @param kernelParameters in the kernel's own order
 * @param agentSocket where the hypervisor listens for the agent's channel
 * @param agentPort name of the guest's virtio-serial port behind that socket
 * @param consoleLog where the guest's console is kept
 * @param runDirectory for the hypervisor's own sockets and logs; exists
 * @param hotplugSlots how many devices may be added while the machine runs
 * @param networkNamespace path of the network namespace to run in, or null for the caller's
 * @param debug whether the hypervisor and the guest's kernel should be talkative
 */
public record VmConfig(
        String name,
        int vcpus,
        long memoryBytes,
        Accelerator accelerator,
        @Nullable String firmware,
        Path kernel,
        @Nullable Path initrd,
        @Nullable GuestImage image,
        List<String> kernelParameters,
        List<ShareDevice> shares,
        List<NetworkDevice> networks,
        Path agentSocket,
        String agentPort,
        Path consoleLog,
        Path runDirectory,
        int hotplugSlots,
        @Nullable Path networkNamespace,
        boolean debug) {
    private static final long MIB = 1 << 20;

    public VmConfig {
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9_.-]*")) {
            throw new IllegalArgumentException("machine name: " + name);
        }
        if (vcpus < 1) {
            throw new IllegalArgumentException("a machine needs at least one processor: " + vcpus);
        }
        if (memoryBytes < 64 * MIB || memoryBytes % (2 * MIB) != 0) {
            throw new IllegalArgumentException(
                    "guest memory must be at least 64 MiB and a multiple of 2 MiB: " + memoryBytes);
        }
        kernelParameters = List.copyOf(kernelParameters);
        shares = List.copyOf(shares);
        networks = List.copyOf(networks);
    }
}
