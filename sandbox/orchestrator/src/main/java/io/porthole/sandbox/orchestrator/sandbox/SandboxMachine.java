package io.porthole.sandbox.orchestrator.sandbox;

import io.porthole.sandbox.agentprotocol.AgentClient;
import io.porthole.sandbox.agentprotocol.grpc.CreateSandboxRequest;
import io.porthole.sandbox.agentprotocol.grpc.DestroySandboxRequest;
import io.porthole.sandbox.agentprotocol.grpc.Routes;
import io.porthole.sandbox.agentprotocol.grpc.Storage;
import io.porthole.sandbox.agentprotocol.grpc.UpdateInterfaceRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateRoutesRequest;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import io.porthole.sandbox.agentprotocol.types.Interface;
import io.porthole.sandbox.orchestrator.config.PortholeConfig;
import io.porthole.sandbox.orchestrator.hypervisor.GuestImage;
import io.porthole.sandbox.orchestrator.hypervisor.Hypervisor;
import io.porthole.sandbox.orchestrator.hypervisor.HypervisorException;
import io.porthole.sandbox.orchestrator.hypervisor.ShareDevice;
import io.porthole.sandbox.orchestrator.hypervisor.VirtualMachine;
import io.porthole.sandbox.orchestrator.hypervisor.VmConfig;
import io.porthole.sandbox.orchestrator.hypervisor.VmEnd;
import io.porthole.sandbox.orchestrator.hypervisor.VmEvent;
import io.porthole.sandbox.orchestrator.network.GuestNetwork;
import io.porthole.sandbox.orchestrator.process.EventLoops;
import io.porthole.sandbox.orchestrator.share.FileSystemDaemon;
import io.porthole.sandbox.orchestrator.share.ShareTree;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The machine of a sandbox with everything that keeps it running: file system daemon, network,
 * hypervisor, agent. Dies as a whole: the first part that goes names the cause.
 */
final class SandboxMachine implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxMachine.class);
    private static final String SHARE_TAG = "kataShared";
    private static final String DAX_TAG = "daxShared";
    private static final long MIB = 1 << 20;
    private static final int TAIL_LINES = 20;
    private static final Duration HEALTH_INTERVAL = Duration.ofSeconds(2);
    // A daemon whose hypervisor was killed goes too: which of both was first is seen after this.
    private static final long SETTLE_MILLIS = 300;

    /** Why a machine is gone although nobody asked. */
    record Death(String message, List<String> consoleTail) {}

    private final PortholeConfig config;
    private final SandboxDirectory directory;
    private final SandboxSpec spec;
    private final SandboxJournal journal;
    private final Consumer<String> progress;
    private final CompletableFuture<Death> death = new CompletableFuture<>();
    private final CompletableFuture<Long> portOpened = new CompletableFuture<>();
    private final SandboxNetwork network;
    private final List<FileSystemDaemon> daemons = new ArrayList<>();
    private volatile @Nullable VirtualMachine vm;
    private volatile @Nullable AgentClient agent;
    private GuestNetwork guestNetwork = GuestNetwork.NONE;
    private volatile boolean closing;
    private volatile boolean portClosed;

    private SandboxMachine(
            PortholeConfig config,
            SandboxDirectory directory,
            SandboxSpec spec,
            SandboxJournal journal,
            Consumer<String> progress) {
        this.config = config;
        this.directory = directory;
        this.spec = spec;
        this.journal = journal;
        this.progress = progress;
        this.network = new SandboxNetwork(config, directory, spec, journal);
    }

    /** Starts all parts and returns when the agent has taken the share. */
    static SandboxMachine boot(
            PortholeConfig config,
            Hypervisor hypervisor,
            SandboxDirectory directory,
            SandboxSpec spec,
            SandboxJournal journal,
            Consumer<String> progress)
            throws SandboxException, InterruptedException {
        SandboxMachine machine = new SandboxMachine(config, directory, spec, journal, progress);
        boolean done = false;
        try {
            machine.start(hypervisor);
            done = true;
            return machine;
        } catch (IOException | HypervisorException e) {
            throw new SandboxException(String.valueOf(e.getMessage()), e);
        } finally {
            if (!done) {
                machine.close();
            }
        }
    }

    private void start(Hypervisor hypervisor)
            throws IOException, HypervisorException, SandboxException, InterruptedException {
        long begin = System.nanoTime();
        progress.accept("starting the file system daemon");
        new ShareTree(directory).open(spec.dax());
        startDaemon("virtiofsd", FileSystemDaemon.Service.plain(directory));
        if (spec.dax()) {
            startDaemon("virtiofsd-dax", FileSystemDaemon.Service.window(directory, DAX_TAG));
        }
        guestNetwork = network.open();
        Duration patience = Duration.ofSeconds(20);
        daemons.getFirst().awaitListening(directory.fileSystemSocket(), patience);
        if (spec.dax()) {
            daemons.getLast().awaitListening(directory.daxSocket(), patience);
        }
        long listening = System.nanoTime();
        journal.timing("file system daemon", begin, listening);

        progress.accept("starting the virtual machine");
        VirtualMachine running = hypervisor.start(vmConfig(), this::event);
        vm = running;
        long executing = System.nanoTime();
        journal.timing("vm exec", listening, executing);
        journal.update(s -> s.withProcess("qemu", running.process()));
        for (FileSystemDaemon d : daemons) {
            var _ = d.end().thenAccept(status -> daemonEnded(d, status));
        }
        var _ =
                running.end()
                        .thenAccept(end -> died(nameAgent(end), end.consoleTail(), end.expected()));

        progress.accept("booting the guest");
        long opened = awaitPort(running);
        journal.timing("kernel", executing, opened);
        AgentClient client = connect(running);
        agent = client;
        long ready = System.nanoTime();
        journal.timing("agent ready", opened, ready);
        progress.accept("setting up the guest");
        createSandbox(client);
        long mounted = System.nanoTime();
        journal.timing("share mounted", ready, mounted);
        setUpNetwork(client);
        if (!guestNetwork.interfaces().isEmpty()) {
            journal.timing("network", mounted, System.nanoTime());
        }
        Thread.ofVirtual().name("agent-health").start(this::watchHealth);
    }

    private void startDaemon(String role, FileSystemDaemon.Service service) throws IOException {
        FileSystemDaemon started = FileSystemDaemon.start(config.shares(), service);
        daemons.add(started);
        journal.update(s -> s.withProcess(role, started.process()));
    }

    private List<ShareDevice> shareDevices() {
        int size = config.shares().queueSize();
        List<ShareDevice> all = new ArrayList<>();
        all.add(new ShareDevice(SHARE_TAG, directory.fileSystemSocket(), size, false));
        if (spec.dax()) {
            all.add(new ShareDevice(DAX_TAG, directory.daxSocket(), size, true));
        }
        return all;
    }

    private Path kernel(Path kernel) throws SandboxException {
        try {
            return new KernelCache(config.dataRoot().resolve("kernels")).unpacked(kernel);
        } catch (IOException e) {
            throw new SandboxException("the guest's kernel " + kernel + " cannot be unpacked", e);
        }
    }

    private VmConfig vmConfig() throws SandboxException {
        PortholeConfig.Qemu q = config.qemu();
        Path image = q.image();
        for (Path needed : new Path[] {q.kernel(), q.initrd(), image}) {
            if (needed != null && !Files.isReadable(needed)) {
                throw new SandboxException(
                        "the guest's "
                                + needed
                                + " is missing: "
                                + PortholeConfig.GUEST_SOURCE
                                + ", or name another one in the configuration");
            }
        }
        return new VmConfig(
                spec.id(),
                spec.vcpus(),
                spec.memoryBytes() / (2 * MIB) * (2 * MIB),
                q.accelerator(),
                q.firmware(),
                kernel(q.kernel()),
                q.initrd(),
                image == null ? null : new GuestImage(image, q.imageAttachment()),
                kernelParameters(q),
                shareDevices(),
                guestNetwork.devices(),
                directory.agentSocket(),
                AgentClient.PORT_NAME,
                directory.consoleLog(),
                directory.path(),
                q.pcieRootPort(),
                guestNetwork.namespace(),
                q.debug());
    }

    static List<String> kernelParameters(PortholeConfig.Qemu q) {
        List<String> all =
                new ArrayList<>(
                        List.of(
                                "console=ttyS0",
                                "panic=-1",
                                // A kernel that has faulted is no kernel to go on with, and this
                                // way the end is noticed and named.
                                "oops=panic",
                                "no_timer_check",
                                "nokaslr",
                                "cryptomgr.notests=1"));
        // A guest is one sandbox: what its processes may learn of each other's data is bounded by
        // the machine, and mitigations cost most where they are emulated.
        all.add("mitigations=off");
        // Pages are zeroed when they reach a process in any case; zeroing each for the kernel's own
        // use as well takes a tenth of the boot under emulation.
        all.add("init_on_alloc=0");
        all.add("rcupdate.rcu_expedited=1");
        // Trace events for kprobes, and certificates to check modules by: neither is used.
        all.add("initcall_blacklist=init_kprobe_trace,load_system_certificate_list");
        all.add(q.debug() ? "debug" : "quiet");
        if (q.image() != null) {
            boolean pmem = q.imageAttachment() == GuestImage.Attachment.PMEM;
            all.addAll(
                    List.of(
                            "root=" + (pmem ? "/dev/pmem0" : "/dev/vda"),
                            "rootfstype=erofs",
                            "ro"));
            if (pmem) {
                all.add("rootflags=dax=always");
            }
        }
        all.addAll(q.kernelParams());
        return all;
    }

    private void event(VmEvent event) {
        if (event instanceof VmEvent.AgentPort port) {
            if (port.open()) {
                portOpened.complete(System.nanoTime());
            } else if (agent != null) {
                portClosed = true;
                // A kernel that panics closes the port as well, and says more: let it speak first.
                var _ =
                        CompletableFuture.runAsync(
                                () -> died("the agent in the guest ended", tail(), closing),
                                CompletableFuture.delayedExecutor(
                                        SETTLE_MILLIS, TimeUnit.MILLISECONDS));
            }
        }
    }

    /** The guest powers itself off when its agent has ended: then that is what died. */
    private String nameAgent(VmEnd end) {
        return portClosed && end.cause() == VmEnd.Cause.SHUT_DOWN
                ? "the agent in the guest ended, and the guest powered itself off"
                : end.message();
    }

    private long awaitPort(VirtualMachine running) throws SandboxException, InterruptedException {
        try {
            CompletableFuture.anyOf(portOpened, death)
                    .get(config.agent().dialTimeoutSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new SandboxException(
                    SandboxException.Kind.FAILED,
                    "the agent did not appear within " + config.agent().dialTimeoutSeconds() + " s",
                    running.consoleTail(TAIL_LINES));
        } catch (ExecutionException e) {
            throw new IllegalStateException("these never fail", e);
        }
        throwIfDead();
        return portOpened.join();
    }

    private AgentClient connect(VirtualMachine running)
            throws SandboxException, InterruptedException {
        try {
            return AgentClient.connect(
                    EventLoops.shared(),
                    directory.agentSocket(),
                    Duration.ofSeconds(config.agent().dialTimeoutSeconds()),
                    Duration.ofSeconds(config.agent().requestTimeoutSeconds()));
        } catch (TtrpcException e) {
            throwIfDead();
            throw new SandboxException(
                    SandboxException.Kind.FAILED,
                    String.valueOf(e.getMessage()),
                    running.consoleTail(TAIL_LINES));
        }
    }

    private void createSandbox(AgentClient client) throws SandboxException, InterruptedException {
        CreateSandboxRequest.Builder request =
                CreateSandboxRequest.newBuilder()
                        .setHostname(spec.id())
                        .setSandboxId(spec.id())
                        .addAllDns(
                                guestNetwork.nameservers().stream()
                                        .map(n -> "nameserver " + n)
                                        .toList())
                        .addStorages(
                                Storage.newBuilder()
                                        .setDriver("virtio-fs")
                                        .setSource(SHARE_TAG)
                                        .setFstype("virtiofs")
                                        .setMountPoint(ShareTree.GUEST_ROOT))
                        .addStorages(
                                Storage.newBuilder()
                                        .setDriver("ephemeral")
                                        .setSource("shm")
                                        .setFstype("tmpfs")
                                        .addAllOptions(
                                                List.of(
                                                        "noexec",
                                                        "nosuid",
                                                        "nodev",
                                                        "mode=1777",
                                                        "size=64m"))
                                        .setMountPoint(SpecBuilder.SANDBOX_SHM));
        if (spec.dax()) {
            request.addStorages(
                    Storage.newBuilder()
                            .setDriver("virtio-fs")
                            .setSource(DAX_TAG)
                            .setFstype("virtiofs")
                            .addOptions("dax=inode")
                            .setMountPoint(ShareTree.GUEST_DAX));
        }
        call("set up the sandbox", client.createSandbox(request.build()));
    }

    private void setUpNetwork(AgentClient client) throws SandboxException, InterruptedException {
        for (Interface one : guestNetwork.interfaces()) {
            call(
                    "set up the interface " + one.getName(),
                    client.updateInterface(
                            UpdateInterfaceRequest.newBuilder().setInterface(one).build()));
        }
        if (!guestNetwork.routes().isEmpty()) {
            call(
                    "set up the routes",
                    client.updateRoutes(
                            UpdateRoutesRequest.newBuilder()
                                    .setRoutes(
                                            Routes.newBuilder().addAllRoutes(guestNetwork.routes()))
                                    .build()));
        }
    }

    /** Waits for an agent's answer; a sandbox that dies meanwhile is the better message. */
    private void call(String what, CompletableFuture<?> answer)
            throws SandboxException, InterruptedException {
        try {
            AgentClient.await(answer);
        } catch (TtrpcException e) {
            throwIfDead();
            throw new SandboxException(
                    SandboxException.Kind.FAILED,
                    "the agent cannot " + what + ": " + e.getMessage(),
                    tail());
        }
    }

    private void watchHealth() {
        Duration patience = Duration.ofSeconds(config.agent().hangTimeoutSeconds());
        try {
            while (!death.isDone() && !closing) {
                Thread.sleep(HEALTH_INTERVAL);
                AgentClient client = agent;
                if (client == null) {
                    return;
                }
                AgentClient.await(client.withTimeout(patience).check());
            }
        } catch (TtrpcException e) {
            switch (e.code()) {
                case DEADLINE_EXCEEDED ->
                        died(
                                "the agent in the guest hangs: no answer for "
                                        + patience.toSeconds()
                                        + " s",
                                tail(),
                                closing);
                default -> LOG.debug("health check: {}", e.getMessage());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void daemonEnded(FileSystemDaemon gone, int status) {
        if (closing) {
            return;
        }
        VirtualMachine running = vm;
        try {
            if (running != null && status <= 128) {
                // It ends by itself when the hypervisor hangs up.
                VmEnd end = running.end().get(SETTLE_MILLIS, TimeUnit.MILLISECONDS);
                died(end.message(), end.consoleTail(), end.expected());
                return;
            }
        } catch (TimeoutException | ExecutionException e) {
            LOG.debug("virtiofsd ended first");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        died(gone.lastWords(status), tail(), closing);
    }

    private void died(String message, List<String> tail, boolean expected) {
        if (!expected && !closing && death.complete(new Death(message, tail))) {
            LOG.error("{}", message);
        }
    }

    private List<String> tail() {
        VirtualMachine running = vm;
        return running == null ? List.of() : running.consoleTail(TAIL_LINES);
    }

    private void throwIfDead() throws SandboxException {
        Death d = death.getNow(null);
        if (d != null) {
            throw new SandboxException(SandboxException.Kind.FAILED, d.message, d.consoleTail);
        }
    }

    AgentClient agent() {
        AgentClient client = agent;
        if (client == null) {
            throw new IllegalStateException("the machine has not booted");
        }
        return client;
    }

    List<String> nameservers() {
        return guestNetwork.nameservers();
    }

    CompletableFuture<Death> death() {
        return death;
    }

    /** Gives the guest up: {@link #close} will not ask its agent any more. */
    void abandon() {
        AgentClient client = agent;
        if (client != null) {
            client.close();
        }
    }

    /** Ends everything, in the order in which it depends on each other; idempotent. */
    @Override
    public void close() {
        closing = true;
        AgentClient client = agent;
        VirtualMachine running = vm;
        if (client != null) {
            try {
                if (client.isOpen() && running != null && !running.end().isDone()) {
                    AgentClient.await(
                            client.withTimeout(Duration.ofSeconds(3))
                                    .destroySandbox(DestroySandboxRequest.getDefaultInstance()));
                }
            } catch (TtrpcException e) {
                LOG.debug("destroy sandbox: {}", e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            client.close();
        }
        if (running != null) {
            running.stop(Duration.ofSeconds(2));
        }
        daemons.forEach(FileSystemDaemon::close);
        network.close();
        for (Path socket : directory.socketsOfTheMachine()) {
            try {
                Files.deleteIfExists(socket);
            } catch (IOException e) {
                LOG.warn("cannot remove {}", socket, e);
            }
        }
    }
}
