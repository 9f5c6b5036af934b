package io.porthole.sandbox.orchestrator.network;

import com.fasterxml.jackson.databind.JsonNode;
import io.porthole.sandbox.agentprotocol.types.IPAddress;
import io.porthole.sandbox.agentprotocol.types.IPFamily;
import io.porthole.sandbox.agentprotocol.types.Interface;
import io.porthole.sandbox.agentprotocol.types.Route;
import io.porthole.sandbox.orchestrator.hypervisor.NetworkDevice;
import io.porthole.sandbox.orchestrator.process.Commands;
import io.porthole.sandbox.orchestrator.state.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Takes the interfaces of a network namespace into the guest, as CNI plug-ins leave them.
 *
 * <p>For each Ethernet interface a tap is made beside it, and traffic control redirects every frame
 * from one to the other (tc-mirred(8)): the guest's card has the interface's MAC address, and the
 * agent gives it its addresses, MTU and routes. The namespace's interface keeps them too; no frame
 * reaches the host's stack any more.
 */
public final class NamespaceNetwork {
    private static final String TAP_PREFIX = "pth";

    private final Path namespace;

    public NamespaceNetwork(Path namespace) throws IOException {
        if (!Files.exists(namespace)) {
            throw new IOException("there is no network namespace at " + namespace);
        }
        this.namespace = namespace;
    }

    /** One interface as found. */
    record Link(String name, String tap, Interface guest) {}

    /** What is there to be taken. */
    public record Plan(List<Link> links, List<Route> routes) {}

    /** Reads interfaces and routes; changes nothing. */
    public Plan plan() throws IOException {
        return parse(
                Json.tree(inside("ip", "-json", "address", "show")),
                Json.tree(inside("ip", "-json", "route", "show", "table", "main")),
                Json.tree(inside("ip", "-json", "-6", "route", "show", "table", "main")));
    }

    static Plan parse(JsonNode addresses, JsonNode routes4, JsonNode routes6) {
        List<Link> links = new ArrayList<>();
        for (JsonNode link : addresses) {
            String name = link.path("ifname").asText();
            if (!link.path("link_type").asText().equals("ether") || name.startsWith(TAP_PREFIX)) {
                continue;
            }
            Interface.Builder guest =
                    Interface.newBuilder()
                            .setDevice(name)
                            .setName(name)
                            .setMtu(link.path("mtu").asLong(1500))
                            .setHwAddr(link.path("address").asText());
            for (JsonNode a : link.path("addr_info")) {
                if (a.path("scope").asText().equals("link")) {
                    continue; // fe80::/64 comes by itself.
                }
                guest.addIPAddresses(
                        IPAddress.newBuilder()
                                .setFamily(family(a.path("family").asText().equals("inet6")))
                                .setAddress(a.path("local").asText())
                                .setMask(a.path("prefixlen").asText()));
            }
            links.add(new Link(name, TAP_PREFIX + links.size(), guest.build()));
        }
        List<Route> routes = new ArrayList<>();
        addRoutes(routes, routes4, false, links);
        addRoutes(routes, routes6, true, links);
        return new Plan(links, routes);
    }

    private static void addRoutes(
            List<Route> into, JsonNode routes, boolean six, List<Link> links) {
        // Those without a gateway first: a gateway must be reachable when its route is added.
        for (boolean withGateway : new boolean[] {false, true}) {
            for (JsonNode r : routes) {
                String dest = r.path("dst").asText();
                String device = r.path("dev").asText();
                boolean kernelMade = r.path("protocol").asText().equals("kernel");
                if (r.has("gateway") != withGateway
                        || kernelMade
                        || dest.startsWith("fe80:")
                        || links.stream().noneMatch(l -> l.name().equals(device))) {
                    continue;
                }
                into.add(
                        Route.newBuilder()
                                .setDest(dest.equals("default") ? "" : dest)
                                .setGateway(r.path("gateway").asText(""))
                                .setDevice(device)
                                .setSource(r.path("prefsrc").asText(""))
                                .setScope(r.path("scope").asText().equals("link") ? 253 : 0)
                                .setFamily(family(six))
                                .build());
            }
        }
    }

    private static IPFamily family(boolean six) {
        return six ? IPFamily.v6 : IPFamily.v4;
    }

    /**
     * Commands that take back what {@link #apply} does; each may fail when there is nothing to do.
     */
    public List<List<String>> undo(Plan plan) {
        List<List<String>> commands = new ArrayList<>();
        for (Link link : plan.links()) {
            commands.add(words("tc", "qdisc", "del", "dev", link.name(), "ingress"));
            commands.add(words("ip", "link", "delete", link.tap()));
        }
        return commands;
    }

    /** Makes the taps and redirects frames. */
    public GuestNetwork apply(Plan plan) throws IOException {
        List<NetworkDevice> devices = new ArrayList<>();
        List<Interface> interfaces = new ArrayList<>();
        for (Link link : plan.links()) {
            inside("ip", "tuntap", "add", "dev", link.tap(), "mode", "tap");
            inside(
                    "ip",
                    "link",
                    "set",
                    link.tap(),
                    "mtu",
                    Long.toString(link.guest().getMtu()),
                    "up");
            redirect(link.name(), link.tap());
            redirect(link.tap(), link.name());
            devices.add(
                    new NetworkDevice.Tap(
                            "net" + devices.size(), link.guest().getHwAddr(), link.tap()));
            interfaces.add(link.guest());
        }
        return new GuestNetwork(devices, interfaces, plan.routes(), nameservers(), namespace);
    }

    private void redirect(String from, String to) throws IOException {
        inside("tc", "qdisc", "add", "dev", from, "ingress");
        inside(
                "tc",
                "filter",
                "add",
                "dev",
                from,
                "parent",
                "ffff:",
                "protocol",
                "all",
                "u32",
                "match",
                "u32",
                "0",
                "0",
                "action",
                "mirred",
                "egress",
                "redirect",
                "dev",
                to);
    }

    /** The host's, as far as a guest can reach them. */
    private static List<String> nameservers() {
        try (Stream<String> lines = Files.lines(Path.of("/etc/resolv.conf"))) {
            return lines.filter(l -> l.startsWith("nameserver "))
                    .map(l -> l.substring("nameserver ".length()).strip())
                    .filter(a -> !a.startsWith("127.") && !a.equals("::1"))
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    private String inside(String... command) throws IOException {
        return Commands.run(words(command));
    }

    private List<String> words(String... command) {
        List<String> words = new ArrayList<>(List.of("nsenter", "--net=" + namespace, "--"));
        words.addAll(List.of(command));
        return words;
    }
}
