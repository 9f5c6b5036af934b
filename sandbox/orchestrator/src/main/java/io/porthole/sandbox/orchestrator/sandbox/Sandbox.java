package io.porthole.sandbox.orchestrator.sandbox;

import io.porthole.sandbox.agentprotocol.AgentClient;
import io.porthole.sandbox.agentprotocol.grpc.CreateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.ExecProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.GetMetricsRequest;
import io.porthole.sandbox.agentprotocol.grpc.GetOOMEventRequest;
import io.porthole.sandbox.agentprotocol.grpc.RemoveContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.StartContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerResponse;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import io.porthole.sandbox.orchestrator.config.PortholeConfig;
import io.porthole.sandbox.orchestrator.hypervisor.Hypervisor;
import io.porthole.sandbox.orchestrator.share.ShareTree;
import io.porthole.sandbox.orchestrator.state.ContainerSpec;
import io.porthole.sandbox.orchestrator.state.ContainerState;
import io.porthole.sandbox.orchestrator.state.ProcessSpec;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import io.porthole.sandbox.orchestrator.state.StateStore;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running sandbox. Made by {@link #boot}; gone when {@link #ended} completes. */
public final class Sandbox {
    private static final Logger LOG = LoggerFactory.getLogger(Sandbox.class);
    private static final int SIGKILL = 9;

    private final StateStore store;
    private final SandboxDirectory directory;
    private final SandboxJournal journal;
    private final SandboxMachine machine;
    private final ShareTree shares;
    private final Map<String, Container> containers = new ConcurrentHashMap<>();
    private final CompletableFuture<SandboxState> ended = new CompletableFuture<>();
    private boolean closing;

    private Sandbox(
            StateStore store,
            SandboxDirectory directory,
            SandboxJournal journal,
            SandboxMachine machine) {
        this.store = store;
        this.directory = directory;
        this.journal = journal;
        this.machine = machine;
        this.shares = new ShareTree(directory);
    }

    /**
     * Boots the sandbox whose directory was made before. On failure everything is taken back but
     * the directory, in which the state says why.
     */
    public static Sandbox boot(
            PortholeConfig config,
            Hypervisor hypervisor,
            StateStore store,
            SandboxDirectory directory,
            Consumer<String> progress)
            throws SandboxException, IOException, InterruptedException {
        SandboxJournal journal = new SandboxJournal(directory, directory.read());
        SandboxMachine machine;
        try {
            machine =
                    SandboxMachine.boot(
                            config,
                            hypervisor,
                            directory,
                            journal.state().spec(),
                            journal,
                            progress);
        } catch (SandboxException e) {
            journal.update(s -> s.failed(String.valueOf(e.getMessage()), e.consoleTail()));
            new ShareTree(directory).close();
            throw e;
        }
        Sandbox sandbox = new Sandbox(store, directory, journal, machine);
        journal.update(s -> s.with(SandboxState.Status.RUNNING));
        var _ = machine.death().thenAcceptAsync(sandbox::died);
        Thread.ofVirtual().name("oom-events").start(sandbox::watchOom);
        return sandbox;
    }

    public SandboxState state() {
        return journal.state();
    }

    /** The agent's own interface, for callers that speak it (the shim). */
    public AgentClient agent() {
        return machine.agent();
    }

    /** Completes when everything of the sandbox but its directory is gone. */
    public CompletableFuture<SandboxState> ended() {
        return ended;
    }

    public List<ContainerState> containerStates() {
        return new TreeMap<>(containers).values().stream().map(c -> c.state).toList();
    }

    /** Makes a container; its process does not run yet. */
    public ContainerState create(ContainerSpec spec)
            throws SandboxException, IOException, InterruptedException {
        Container container = new Container(spec);
        synchronized (this) {
            if (closing) {
                throw new SandboxException("the sandbox " + directory.id() + " is ending");
            }
            Container before = containers.get(spec.id());
            if (before != null && before.state.status() != ContainerState.Status.STOPPED) {
                throw new SandboxException("there is already a container called " + spec.id());
            }
            containers.put(spec.id(), container);
        }
        boolean made = false;
        try {
            container.create();
            made = true;
            return container.state;
        } finally {
            if (!made) {
                containers.remove(spec.id(), container);
                shares.remove(spec.id());
            }
        }
    }

    /** Lets a created container's process run. */
    public ContainerState start(String id)
            throws SandboxException, IOException, InterruptedException {
        Container container = require(id);
        container.start();
        return container.state;
    }

    /** The container's own process; its sinks may be attached before it is started. */
    public GuestProcess process(String id) throws SandboxException {
        return require(id).init;
    }

    /** Completes, never exceptionally, with the container's last state. */
    public CompletableFuture<ContainerState> stopped(String id) throws SandboxException {
        return require(id).stopped;
    }

    public ContainerState containerState(String id) throws SandboxException {
        return require(id).state;
    }

    /**
     * Starts a further process in a running container.
     *
     * @param sink attached before the process runs
     */
    public GuestProcess exec(String id, ProcessSpec spec, OutputSink sink)
            throws SandboxException, IOException, InterruptedException {
        return require(id).exec(spec, sink);
    }

    /** What the agent says of itself and the guest, as Prometheus text. */
    public String metrics() throws SandboxException, InterruptedException {
        return answer(
                        "read the agent's metrics",
                        agent().getMetrics(GetMetricsRequest.getDefaultInstance()))
                .getMetrics();
    }

    /** Memory, CPU and process counts of a running container, as its cgroup has them. */
    public StatsContainerResponse stats(String id) throws SandboxException, InterruptedException {
        Container container = require(id);
        return answer(
                "read the counters of " + id,
                agent().statsContainer(
                                StatsContainerRequest.newBuilder()
                                        .setContainerId(container.spec.id())
                                        .build()));
    }

    /**
     * Stops a container: its stop signal, then SIGKILL when it has not ended after {@code grace}.
     */
    public void stop(String id, int signal, Duration grace)
            throws SandboxException, InterruptedException {
        Container container = require(id);
        if (container.state.status() != ContainerState.Status.RUNNING) {
            return;
        }
        container.init.signal(signal);
        if (!awaitStopped(container, grace)) {
            container.init.signal(SIGKILL);
            if (!awaitStopped(container, Duration.ofSeconds(10))) {
                throw new SandboxException("the container " + id + " does not end");
            }
        }
    }

    private static boolean awaitStopped(Container container, Duration patience)
            throws InterruptedException {
        try {
            container.stopped.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            return true;
        }
    }

    /** Forgets a container that does not run, with everything of it on this host. */
    public void remove(String id) throws SandboxException, IOException, InterruptedException {
        Container container = require(id);
        if (container.state.status() == ContainerState.Status.RUNNING) {
            throw new SandboxException("the container " + id + " is running");
        }
        container.removeFromGuest();
        containers.remove(id, container);
        shares.remove(id);
        Removal.containerFiles(store, directory, id);
        endWhenIdle();
    }

    /**
     * Takes a container that has ended out of the guest; it can be created again with its files.
     */
    public void forget(String id) throws SandboxException, IOException, InterruptedException {
        Container container = require(id);
        if (container.state.status() != ContainerState.Status.STOPPED) {
            throw new SandboxException("the container " + id + " has not ended");
        }
        container.removeFromGuest();
        shares.remove(id);
        containers.remove(id, container);
    }

    /** Ends the sandbox and returns when it is gone. */
    public void shutDown() {
        end(null);
    }

    private void died(SandboxMachine.Death death) {
        end(death);
    }

    private void end(SandboxMachine.@Nullable Death death) {
        synchronized (this) {
            if (closing) {
                return;
            }
            closing = true;
        }
        if (death != null) {
            // Told before the clean-up: whoever waits or asks shall know at once.
            record(s -> s.failed(death.message(), death.consoleTail()));
            machine.abandon();
            for (Container c : containers.values()) {
                c.lost(death.message(), death.consoleTail());
            }
        }
        machine.close();
        for (Container c : containers.values()) {
            c.lost("the sandbox was stopped", List.of());
        }
        try {
            shares.close();
        } catch (IOException e) {
            LOG.error("cannot unmount: {}", e.getMessage());
        }
        if (death == null) {
            record(s -> s.with(SandboxState.Status.STOPPED));
        }
        ended.complete(journal.state());
    }

    private void record(UnaryOperator<SandboxState> change) {
        try {
            journal.update(change);
        } catch (IOException e) {
            LOG.error("cannot write the state: {}", e.getMessage());
        }
    }

    /** The sandbox of a single container goes when that has ended. */
    private void endWhenIdle() {
        if (journal.state().spec().keep()
                || containers.values().stream()
                        .anyMatch(c -> c.state.status() != ContainerState.Status.STOPPED)) {
            return;
        }
        Thread.ofVirtual().name("end-when-idle").start(this::shutDown);
    }

    private void watchOom() {
        try {
            while (true) {
                String id =
                        AgentClient.await(
                                        agent().getOomEvent(
                                                        GetOOMEventRequest.getDefaultInstance()))
                                .getContainerId();
                Container container = containers.get(id);
                if (container != null) {
                    container.oomKilled = true;
                    LOG.warn("the container {} ran out of memory", id);
                }
            }
        } catch (TtrpcException e) {
            LOG.debug("no more OOM events: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Container require(String id) throws SandboxException {
        Container container = containers.get(id);
        if (container == null) {
            throw new SandboxException(
                    "there is no container called " + id + " in the sandbox " + directory.id());
        }
        return container;
    }

    private <T extends @Nullable Object> T answer(String what, CompletableFuture<T> call)
            throws SandboxException, InterruptedException {
        try {
            return AgentClient.await(call);
        } catch (TtrpcException e) {
            throw explain("cannot " + what + ": ", e);
        }
    }

    /** What stands behind a failed call: the machine's death where it has died. */
    private SandboxException explain(String prefix, TtrpcException e) {
        if (e.code() == StatusCode.UNAVAILABLE) {
            // The connection went: the cause is about to be known.
            try {
                SandboxMachine.Death death = machine.death().get(2, TimeUnit.SECONDS);
                return new SandboxException(
                        SandboxException.Kind.FAILED, death.message(), death.consoleTail());
            } catch (TimeoutException | ExecutionException none) {
                LOG.debug("no cause found", none);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        return new SandboxException(
                kindOf(String.valueOf(e.getMessage())), prefix + e.getMessage(), List.of());
    }

    /** The runtime's words for a program that cannot be executed, as docker tells them apart. */
    static SandboxException.Kind kindOf(String message) {
        if (message.contains("No such file or directory")
                || message.contains("not found in $PATH")) {
            return SandboxException.Kind.NOT_FOUND;
        }
        if (message.contains("Permission denied") || message.contains("Exec format error")) {
            return SandboxException.Kind.NOT_EXECUTABLE;
        }
        return SandboxException.Kind.FAILED;
    }

    /** A container of this sandbox. */
    private final class Container {
        final ContainerSpec spec;
        final GuestProcess init;
        final CompletableFuture<ContainerState> stopped = new CompletableFuture<>();
        volatile ContainerState state;
        volatile boolean oomKilled;
        private volatile long startedNanos;
        private @Nullable Users users;
        private @Nullable OutputLog log;

        Container(ContainerSpec spec) {
            this.spec = spec;
            this.state = ContainerState.created(spec, directory.id());
            this.init =
                    new GuestProcess(agent(), spec.id(), "", spec.terminal(), e -> explain("", e));
        }

        private String hostname() {
            return spec.hostname().isEmpty() ? directory.id() : spec.hostname();
        }

        private Users users() throws SandboxException {
            Users known = users;
            if (known == null) {
                throw new SandboxException("the container " + spec.id() + " was not made");
            }
            return known;
        }

        void create() throws SandboxException, IOException, InterruptedException {
            long begin = System.nanoTime();
            directory.writeContainer(state);
            ShareTree.Prepared prepared =
                    shares.add(
                            spec,
                            store.containerData(spec.id()),
                            GeneratedFiles.of(hostname(), machine.nameservers()));
            Users known = Users.of(prepared);
            users = known;
            var user = known.resolve(spec.user());
            CreateContainerRequest request =
                    CreateContainerRequest.newBuilder()
                            .setContainerId(spec.id())
                            .setSandboxPidns(spec.sharePids())
                            .setOCI(
                                    SpecBuilder.container(
                                            spec,
                                            prepared,
                                            user,
                                            known.home(user.getUID()),
                                            hostname()))
                            .build();
            answer("create the container " + spec.id(), agent().createContainer(request));
            journal.firstTiming("container created", begin);
        }

        synchronized void start() throws SandboxException, IOException, InterruptedException {
            if (state.status() != ContainerState.Status.CREATED) {
                throw new SandboxException("the container " + spec.id() + " was started before");
            }
            long begin = System.nanoTime();
            OutputLog output = new OutputLog(directory.containerLog(spec.id()));
            log = output;
            init.attach((stderr, data) -> {
                journal.firstTiming("first output", startedNanos);
                output.write(stderr, data);
            });
            try {
                answer(
                        "start the container " + spec.id(),
                        agent().startContainer(
                                        StartContainerRequest.newBuilder()
                                                .setContainerId(spec.id())
                                                .build()));
            } catch (SandboxException e) {
                finish(e.kind() == SandboxException.Kind.NOT_FOUND ? 127 : 126, e.getMessage());
                endWhenIdle();
                throw e;
            }
            startedNanos = System.nanoTime();
            journal.firstTiming("container started", begin);
            state = state.running();
            directory.writeContainer(state);
            init.follow();
            var _ = init.exit().whenCompleteAsync(this::exited);
        }

        private void exited(@Nullable Integer status, @Nullable Throwable failure) {
            if (status == null) {
                // The connection went with the machine: end() tells the cause to this container.
                LOG.debug("{}: wait ended", spec.id(), failure);
                return;
            }
            if (status == 128 + SIGKILL && !oomKilled) {
                // The event may be a moment behind the exit.
                try {
                    Thread.sleep(100);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            finish(status, null);
            if (spec.autoRemove()) {
                try {
                    remove(spec.id());
                } catch (SandboxException | IOException e) {
                    LOG.error("cannot remove {}: {}", spec.id(), e.getMessage());
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            endWhenIdle();
        }

        void lost(String message, List<String> tail) {
            if (state.status() == ContainerState.Status.STOPPED) {
                return;
            }
            finish(null, message);
            init.abandon(new SandboxException(SandboxException.Kind.FAILED, message, tail));
        }

        private void finish(@Nullable Integer status, @Nullable String error) {
            synchronized (stopped) {
                if (stopped.isDone()) {
                    return;
                }
                state = state.ended(status, oomKilled, error);
                try {
                    directory.writeContainer(state);
                    OutputLog output = log;
                    if (output != null) {
                        output.close();
                    }
                } catch (IOException e) {
                    LOG.error("cannot write the state of {}: {}", spec.id(), e.getMessage());
                }
                stopped.complete(state);
            }
        }

        GuestProcess exec(ProcessSpec process, OutputSink sink)
                throws SandboxException, InterruptedException {
            if (state.status() != ContainerState.Status.RUNNING) {
                throw new SandboxException("the container " + spec.id() + " is not running");
            }
            String exec = Long.toHexString(ThreadLocalRandom.current().nextLong());
            var user = users().resolve(process.user().isEmpty() ? spec.user() : process.user());
            GuestProcess started =
                    new GuestProcess(
                            agent(), spec.id(), exec, process.terminal(), e -> explain("", e));
            started.attach(sink);
            answer(
                    "execute " + process.args().getFirst() + " in " + spec.id(),
                    agent().execProcess(
                                    ExecProcessRequest.newBuilder()
                                            .setContainerId(spec.id())
                                            .setExecId(exec)
                                            .setProcess(
                                                    SpecBuilder.process(
                                                            spec,
                                                            process,
                                                            user,
                                                            users().home(user.getUID()),
                                                            hostname()))
                                            .build()));
            started.follow();
            return started;
        }

        void removeFromGuest() throws InterruptedException {
            try {
                AgentClient.await(
                        agent().removeContainer(
                                        RemoveContainerRequest.newBuilder()
                                                .setContainerId(spec.id())
                                                .setTimeout(10)
                                                .build()));
            } catch (TtrpcException e) {
                LOG.debug("remove {}: {}", spec.id(), e.getMessage());
            }
            finish(null, "removed before it was started");
        }
    }
}
