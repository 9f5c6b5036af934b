package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.grpc.CreateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.CreateSandboxRequest;
import io.porthole.sandbox.agentprotocol.grpc.ExecProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.KernelModule;
import io.porthole.sandbox.agentprotocol.grpc.Mount;
import io.porthole.sandbox.agentprotocol.grpc.Process;
import io.porthole.sandbox.agentprotocol.grpc.Spec;
import io.porthole.sandbox.agentprotocol.grpc.Storage;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * What the guest holds: the containers and the storages of one sandbox. Safe for use by many
 * threads; methods that run crun or mount block for long.
 */
final class Sandbox {
    static final Path RUN = Path.of("/run/kata-containers");
    private static final Path SANDBOX = RUN.resolve("sandbox");
    private static final Path RESOLV_CONF = SANDBOX.resolve("resolv.conf");
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");
    private static final int SIGKILL = 9;
    private static final long TERMINAL_DRAIN_MILLIS = 500;
    private static final long UNREAD_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Crun crun;
    private final Reaper reaper;
    private final Spawner spawner;
    private final ScheduledExecutorService timer;
    private final OomWatcher oom;
    private final Mounts mounts = new Mounts();
    private final Map<String, Container> containers = new HashMap<>();
    private final List<String> sandboxStorages = new ArrayList<>();
    private int pausePid;

    Sandbox(
            Crun crun,
            Reaper reaper,
            Spawner spawner,
            OomWatcher oom,
            ScheduledExecutorService timer) {
        this.crun = crun;
        this.reaper = reaper;
        this.spawner = spawner;
        this.oom = oom;
        this.timer = timer;
    }

    OomWatcher oom() {
        return oom;
    }

    Mounts mounts() {
        return mounts;
    }

    void create(CreateSandboxRequest request) throws IOException {
        Files.createDirectories(SANDBOX);
        Path temporary = SANDBOX.resolve("resolv.conf.new");
        Files.write(temporary, resolvConf(request.getDnsList()));
        Files.move(temporary, RESOLV_CONF, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        if (!request.getHostname().isEmpty()) {
            int result = Libc.setHostname(request.getHostname());
            if (result < 0) {
                throw new TtrpcException(
                        StatusCode.INVALID_ARGUMENT,
                        "cannot set the hostname: " + Libc.describe(-result));
            }
        }
        for (KernelModule module : request.getKernelModulesList()) {
            loadModule(module);
        }
        for (Storage storage : request.getStoragesList()) {
            String target = mounts.acquire(storage);
            synchronized (this) {
                sandboxStorages.add(target);
            }
        }
        if (request.getSandboxPidns()) {
            startPause();
        }
    }

    /** Lines as they are where they look like resolv.conf's, bare addresses as name servers. */
    private static List<String> resolvConf(List<String> dns) {
        List<String> lines = new ArrayList<>();
        for (String line : dns) {
            lines.add(line.isEmpty() || line.contains(" ") ? line : "nameserver " + line);
        }
        return lines;
    }

    private void loadModule(KernelModule module) throws IOException {
        List<String> command = new ArrayList<>(List.of("/sbin/modprobe", module.getName()));
        command.addAll(module.getParametersList());
        Spawner.Outcome outcome = spawner.run(command, SANDBOX.resolve("modprobe.log"), 30);
        if (!outcome.ok()) {
            throw new TtrpcException(
                    StatusCode.INTERNAL,
                    "cannot load module " + module.getName() + ": " + outcome.stderr());
        }
    }

    /**
     * The first process of the shared PID namespace: it waits, and reaps its namespace's orphans.
     */
    private synchronized void startPause() throws IOException {
        if (pausePid != 0) {
            return;
        }
        int nothing = Libc.open("/dev/null", Libc.O_RDWR | Libc.O_CLOEXEC);
        try {
            int unshare =
                    spawner.spawn(
                            List.of(
                                    "/bin/busybox",
                                    "unshare",
                                    "--pid",
                                    "--fork",
                                    "/bin/busybox",
                                    "sh",
                                    "-c",
                                    "while :; do /bin/busybox sleep 2147483647; done"),
                            nothing,
                            nothing,
                            nothing);
            pausePid = onlyChildOf(unshare);
        } finally {
            var _ = Libc.close(nothing);
        }
    }

    private static int onlyChildOf(int pid) throws IOException {
        Path children = Path.of("/proc/" + pid + "/task/" + pid + "/children");
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (System.nanoTime() < deadline) {
            String text = Files.readString(children).strip();
            if (!text.isEmpty()) {
                return Integer.parseInt(text);
            }
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
        }
        throw new IOException("the sandbox's PID namespace did not come up");
    }

    private synchronized @Nullable String sharedPidNamespace(boolean wanted) {
        if (!wanted) {
            return null;
        }
        if (pausePid == 0) {
            throw new TtrpcException(
                    StatusCode.FAILED_PRECONDITION,
                    "the sandbox was created without a PID namespace to share");
        }
        return "/proc/" + pausePid + "/ns/pid";
    }

    void createContainer(CreateContainerRequest request) throws IOException {
        String id = request.getContainerId();
        checkId(id);
        synchronized (this) {
            if (containers.containsKey(id)) {
                throw new TtrpcException(StatusCode.ALREADY_EXISTS, "there is a container " + id);
            }
        }
        List<String> storages = new ArrayList<>();
        Path bundle = RUN.resolve(id);
        try {
            for (Storage storage : request.getStoragesList()) {
                storages.add(mounts.acquire(storage));
            }
            Spec spec = request.getOCI();
            hold(spec.getRoot().getPath(), storages);
            for (Mount mount : spec.getMountsList()) {
                if (mount.getSource().startsWith("/")) {
                    hold(mount.getSource(), storages);
                }
            }
            if (request.hasStringUser()) {
                spec =
                        spec.toBuilder()
                                .setProcess(
                                        UserNames.resolve(
                                                spec.getProcess(),
                                                request.getStringUser(),
                                                Path.of(spec.getRoot().getPath())))
                                .build();
            }
            spec =
                    PodSpec.forGuest(
                            id,
                            spec,
                            request.getDevicesList(),
                            sharedPidNamespace(request.getSandboxPidns()));
            for (Map.Entry<String, String> entry :
                    PodSpec.guestSysctls(request.getOCI()).entrySet()) {
                Files.writeString(
                        Path.of("/proc/sys/" + entry.getKey().replace('.', '/')), entry.getValue());
            }
            Files.createDirectories(bundle);
            Files.writeString(bundle.resolve("config.json"), OciConfig.config(spec));
            Crun.Started started = crun.create(id, bundle, spec.getProcess().getTerminal());
            ContainerProcess init = process(started, spec.getProcess());
            Path cgroup = CGROUP.resolve(PodSpec.cgroupPath(id).substring(1));
            Container container =
                    new Container(id, bundle, cgroup, !request.getSandboxPidns(), storages, init);
            oom.watch(container);
            synchronized (this) {
                containers.put(id, container);
            }
        } catch (IOException | RuntimeException e) {
            for (String target : storages) {
                mounts.release(target);
            }
            deleteBundle(bundle);
            throw e;
        }
    }

    private void hold(String path, List<String> storages) throws IOException {
        String held = mounts.hold(path);
        if (held != null) {
            storages.add(held);
        }
    }

    private ContainerProcess process(Crun.Started started, Process spec) {
        ProcessStreams streams = started.streams();
        if (streams.isTerminal() && spec.hasConsoleSize()) {
            var _ =
                    streams.resize(
                            spec.getConsoleSize().getHeight(), spec.getConsoleSize().getWidth());
        }
        CompletableFuture<Integer> exit = reaper.exitOf(started.pid());
        if (streams.isTerminal()) {
            Runnable drain = () -> streams.stdout().endAfterDrain();
            var _ =
                    exit.thenAccept(status -> {
                        var _ = timer.schedule(drain, TERMINAL_DRAIN_MILLIS, TimeUnit.MILLISECONDS);
                    });
        }
        return new ContainerProcess(started.pid(), streams, exit);
    }

    void startContainer(String id) throws IOException {
        Container container = container(id);
        if (!container.markStarted()) {
            throw new TtrpcException(
                    StatusCode.FAILED_PRECONDITION, "container " + id + " was started before");
        }
        crun.start(id);
    }

    void exec(ExecProcessRequest request) throws IOException {
        Container container = container(request.getContainerId());
        container.checkRunning(request.getExecId());
        Process spec = request.getProcess();
        if (request.hasStringUser()) {
            spec =
                    UserNames.resolve(
                            spec,
                            request.getStringUser(),
                            Path.of("/proc/" + container.init().pid() + "/root"));
        }
        if (spec.getArgsCount() == 0) {
            throw new TtrpcException(StatusCode.INVALID_ARGUMENT, "the process has no arguments");
        }
        Path file = Files.createTempFile(container.bundle(), "exec", ".json");
        try {
            Files.writeString(file, OciConfig.process(spec));
            Crun.Started started = crun.exec(container.id(), file, spec.getTerminal());
            ContainerProcess process = process(started, spec);
            if (!container.put(request.getExecId(), process)) {
                throw new TtrpcException(
                        StatusCode.NOT_FOUND, "container " + container.id() + " is removed");
            }
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /** Called when an exec's status has been taken: its streams go once they have been read. */
    void retire(Container container, String execId) {
        if (execId.isEmpty() || execId.equals(container.id())) {
            return;
        }
        ContainerProcess process;
        try {
            process = container.process(execId);
        } catch (TtrpcException e) {
            return;
        }
        if (process.streams().isIdle(UNREAD_NANOS)) {
            container.forget(execId);
        } else {
            var _ = timer.schedule(() -> retire(container, execId), 1, TimeUnit.SECONDS);
        }
    }

    void signal(String containerId, String execId, int signal) throws IOException {
        Container container = container(containerId);
        ContainerProcess process = container.process(execId);
        if (signal == SIGKILL && process.equals(container.init()) && !container.ownPidNamespace()) {
            // Without a PID namespace of its own, the others would outlive the first process.
            killCgroup(container);
            return;
        }
        if (process.exit().isDone()) {
            throw new TtrpcException(StatusCode.NOT_FOUND, "the process has ended");
        }
        int result = Libc.kill(process.pid(), signal);
        if (result < 0) {
            StatusCode code = result == -Libc.ESRCH ? StatusCode.NOT_FOUND : StatusCode.INTERNAL;
            throw new TtrpcException(code, "kill: " + Libc.describe(-result));
        }
    }

    private static void killCgroup(Container container) throws IOException {
        Path kill = container.cgroup().resolve("cgroup.kill");
        if (Files.exists(kill)) {
            Files.writeString(kill, "1");
        } else {
            var _ = Libc.kill(container.init().pid(), SIGKILL);
        }
    }

    void freeze(String id, boolean frozen) throws IOException {
        Path cgroup = container(id).cgroup();
        Files.writeString(cgroup.resolve("cgroup.freeze"), frozen ? "1" : "0");
        CgroupStatsReader files = new CgroupStatsReader(cgroup);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        long wanted = frozen ? 1 : 0;
        while (files.keyed("cgroup.events").getOrDefault("frozen", wanted) != wanted) {
            if (System.nanoTime() > deadline) {
                throw new IOException("the container's processes did not change their state");
            }
            try {
                Thread.sleep(2);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    void update(String id, String resourcesJson) throws IOException {
        Container container = container(id);
        Path file = Files.createTempFile(container.bundle(), "update", ".json");
        try {
            Files.writeString(file, resourcesJson);
            crun.update(id, file);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /**
     * @param limitSeconds 0 waits without limit
     */
    void removeContainer(String id, int limitSeconds) throws IOException {
        Container container = container(id);
        // Its cgroup goes away: what the watcher would see then is no event.
        oom.forget(container);
        crun.delete(id);
        try {
            if (limitSeconds == 0) {
                var _ = container.init().exit().get();
            } else {
                var _ = container.init().exit().get(limitSeconds, TimeUnit.SECONDS);
            }
        } catch (TimeoutException e) {
            throw new TtrpcException(
                    StatusCode.DEADLINE_EXCEEDED,
                    "container " + id + " did not end within " + limitSeconds + " s",
                    e);
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException("the reaper never fails a status", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        synchronized (this) {
            containers.remove(id);
        }
        container.close();
        for (String target : container.storages()) {
            mounts.release(target);
        }
        deleteBundle(container.bundle());
    }

    private static void deleteBundle(Path bundle) {
        java.io.File[] files = bundle.toFile().listFiles();
        if (files != null) {
            for (java.io.File file : files) {
                var _ = file.delete();
            }
        }
        var _ = bundle.toFile().delete();
    }

    /** Removes all containers and gives back the sandbox's storages, the latest first. */
    void destroy() throws IOException {
        Collection<Container> all;
        List<String> storages;
        int pause;
        synchronized (this) {
            all = new ArrayList<>(containers.values());
            storages = new ArrayList<>(sandboxStorages);
            sandboxStorages.clear();
            pause = pausePid;
            pausePid = 0;
        }
        for (Container container : all) {
            removeContainer(container.id(), 0);
        }
        for (int i = storages.size() - 1; i >= 0; i--) {
            mounts.release(storages.get(i));
        }
        if (pause != 0) {
            var _ = Libc.kill(pause, SIGKILL);
        }
        int result = Libc.callInt("sync");
        if (result < 0) {
            Log.error("sync: " + Libc.describe(-result), null);
        }
    }

    /**
     * @throws TtrpcException NOT_FOUND
     */
    synchronized Container container(String id) {
        Container container = containers.get(id);
        if (container == null) {
            throw new TtrpcException(StatusCode.NOT_FOUND, "there is no container " + id);
        }
        return container;
    }

    synchronized int containerCount() {
        return containers.size();
    }

    /** It becomes a directory's and a cgroup's name, and an argument of crun. */
    private static void checkId(String id) {
        boolean good = !id.isEmpty() && id.length() <= 128 && isWord(id.charAt(0));
        for (int i = 0; i < id.length() && good; i++) {
            char c = id.charAt(i);
            good = isWord(c) || c == '-' || c == '_' || c == '.' || c == '+';
        }
        if (!good || id.equals("shared") || id.equals("sandbox")) {
            throw new TtrpcException(
                    StatusCode.INVALID_ARGUMENT, "not a container id: \"" + id + "\"");
        }
    }

    private static boolean isWord(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }
}
