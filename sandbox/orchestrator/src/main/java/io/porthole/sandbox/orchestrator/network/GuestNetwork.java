package io.porthole.sandbox.orchestrator.network;

import io.porthole.sandbox.agentprotocol.types.Interface;
import io.porthole.sandbox.agentprotocol.types.Route;
import io.porthole.sandbox.orchestrator.hypervisor.NetworkDevice;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A network made ready on the host.
 *
 * @param devices what the machine gets
 * @param interfaces what the agent sets up in the guest, found by MAC address
 * @param nameservers for the containers' resolv.conf
 * @param namespace where the hypervisor must run, or null for the host's
 */
public record GuestNetwork(
        List<NetworkDevice> devices,
        List<Interface> interfaces,
        List<Route> routes,
        List<String> nameservers,
        @Nullable Path namespace) {
    public static final GuestNetwork NONE =
            new GuestNetwork(List.of(), List.of(), List.of(), List.of(), null);
}
