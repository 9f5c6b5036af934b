package io.porthole.sandbox.orchestrator;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.sandbox.orchestrator.process.Commands;
import io.porthole.sandbox.orchestrator.process.ProcessId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a container reaches the world, and the world a container. */
class NetworkIT {
    private static final String SERVER =
            "while true; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nfrom the guest' | nc -l -p 80; done";

    @TempDir Path dir;
    private Porthole porthole;
    private final String suffix = Long.toHexString(ProcessHandle.current().pid());
    private final List<String> namespaces = new ArrayList<>();

    @BeforeEach
    void make() throws Exception {
        porthole = new Porthole(dir);
    }

    @AfterEach
    void end() throws Exception {
        try {
            porthole.close();
        } finally {
            for (String namespace : namespaces) {
                ip("netns", "delete", namespace);
            }
        }
    }

    private static String ip(String... words) throws IOException {
        List<String> all = new ArrayList<>(List.of("ip"));
        all.addAll(List.of(words));
        return Commands.run(all);
    }

    private String namespace(String name) throws IOException {
        String full = name + suffix;
        ip("netns", "add", full);
        namespaces.add(full);
        return full;
    }

    @Test
    void aForwardedPortReachesTheContainerAndTheContainerTheHost() throws Exception {
        assertBothWays(porthole);
    }

    @Test
    void soTheyDoThroughPasst() throws Exception {
        Path own = Files.createDirectory(dir.resolve("passt"));
        String keys =
                "[network]\nuser_backend = \"passt\"\npasst = \"" + GuestParts.passt() + "\"\n";
        try (Porthole withPasst = new Porthole(own, GuestParts.qemu(), keys)) {
            assertBothWays(withPasst);
            assertTrue(withPasst.pid("web", "passt") > 0);
            withPasst.run("rm", "-f", "web").ok();
            withPasst.assertNothingLeft();
        }
    }

    private static void assertBothWays(Porthole porthole) throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        porthole.run(
                        "run",
                        "-d",
                        "--name",
                        "web",
                        "--network",
                        "user",
                        "-p",
                        port + ":80",
                        porthole.root().toString(),
                        "sh",
                        "-c",
                        SERVER)
                .ok();
        String answer = "";
        for (int i = 0; i < 50 && answer.isEmpty(); i++) {
            try (var in = URI.create("http://127.0.0.1:" + port).toURL().openStream()) {
                answer = new String(in.readAllBytes(), UTF_8);
            } catch (IOException e) {
                Thread.sleep(200); // The server in the guest is still starting.
            }
        }
        assertEquals("from the guest", answer);
        assertEquals(
                "nameserver 10.0.2.3",
                porthole.run("exec", "web", "cat", "/etc/resolv.conf").line());
        try (ServerSocket host = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            host.setSoTimeout(120_000);
            Thread server =
                    Thread.ofVirtual()
                            .start(() -> {
                                try (Socket client = host.accept()) {
                                    client.getOutputStream().write("from the host".getBytes(UTF_8));
                                } catch (IOException e) {
                                    // The assertion below tells that nothing came.
                                }
                            });
            assertEquals(
                    "from the host",
                    porthole.shell("web", "nc -w 60 10.0.2.2 " + host.getLocalPort()).line());
            server.join();
        }
    }

    @Test
    void withoutANetworkThereIsLoopbackOnly() throws Exception {
        Porthole.Result r =
                porthole.run(
                        "run",
                        "--rm",
                        "--network",
                        "none",
                        porthole.root().toString(),
                        "ls",
                        "/sys/class/net");
        assertEquals("lo", r.line());
        porthole.assertNothingLeft();
    }

    @Test
    void aNamespacesInterfaceMovesIntoTheGuestAndBackAlsoWhenTheMonitorDies() throws Exception {
        String pod = namespace("pthpod");
        String peer = namespace("pthpeer");
        ip(
                "link",
                "add",
                "v" + suffix,
                "netns",
                peer,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                pod);
        ip("-n", peer, "address", "add", "10.88.0.1/24", "dev", "v" + suffix);
        ip("-n", peer, "link", "set", "v" + suffix, "up");
        ip("-n", pod, "address", "add", "10.88.0.5/24", "dev", "eth0");
        ip("-n", pod, "link", "set", "eth0", "mtu", "1400", "up");
        ip("-n", pod, "route", "add", "default", "via", "10.88.0.1");
        porthole.takeNetworkingAsGiven();

        porthole.run(
                        "run",
                        "-d",
                        "--name",
                        "cni",
                        "--network",
                        "netns=/run/netns/" + pod,
                        porthole.root().toString(),
                        "sleep",
                        "100000")
                .ok();
        String seen = porthole.shell("cni", "ip address show eth0; ip route").line();
        assertTrue(seen.contains("inet 10.88.0.5/24") && seen.contains("mtu 1400"), seen);
        assertTrue(seen.contains("default via 10.88.0.1"), seen);
        porthole.shell("cni", "ping -c 1 -W 5 10.88.0.1").ok();
        assertTrue(ip("-n", pod, "link").contains("pth0"));

        ProcessId.of(porthole.pid("cni", "monitor")).orElseThrow().kill();
        porthole.run("cleanup").ok();
        assertFalse(ip("-n", pod, "link").contains("pth0"));
        assertFalse(
                Commands.run(
                                List.of(
                                        "ip", "netns", "exec", pod, "tc", "qdisc", "show", "dev",
                                        "eth0"))
                        .contains("ingress"));
        porthole.assertNothingLeft();
    }

    @Test
    void aPortInUseIsOneClearLine() throws Exception {
        try (ServerSocket taken = new ServerSocket(0)) {
            Porthole.Result r =
                    porthole.run(
                            "run",
                            "--rm",
                            "-p",
                            taken.getLocalPort() + ":80",
                            porthole.root().toString(),
                            "true");
            assertEquals(125, r.status());
            assertTrue(r.err().contains("Could not set up host forwarding rule"), r::err);
        }
        porthole.assertNothingLeft();
    }
}
