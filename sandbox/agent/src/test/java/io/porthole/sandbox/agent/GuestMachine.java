package io.porthole.sandbox.agent;

import static org.junit.jupiter.api.Assertions.fail;

import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.porthole.sandbox.agentprotocol.AgentClient;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/** The guest image under QEMU 7.2, with a client of its agent. */
final class GuestMachine implements AutoCloseable {
    /** Emulation on a loaded machine: a guest that has not answered by then never will. */
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private static final Duration CALL = Duration.ofMinutes(3);

    private final Path folder;
    private final java.lang.Process qemu;
    private final MultiThreadIoEventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final List<AgentClient> clients = new ArrayList<>();

    private GuestMachine(Path folder, java.lang.Process qemu) {
        this.folder = folder;
        this.qemu = qemu;
    }

    /** Starts a guest with the ports agent.0 and agent.1. */
    static GuestMachine start(Path folder) throws IOException {
        Path image = part("rootfs.erofs");
        List<String> line = new ArrayList<>();
        line.add(needed(cache().resolve("bin/qemu-7"), "dev/setup --for guest").toString());
        line.addAll(
                List.of(
                        "-M",
                        "q35,usb=off,smbus=off,sata=off,vmport=off,hpet=off,graphics=off,"
                                + "memory-backend=m0",
                        "-accel",
                        "tcg,tb-size=64",
                        "-cpu",
                        "max,-cx16,-erms,-fsrm,-la57", // as sandboxes are started
                        "-m",
                        "256M,slots=1,maxmem=2G",
                        "-object",
                        "memory-backend-memfd,id=m0,size=256M,share=on",
                        "-nodefaults",
                        "-no-user-config",
                        "-display",
                        "none",
                        "-no-reboot",
                        "-kernel",
                        kernel(folder).toString(),
                        "-initrd",
                        part("initramfs").toString(),
                        "-object",
                        "memory-backend-file,id=img,readonly=on,share=on,mem-path="
                                + image
                                + ",size="
                                + Files.size(image),
                        "-device",
                        "virtio-pmem-pci,memdev=img,id=pm0",
                        "-device",
                        "virtio-serial-pci",
                        "-netdev",
                        "user,id=n0,restrict=on",
                        "-device",
                        "virtio-net-pci,netdev=n0,romfile=,mac=52:54:00:00:00:01"));
        for (int i = 0; i < 2; i++) {
            line.addAll(
                    List.of(
                            "-chardev",
                            "socket,id=ag" + i + ",server=on,wait=off,path=" + socket(folder, i),
                            "-device",
                            "virtserialport,chardev=ag" + i + ",name=agent." + i));
        }
        line.addAll(
                List.of(
                        "-serial",
                        "file:" + folder.resolve("console.log"),
                        "-append",
                        "console=ttyS0 quiet panic=-1 no_timer_check mitigations=off nokaslr"
                                + " cryptomgr.notests=1"));
        java.lang.Process qemu =
                new ProcessBuilder(line)
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("qemu.log").toFile())
                        .start();
        return new GuestMachine(folder, qemu);
    }

    /** A client of a port's own; the caller may close it, the machine does at the end. */
    AgentClient connect(int port) throws InterruptedException, IOException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                AgentClient client =
                        AgentClient.connect(
                                group, socket(folder, port), Duration.ofSeconds(10), CALL);
                clients.add(client);
                return client;
            } catch (TtrpcException e) {
                if (!qemu.isAlive() || System.nanoTime() > deadline) {
                    throw new IOException("no agent; the guest's console:\n" + console(), e);
                }
            }
        }
    }

    /** A port without a client in between, closed by the caller. */
    SocketChannel rawConnection(int port) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(socket(folder, port)));
    }

    String console() throws IOException {
        Path log = folder.resolve("console.log");
        return (Files.exists(log) ? Files.readString(log) : "")
                + Files.readString(folder.resolve("qemu.log"));
    }

    private static Path socket(Path folder, int port) {
        return folder.resolve("agent" + port + ".sock");
    }

    @Override
    public void close() {
        for (AgentClient client : clients) {
            client.close();
        }
        qemu.destroyForcibly().onExit().join();
        group.shutdownGracefully(0, 0, TimeUnit.SECONDS).syncUninterruptibly();
    }

    private static Path cache() {
        String set = env("PORTHOLE_CACHE");
        String xdg = env("XDG_CACHE_HOME");
        return set != null
                ? Path.of(set)
                : (xdg != null ? Path.of(xdg) : Path.of(System.getProperty("user.home"), ".cache"))
                        .resolve("porthole");
    }

    private static Path kernel(Path folder) throws IOException {
        Path unpacked = folder.resolve("vmlinux");
        try (InputStream in =
                new GZIPInputStream(Files.newInputStream(part("vmlinux.gz")), 1 << 16)) {
            Files.copy(in, unpacked, StandardCopyOption.REPLACE_EXISTING);
        }
        return unpacked;
    }

    private static Path part(String name) {
        String set = env("PORTHOLE_DIST");
        Path dist = set == null ? Path.of("../../dist") : Path.of(set);
        return needed(dist.resolve("guest").resolve(name), "dev/guest-image").toAbsolutePath();
    }

    private static Path needed(Path path, String command) {
        return Files.exists(path) ? path : fail(path + " is missing: run " + command);
    }

    private static @Nullable String env(String name) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? null : value;
    }
}
