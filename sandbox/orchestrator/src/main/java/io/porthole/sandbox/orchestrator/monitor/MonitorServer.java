package io.porthole.sandbox.orchestrator.monitor;

import io.porthole.sandbox.agentprotocol.grpc.CgroupStats;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerResponse;
import io.porthole.sandbox.orchestrator.config.PortholeConfig;
import io.porthole.sandbox.orchestrator.host.Trees;
import io.porthole.sandbox.orchestrator.hypervisor.Hypervisor;
import io.porthole.sandbox.orchestrator.process.ProcessId;
import io.porthole.sandbox.orchestrator.sandbox.GuestProcess;
import io.porthole.sandbox.orchestrator.sandbox.OutputSink;
import io.porthole.sandbox.orchestrator.sandbox.Sandbox;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import io.porthole.sandbox.orchestrator.state.ContainerState;
import io.porthole.sandbox.orchestrator.state.ContainerStats;
import io.porthole.sandbox.orchestrator.state.Json;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import io.porthole.sandbox.orchestrator.state.StateStore;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The monitor: boots one sandbox, serves its socket, and returns when the sandbox has ended. */
public final class MonitorServer {
    private static final Logger LOG = LoggerFactory.getLogger(MonitorServer.class);
    private static final Duration FAREWELL = Duration.ofSeconds(2);

    private final CompletableFuture<Sandbox> booted = new CompletableFuture<>();
    private final List<String> steps = new CopyOnWriteArrayList<>();
    private final Map<String, GuestProcess> execs = new ConcurrentHashMap<>();
    private final AtomicInteger connections = new AtomicInteger();

    private MonitorServer() {}

    /**
     * Runs a sandbox from boot to end.
     *
     * @return the process's exit status: 0, or 1 when the sandbox did not boot
     */
    public static int run(PortholeConfig config, Hypervisor hypervisor, StateStore store, String id)
            throws IOException, InterruptedException {
        long begin = System.nanoTime();
        SandboxDirectory directory = store.sandbox(id);
        Optional<FileChannel> lock = directory.tryLock();
        if (lock.isEmpty()) {
            throw new IOException("the sandbox " + id + " has a monitor already");
        }
        MonitorServer server = new MonitorServer();
        SandboxState state = directory.read();
        Duration sinceAsked = Duration.between(state.created(), java.time.Instant.now());
        directory.write(
                state.withProcess("monitor", ProcessId.self())
                        .withTiming("monitor", sinceAsked.toMillis()));
        Files.deleteIfExists(directory.monitorSocket());
        int status = 0;
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(directory.monitorSocket()));
            Thread.ofVirtual().name("accept").start(() -> server.accept(listener));
            try {
                Sandbox sandbox =
                        Sandbox.boot(config, hypervisor, store, directory, server.steps::add);
                LOG.info("booted in {} ms", (System.nanoTime() - begin) / 1_000_000);
                server.booted.complete(sandbox);
                sandbox.ended().get();
            } catch (SandboxException | ExecutionException e) {
                LOG.error("{}", e.getMessage());
                server.booted.completeExceptionally(e);
                status = 1;
            }
            server.awaitFarewells();
            if (!state.spec().keep() && status == 0 && directory.readContainers().isEmpty()) {
                // Its containers were removed: nobody has a name for it any more.
                Trees.delete(directory.path());
            }
        } finally {
            Files.deleteIfExists(directory.monitorSocket());
            lock.get().close();
        }
        return status;
    }

    /** Lets open connections deliver their last answer. */
    private void awaitFarewells() throws InterruptedException {
        long deadline = System.nanoTime() + FAREWELL.toNanos();
        while (connections.get() > 0 && System.nanoTime() - deadline < 0) {
            Thread.sleep(5);
        }
    }

    private void accept(ServerSocketChannel listener) {
        try {
            while (true) {
                SocketChannel accepted = listener.accept();
                connections.incrementAndGet();
                Thread.ofVirtual().name("request").start(() -> serve(accepted));
            }
        } catch (ClosedChannelException e) {
            LOG.debug("the socket is closed");
        } catch (IOException e) {
            LOG.error("no more requests are taken: {}", e.getMessage());
        }
    }

    private void serve(SocketChannel socket) {
        try (socket) {
            Connection connection = new Connection(socket);
            Frame first = Frame.read(socket);
            if (first == null) {
                return;
            }
            try {
                handle(Json.read(first.text(), Request.class), connection);
            } catch (SandboxException | RuntimeException e) {
                connection.send(Reply.failed(e));
            } catch (IOException e) {
                if (!(e instanceof ClosedChannelException)) {
                    connection.send(Reply.failed(e));
                }
            }
        } catch (IOException e) {
            LOG.debug("a command went away: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            connections.decrementAndGet();
        }
    }

    private void handle(Request request, Connection c)
            throws SandboxException, IOException, InterruptedException {
        if (request instanceof Request.Ready) {
            ready(c);
            return;
        }
        Sandbox sandbox = sandbox();
        switch (request) {
            case Request.Ready() -> throw new IllegalStateException("handled before");
            case Request.Create(var spec) -> {
                sandbox.create(spec);
                c.send(Reply.DONE);
            }
            case Request.Start(var id) -> {
                sandbox.start(id);
                c.send(Reply.DONE);
            }
            case Request.Attach(var id, var start) -> attach(sandbox, id, start, c);
            case Request.Exec(var id, var process, var detach) -> {
                if (detach) {
                    sandbox.exec(id, process, (stderr, data) -> {});
                    c.send(Reply.DONE);
                } else {
                    exec(sandbox, id, process, c);
                }
            }
            case Request.Signal(var id, var exec, var signal) -> {
                process(sandbox, id, exec).signal(signal);
                c.send(Reply.DONE);
            }
            case Request.Resize(var id, var exec, var rows, var columns) -> {
                process(sandbox, id, exec).resize(rows, columns);
                c.send(Reply.DONE);
            }
            case Request.Stop(var id, var signal, var grace) -> {
                sandbox.stop(id, signal, Duration.ofSeconds(grace));
                c.send(Reply.DONE);
            }
            case Request.Remove(var id) -> {
                sandbox.remove(id);
                c.send(Reply.DONE);
            }
            case Request.Forget(var id) -> {
                sandbox.forget(id);
                c.send(Reply.DONE);
            }
            case Request.Metrics() -> c.send(Reply.metrics(sandbox.metrics()));
            case Request.Stats(var id) -> c.send(Reply.stats(stats(id, sandbox.stats(id))));
            case Request.ShutDown() -> {
                sandbox.shutDown();
                c.send(Reply.DONE);
            }
        }
    }

    private void ready(Connection c) throws SandboxException, IOException, InterruptedException {
        int told = 0;
        while (!booted.isDone()) {
            for (; told < steps.size(); told++) {
                c.send(Reply.progress(steps.get(told)));
            }
            Thread.sleep(10);
        }
        sandbox();
        c.send(Reply.DONE);
    }

    private Sandbox sandbox() throws SandboxException, InterruptedException {
        try {
            return booted.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SandboxException failure) {
                throw failure;
            }
            throw new SandboxException("the sandbox did not boot: " + e.getCause(), e);
        }
    }

    private GuestProcess process(Sandbox sandbox, String id, String exec) throws SandboxException {
        if (exec.isEmpty()) {
            return sandbox.process(id);
        }
        GuestProcess process = execs.get(id + "/" + exec);
        if (process == null) {
            throw new SandboxException("there is no process " + exec + " in " + id);
        }
        return process;
    }

    private static void attach(Sandbox sandbox, String id, boolean start, Connection c)
            throws SandboxException, IOException, InterruptedException {
        GuestProcess process = sandbox.process(id);
        CompletableFuture<ContainerState> stopped = sandbox.stopped(id);
        process.attach(c);
        try {
            if (start) {
                sandbox.start(id);
            } else if (stopped.isDone()) {
                throw new SandboxException("the container " + id + " is not running");
            }
            c.send(Reply.running(""));
            c.takeInputFor(process);
            outcome(process);
            // The state, not the exit alone: it knows whether memory ran out.
            ContainerState last = stopped.get();
            Integer code = last.exitCode();
            if (code == null) {
                throw new SandboxException(String.valueOf(last.error()));
            }
            c.send(Reply.exited(code, last.oomKilled()));
        } catch (ExecutionException e) {
            throw new SandboxException(String.valueOf(e.getMessage()), e);
        } finally {
            process.detach(c);
        }
    }

    private void exec(
            Sandbox sandbox,
            String id,
            io.porthole.sandbox.orchestrator.state.ProcessSpec spec,
            Connection c)
            throws SandboxException, IOException, InterruptedException {
        c.hold();
        GuestProcess process = sandbox.exec(id, spec, c);
        String key = id + "/" + process.exec();
        execs.put(key, process);
        try {
            c.send(Reply.running(process.exec()));
            c.release();
            c.takeInputFor(process);
            c.send(Reply.exited(outcome(process), false));
        } finally {
            c.release();
            execs.remove(key);
            process.detach(c);
        }
    }

    private static int outcome(GuestProcess process) throws SandboxException, InterruptedException {
        try {
            return process.exit().get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SandboxException known) {
                throw known;
            }
            throw new SandboxException(String.valueOf(e.getCause()), e);
        }
    }

    private static ContainerStats stats(String id, StatsContainerResponse from) {
        CgroupStats g = from.getCgroupStats();
        long limit = g.getMemoryStats().getUsage().getLimit();
        return new ContainerStats(
                id,
                g.getCpuStats().getCpuUsage().getTotalUsage(),
                g.getCpuStats().getCpuUsage().getUsageInUsermode(),
                g.getCpuStats().getCpuUsage().getUsageInKernelmode(),
                g.getMemoryStats().getUsage().getUsage(),
                limit < 0 || limit == Long.MAX_VALUE ? 0 : limit,
                g.getMemoryStats().getStatsMap(),
                g.getPidsStats().getCurrent(),
                g.getPidsStats().getLimit(),
                from.getNetworkStatsList().stream()
                        .map(n ->
                                new ContainerStats.NetworkCounters(
                                        n.getName(), n.getRxBytes(), n.getTxBytes()))
                        .toList());
    }

    /** One command's socket; writes are whole frames, from any thread. */
    private static final class Connection implements OutputSink {
        private final SocketChannel socket;
        private final java.util.concurrent.locks.ReentrantLock writing =
                new java.util.concurrent.locks.ReentrantLock();
        private @Nullable CompletableFuture<Void> held;

        Connection(SocketChannel socket) {
            this.socket = socket;
        }

        /** Keeps output back until {@link #release}: the answer comes first. */
        synchronized void hold() {
            held = new CompletableFuture<>();
        }

        synchronized void release() {
            if (held != null) {
                held.complete(null);
            }
        }

        void send(Reply reply) throws IOException {
            writing.lock();
            try {
                Frame.write(socket, Json.write(reply));
            } finally {
                writing.unlock();
            }
        }

        @Override
        public void output(boolean stderr, byte[] data) throws IOException {
            CompletableFuture<Void> gate;
            synchronized (this) {
                gate = held;
            }
            if (gate != null) {
                gate.join();
            }
            writing.lock();
            try {
                Frame.write(
                        socket, stderr ? Frame.Type.STDERR : Frame.Type.STDOUT, data, data.length);
            } finally {
                writing.unlock();
            }
        }

        /** Passes the command's input on, until it ends or the command goes. */
        void takeInputFor(GuestProcess process) {
            Thread.ofVirtual()
                    .name("stdin")
                    .start(() -> {
                        try {
                            passInput(process);
                        } catch (IOException e) {
                            LOG.debug("input: {}", e.getMessage());
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    });
        }

        private void passInput(GuestProcess process) throws IOException, InterruptedException {
            boolean broken = false;
            for (Frame f = Frame.read(socket); f != null; f = Frame.read(socket)) {
                switch (f.type()) {
                    case STDIN -> {
                        // A process that has closed its input does not end the connection.
                        if (!broken) {
                            try {
                                process.writeStdin(f.content(), f.content().length);
                            } catch (IOException e) {
                                LOG.debug("stdin: {}", e.getMessage());
                                broken = true;
                            }
                        }
                    }
                    case STDIN_END -> process.closeStdin();
                    case JSON, STDOUT, STDERR ->
                            throw new IOException("a command sends input only");
                }
            }
            process.detach(this);
        }
    }
}
