package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.grpc.Interfaces;
import io.porthole.sandbox.agentprotocol.grpc.Routes;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import io.porthole.sandbox.agentprotocol.types.ARPNeighbor;
import io.porthole.sandbox.agentprotocol.types.IPAddress;
import io.porthole.sandbox.agentprotocol.types.IPFamily;
import io.porthole.sandbox.agentprotocol.types.Interface;
import io.porthole.sandbox.agentprotocol.types.Route;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The guest's interfaces, addresses, routes and neighbours, through rtnetlink(7). */
final class Network {
    private static final int RTM_NEWLINK = 16;
    private static final int RTM_GETLINK = 18;
    private static final int RTM_NEWADDR = 20;
    private static final int RTM_DELADDR = 21;
    private static final int RTM_GETADDR = 22;
    private static final int RTM_NEWROUTE = 24;
    private static final int RTM_DELROUTE = 25;
    private static final int RTM_GETROUTE = 26;
    private static final int RTM_NEWNEIGH = 28;
    private static final int NLM_F_REPLACE = 0x100;
    private static final int NLM_F_CREATE = 0x400;

    // struct ifinfomsg: u8 family, u8 pad, u16 type, s32 index, u32 flags, u32 change
    private static final int LINK_BYTES = 16;
    private static final int IFLA_ADDRESS = 1;
    private static final int IFLA_IFNAME = 3;
    private static final int IFLA_MTU = 4;
    private static final int IFF_UP = 1;
    private static final int IFF_NOARP = 0x80;
    // struct ifaddrmsg: u8 family, u8 prefixlen, u8 flags, u8 scope, u32 index
    private static final int ADDRESS_BYTES = 8;
    private static final int IFA_ADDRESS = 1;
    private static final int IFA_LOCAL = 2;
    // struct rtmsg: u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags
    private static final int ROUTE_BYTES = 12;
    private static final int RTA_DST = 1;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;
    private static final int RTA_PREFSRC = 7;
    private static final int RTA_METRICS = 8;
    private static final int RTAX_MTU = 2;
    private static final int RT_TABLE_MAIN = 254;
    private static final int RTPROT_KERNEL = 2;
    private static final int RTPROT_BOOT = 3;
    private static final int RTN_UNICAST = 1;
    private static final int RT_SCOPE_LINK = 253;
    // struct ndmsg: u8 family, u8 pad, u16 pad, s32 index, u16 state, u8 flags, u8 type
    private static final int NDA_DST = 1;
    private static final int NDA_LLADDR = 2;

    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int SCOPE_LINK_LOCAL = 253;

    private Network() {}

    private record Device(int index, String name, String mac, int mtu, int flags) {}

    /**
     * Finds the interface by its MAC address, and gives it name, MTU and exactly these addresses.
     */
    static Interface update(Interface wanted) throws IOException {
        try (Netlink netlink = new Netlink()) {
            Device device = find(netlink, wanted);
            boolean rename = !wanted.getName().isEmpty() && !wanted.getName().equals(device.name);
            if (rename && (device.flags & IFF_UP) != 0) {
                check("take down", netlink.request(link(device.index, 0, IFF_UP)));
            }
            Netlink.Message change =
                    link(
                            device.index,
                            IFF_UP | (wanted.getRawFlags() & IFF_NOARP),
                            IFF_UP | IFF_NOARP);
            if (rename) {
                change.attribute(IFLA_IFNAME, wanted.getName());
            }
            if (wanted.getMtu() != 0) {
                change.attribute(IFLA_MTU, (int) wanted.getMtu());
            }
            check("configure " + device.name, netlink.request(change));
            for (ByteBuffer old : addresses(netlink, device.index)) {
                removeAddress(netlink, old);
            }
            for (IPAddress address : wanted.getIPAddressesList()) {
                byte[] bytes = parse(address.getAddress());
                check(
                        "add " + address.getAddress() + "/" + address.getMask(),
                        netlink.request(
                                new Netlink.Message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE)
                                        .u8(family(bytes))
                                        .u8(prefix(address.getMask(), bytes))
                                        // No duplicate address detection: the host has checked.
                                        .u8(bytes.length == 16 ? 0x02 : 0)
                                        .u8(0)
                                        .u32(device.index)
                                        .attribute(IFA_LOCAL, bytes)
                                        .attribute(IFA_ADDRESS, bytes)));
            }
            for (Interface present : list(netlink)) {
                if (present.getHwAddr().equals(device.mac)) {
                    return present;
                }
            }
            throw new IOException("interface " + wanted.getName() + " has gone");
        }
    }

    private static Netlink.Message link(int index, int flags, int change) {
        return new Netlink.Message(RTM_NEWLINK, 0)
                .u8(0)
                .u8(0)
                .u16(0)
                .u32(index)
                .u32(flags)
                .u32(change);
    }

    private static Device find(Netlink netlink, Interface wanted) throws IOException {
        String mac = wanted.getHwAddr().toLowerCase(java.util.Locale.ROOT);
        for (Device device : devices(netlink)) {
            if (mac.isEmpty() ? device.name.equals(wanted.getDevice()) : device.mac.equals(mac)) {
                return device;
            }
        }
        throw new TtrpcException(
                StatusCode.NOT_FOUND,
                "the guest has no interface "
                        + (mac.isEmpty() ? wanted.getDevice() : "with address " + mac));
    }

    private static void removeAddress(Netlink netlink, ByteBuffer old) throws IOException {
        byte[] bytes = Netlink.attribute(old, ADDRESS_BYTES, IFA_LOCAL);
        if (bytes == null) {
            bytes = Netlink.attribute(old, ADDRESS_BYTES, IFA_ADDRESS);
        }
        if (bytes == null || (old.get(Netlink.HEADER_BYTES + 3) & 0xff) == SCOPE_LINK_LOCAL) {
            return;
        }
        check(
                "remove address",
                netlink.request(
                        new Netlink.Message(RTM_DELADDR, 0)
                                .u8(old.get(Netlink.HEADER_BYTES))
                                .u8(old.get(Netlink.HEADER_BYTES + 1))
                                .u8(0)
                                .u8(0)
                                .u32(old.getInt(Netlink.HEADER_BYTES + 4))
                                .attribute(IFA_LOCAL, bytes)));
    }

    static Interfaces interfaces() throws IOException {
        try (Netlink netlink = new Netlink()) {
            return Interfaces.newBuilder().addAllInterfaces(list(netlink)).build();
        }
    }

    private static List<Interface> list(Netlink netlink) throws IOException {
        List<Interface> all = new java.util.ArrayList<>();
        for (Device device : devices(netlink)) {
            Interface.Builder result =
                    Interface.newBuilder()
                            .setDevice(device.name)
                            .setName(device.name)
                            .setMtu(device.mtu)
                            .setHwAddr(device.mac)
                            .setRawFlags(device.flags);
            for (ByteBuffer message : addresses(netlink, device.index)) {
                byte[] bytes = Netlink.attribute(message, ADDRESS_BYTES, IFA_LOCAL);
                if (bytes == null) {
                    bytes = Netlink.attribute(message, ADDRESS_BYTES, IFA_ADDRESS);
                }
                if (bytes != null) {
                    result.addIPAddresses(
                            IPAddress.newBuilder()
                                    .setFamily(bytes.length == 4 ? IPFamily.v4 : IPFamily.v6)
                                    .setAddress(InetAddress.getByAddress(bytes).getHostAddress())
                                    .setMask(
                                            Integer.toString(
                                                    message.get(Netlink.HEADER_BYTES + 1) & 0xff)));
                }
            }
            all.add(result.build());
        }
        return all;
    }

    private static List<Device> devices(Netlink netlink) throws IOException {
        List<Device> devices = new java.util.ArrayList<>();
        Netlink.Message request =
                new Netlink.Message(RTM_GETLINK, 0).u8(0).u8(0).u16(0).u32(0).u32(0).u32(0);
        for (ByteBuffer message : netlink.dump(request)) {
            byte[] name = Netlink.attribute(message, LINK_BYTES, IFLA_IFNAME);
            byte[] mac = Netlink.attribute(message, LINK_BYTES, IFLA_ADDRESS);
            byte[] mtu = Netlink.attribute(message, LINK_BYTES, IFLA_MTU);
            devices.add(
                    new Device(
                            message.getInt(Netlink.HEADER_BYTES + 4),
                            name == null ? "" : text(name),
                            mac == null ? "" : HexFormat.ofDelimiter(":").formatHex(mac),
                            mtu == null ? 0 : ByteBuffer.wrap(mtu).order(message.order()).getInt(),
                            message.getInt(Netlink.HEADER_BYTES + 8)));
        }
        return devices;
    }

    private static List<ByteBuffer> addresses(Netlink netlink, int index) throws IOException {
        List<ByteBuffer> found =
                netlink.dump(new Netlink.Message(RTM_GETADDR, 0).u8(0).u8(0).u8(0).u8(0).u32(0));
        found.removeIf(message -> message.getInt(Netlink.HEADER_BYTES + 4) != index);
        return found;
    }

    /** Removes the routes of earlier calls and adds these, those without a gateway first. */
    static Routes updateRoutes(Routes wanted) throws IOException {
        try (Netlink netlink = new Netlink()) {
            List<Device> devices = devices(netlink);
            for (ByteBuffer old : routes(netlink)) {
                int protocol = old.get(Netlink.HEADER_BYTES + 5) & 0xff;
                if (protocol != RTPROT_KERNEL) {
                    deleteRoute(netlink, old);
                }
            }
            for (Route route : wanted.getRoutesList()) {
                if (route.getGateway().isEmpty()) {
                    addRoute(netlink, devices, route);
                }
            }
            for (Route route : wanted.getRoutesList()) {
                if (!route.getGateway().isEmpty()) {
                    addRoute(netlink, devices, route);
                }
            }
            return present(netlink, devices);
        }
    }

    private static void addRoute(Netlink netlink, List<Device> devices, Route route)
            throws IOException {
        byte[] gateway = route.getGateway().isEmpty() ? null : parse(route.getGateway());
        byte[] target = null;
        int prefix = 0;
        if (!route.getDest().isEmpty() && !route.getDest().equals("default")) {
            String[] parts = route.getDest().split("/", -1);
            target = parse(parts[0]);
            prefix = parts.length > 1 ? prefix(parts[1], target) : target.length * 8;
        }
        boolean v6 =
                (target != null && target.length == 16)
                        || (gateway != null && gateway.length == 16)
                        || (target == null && gateway == null && route.getFamily() == IPFamily.v6);
        int scope = route.getScope();
        if (scope == 0 && gateway == null && !v6) {
            scope = RT_SCOPE_LINK;
        }
        Netlink.Message message =
                new Netlink.Message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE)
                        .u8(v6 ? AF_INET6 : AF_INET)
                        .u8(prefix)
                        .u8(0)
                        .u8(0)
                        .u8(RT_TABLE_MAIN)
                        .u8(RTPROT_BOOT)
                        .u8(scope)
                        .u8(RTN_UNICAST)
                        .u32(route.getFlags());
        if (target != null && prefix > 0) {
            message.attribute(RTA_DST, target);
        }
        if (gateway != null) {
            message.attribute(RTA_GATEWAY, gateway);
        }
        if (!route.getSource().isEmpty()) {
            message.attribute(RTA_PREFSRC, parse(route.getSource()));
        }
        if (!route.getDevice().isEmpty()) {
            message.attribute(RTA_OIF, index(devices, route.getDevice()));
        }
        if (route.getMtu() != 0) {
            message.nested(RTA_METRICS, RTAX_MTU, route.getMtu());
        }
        check(
                "route to " + (route.getDest().isEmpty() ? "default" : route.getDest()),
                netlink.request(message));
    }

    private static void deleteRoute(Netlink netlink, ByteBuffer old) throws IOException {
        Netlink.Message message = new Netlink.Message(RTM_DELROUTE, 0);
        for (int i = 0; i < 8; i++) {
            message.u8(old.get(Netlink.HEADER_BYTES + i));
        }
        message.u32(0);
        for (int kind : new int[] {RTA_DST, RTA_OIF, RTA_GATEWAY}) {
            byte[] value = Netlink.attribute(old, ROUTE_BYTES, kind);
            if (value != null) {
                message.attribute(kind, value);
            }
        }
        int result = netlink.request(message);
        if (result < 0 && result != -Libc.ESRCH) {
            check("remove a route", result);
        }
    }

    static Routes listRoutes() throws IOException {
        try (Netlink netlink = new Netlink()) {
            return present(netlink, devices(netlink));
        }
    }

    private static Routes present(Netlink netlink, List<Device> devices) throws IOException {
        Routes.Builder all = Routes.newBuilder();
        for (ByteBuffer message : routes(netlink)) {
            byte[] target = Netlink.attribute(message, ROUTE_BYTES, RTA_DST);
            byte[] gateway = Netlink.attribute(message, ROUTE_BYTES, RTA_GATEWAY);
            byte[] source = Netlink.attribute(message, ROUTE_BYTES, RTA_PREFSRC);
            byte[] device = Netlink.attribute(message, ROUTE_BYTES, RTA_OIF);
            boolean v6 = message.get(Netlink.HEADER_BYTES) == AF_INET6;
            Route.Builder route =
                    Route.newBuilder()
                            .setFamily(v6 ? IPFamily.v6 : IPFamily.v4)
                            .setScope(message.get(Netlink.HEADER_BYTES + 6) & 0xff);
            if (target != null) {
                int prefix = message.get(Netlink.HEADER_BYTES + 1) & 0xff;
                route.setDest(InetAddress.getByAddress(target).getHostAddress() + "/" + prefix);
            }
            if (gateway != null) {
                route.setGateway(InetAddress.getByAddress(gateway).getHostAddress());
            }
            if (source != null) {
                route.setSource(InetAddress.getByAddress(source).getHostAddress());
            }
            if (device != null) {
                int index = ByteBuffer.wrap(device).order(message.order()).getInt();
                for (Device known : devices) {
                    if (known.index == index) {
                        route.setDevice(known.name);
                    }
                }
            }
            all.addRoutes(route);
        }
        return all.build();
    }

    /** Unicast routes of the main table. */
    private static List<ByteBuffer> routes(Netlink netlink) throws IOException {
        List<ByteBuffer> found =
                netlink.dump(new Netlink.Message(RTM_GETROUTE, 0).u32(0).u32(0).u32(0));
        found.removeIf(message ->
                (message.get(Netlink.HEADER_BYTES + 4) & 0xff) != RT_TABLE_MAIN
                        || message.get(Netlink.HEADER_BYTES + 7) != RTN_UNICAST);
        return found;
    }

    static void addNeighbors(List<ARPNeighbor> neighbors) throws IOException {
        try (Netlink netlink = new Netlink()) {
            List<Device> devices = devices(netlink);
            for (ARPNeighbor neighbor : neighbors) {
                byte[] address = parse(neighbor.getToIPAddress().getAddress());
                int permanent = 0x80;
                Netlink.Message message =
                        new Netlink.Message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE)
                                .u8(family(address))
                                .u8(0)
                                .u16(0)
                                .u32(index(devices, neighbor.getDevice()))
                                .u16(neighbor.getState() == 0 ? permanent : neighbor.getState())
                                .u8(neighbor.getFlags())
                                .u8(0)
                                .attribute(NDA_DST, address);
                if (!neighbor.getLladdr().isEmpty()) {
                    message.attribute(
                            NDA_LLADDR, HexFormat.ofDelimiter(":").parseHex(neighbor.getLladdr()));
                }
                check(
                        "neighbour " + neighbor.getToIPAddress().getAddress(),
                        netlink.request(message));
            }
        }
    }

    private static int index(List<Device> devices, String name) {
        for (Device device : devices) {
            if (device.name.equals(name)) {
                return device.index;
            }
        }
        throw new TtrpcException(StatusCode.NOT_FOUND, "the guest has no interface " + name);
    }

    private static void check(String what, int result) {
        if (result < 0) {
            throw new TtrpcException(
                    StatusCode.INTERNAL, "network: " + what + ": " + Libc.describe(-result));
        }
    }

    private static int family(byte[] address) {
        return address.length == 4 ? AF_INET : AF_INET6;
    }

    /** A literal address; a name is refused, not looked up. */
    private static byte[] parse(String address) {
        try {
            return InetAddress.ofLiteral(address).getAddress();
        } catch (IllegalArgumentException e) {
            throw new TtrpcException(
                    StatusCode.INVALID_ARGUMENT, "not an IP address: \"" + address + "\"", e);
        }
    }

    private static int prefix(@Nullable String mask, byte[] address) {
        try {
            int prefix =
                    mask == null || mask.isEmpty() ? address.length * 8 : Integer.parseInt(mask);
            if (prefix >= 0 && prefix <= address.length * 8) {
                return prefix;
            }
        } catch (NumberFormatException e) {
            throw new TtrpcException(
                    StatusCode.INVALID_ARGUMENT, "not a prefix length: \"" + mask + "\"", e);
        }
        throw new TtrpcException(
                StatusCode.INVALID_ARGUMENT, "not a prefix length: \"" + mask + "\"");
    }

    private static String text(byte[] terminated) {
        int length = terminated.length;
        while (length > 0 && terminated[length - 1] == 0) {
            length--;
        }
        return new String(terminated, 0, length, StandardCharsets.UTF_8);
    }
}
