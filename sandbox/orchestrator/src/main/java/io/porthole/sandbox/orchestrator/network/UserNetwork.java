package io.porthole.sandbox.orchestrator.network;

import io.porthole.sandbox.agentprotocol.types.IPAddress;
import io.porthole.sandbox.agentprotocol.types.IPFamily;
import io.porthole.sandbox.agentprotocol.types.Interface;
import io.porthole.sandbox.agentprotocol.types.Route;
import io.porthole.sandbox.orchestrator.hypervisor.NetworkDevice;
import io.porthole.sandbox.orchestrator.hypervisor.PortForward;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A private network 10.0.2.0/24 with the guest at .15, as QEMU's stack and passt can both serve.
 */
public final class UserNetwork {
    private static final String ADDRESS = "10.0.2.15";
    private static final String PREFIX = "24";
    private static final String GATEWAY = "10.0.2.2";
    private static final String NAMESERVER = "10.0.2.3";
    private static final int MTU = 1500;

    private UserNetwork() {}

    /** With QEMU's own stack. */
    public static GuestNetwork slirp(String sandbox, List<PortForward> forwards) {
        return network(new NetworkDevice.User("net0", mac(sandbox, 0), forwards), mac(sandbox, 0));
    }

    /** With passt listening at {@code socket}. */
    public static GuestNetwork passt(String sandbox, Path socket) {
        return network(new NetworkDevice.Stream("net0", mac(sandbox, 0), socket), mac(sandbox, 0));
    }

    /** The words that start passt for {@link #passt}. */
    public static List<String> passtCommand(
            String program, Path socket, List<PortForward> forwards) {
        List<String> words =
                new ArrayList<>(
                        List.of(
                                program,
                                // As nobody, which root becomes otherwise, it could not make its
                                // socket in the sandbox's private directory. It gives up all
                                // capabilities and leaves the file system in either case.
                                "--runas",
                                "0",
                                "--foreground",
                                "--one-off",
                                "--socket",
                                socket.toString(),
                                "--address",
                                ADDRESS,
                                "--netmask",
                                PREFIX,
                                "--gateway",
                                GATEWAY,
                                "--dns-forward",
                                NAMESERVER,
                                "--ipv4-only",
                                "--quiet"));
        for (PortForward f : forwards) {
            words.add(f.protocol().equals("tcp") ? "--tcp-ports" : "--udp-ports");
            words.add(f.hostAddress() + "/" + f.hostPort() + ":" + f.guestPort());
        }
        return words;
    }

    private static GuestNetwork network(NetworkDevice device, String mac) {
        Interface eth =
                Interface.newBuilder()
                        .setDevice("eth0")
                        .setName("eth0")
                        .setHwAddr(mac)
                        .setMtu(MTU)
                        .addIPAddresses(
                                IPAddress.newBuilder()
                                        .setFamily(IPFamily.v4)
                                        .setAddress(ADDRESS)
                                        .setMask(PREFIX))
                        .build();
        Route standard =
                Route.newBuilder()
                        .setGateway(GATEWAY)
                        .setDevice("eth0")
                        .setFamily(IPFamily.v4)
                        .build();
        return new GuestNetwork(
                List.of(device), List.of(eth), List.of(standard), List.of(NAMESERVER), null);
    }

    /** A locally administered address that depends on the sandbox's name only. */
    static String mac(String sandbox, int number) {
        int hash = sandbox.hashCode();
        return String.format(
                Locale.ROOT,
                "02:%02x:%02x:%02x:%02x:%02x",
                hash >>> 24,
                hash >>> 16 & 0xff,
                hash >>> 8 & 0xff,
                hash & 0xff,
                number);
    }
}
