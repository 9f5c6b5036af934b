package io.porthole.sandbox.orchestrator.cli;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxSpec;
import io.porthole.sandbox.orchestrator.state.StateStore;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What is recorded for the AOT cache, when dist/ is built: commands of every kind, and a monitor
 * whose hypervisor cannot start. No machine is needed, and none is made; what only a running one
 * uses is loaded as it always was.
 *
 * <p>Argument: a directory for it to work in.
 */
final class Training {
    private Training() {}

    public static void main(String[] args) throws Exception {
        Path dir = Path.of(args[0]).toAbsolutePath();
        Path config =
                Files.writeString(
                        dir.resolve("config.toml"),
                        "[hypervisor.qemu]\npath = \"/nonexistent/qemu\"\n[runtime]\nstate_root = \""
                                + dir.resolve("s")
                                + "\"\ndata_root = \""
                                + dir.resolve("d")
                                + "\"\n");
        PrintStream nowhere =
                new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8);
        StateStore store = new Context(config, nowhere, nowhere).store();
        SandboxDirectory directory =
                store.createSandbox(
                        new SandboxSpec("trained", true, 1, 256L << 20, "none", List.of(), false));
        Thread monitor =
                Thread.ofPlatform().start(() -> run(nowhere, config, "monitor", "trained"));
        for (int i = 0; i < 500 && !Files.exists(directory.monitorSocket()); i++) {
            Thread.sleep(10);
        }
        try {
            new MonitorClient(directory).call(new Request.Ready(), step -> {});
        } catch (Exception expected) {
            nowhere.println(expected);
        }
        monitor.join();
        Path image = Files.createDirectories(dir.resolve("image"));
        Files.createDirectories(image.resolve("bin"));
        for (String[] words :
                new String[][] {
                    {"ps", "-a"},
                    {"ps", "--json"},
                    {"sandbox", "ls"},
                    {"inspect", "trained"},
                    {"logs", "trained"},
                    {"exec", "-e", "A=b", "trained", "true"},
                    {"stats"},
                    {
                        "run",
                        "--rm",
                        "--sandbox",
                        "trained",
                        "-v",
                        dir + ":/x:ro",
                        image.toString(),
                        "x"
                    },
                    {"stop", "trained"},
                    {"rm", "trained"},
                    {"run", "--help"},
                    {"cleanup", "--all"}
                }) {
            run(nowhere, config, words);
        }
        connectToNothing(dir);
        // In order, unlike the real program: the record is written on the way out.
        System.exit(0);
    }

    private static void run(PrintStream out, Path config, String... words) {
        String[] all = new String[words.length + 2];
        all[0] = "--config";
        all[1] = config.toString();
        System.arraycopy(words, 0, all, 2, words.length);
        PortholeCommand.execute(all, out, out);
    }

    /** Netty's own start, which waiting for a machine's control socket takes. */
    private static void connectToNothing(Path dir) throws InterruptedException {
        var group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        new Bootstrap()
                .group(group)
                .channel(EpollDomainSocketChannel.class)
                .handler(new ChannelInboundHandlerAdapter())
                .connect(new DomainSocketAddress(dir.resolve("nothing").toFile()))
                .await();
        var _ = group.shutdownGracefully();
    }
}
