package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The agent's process. */
public final class Agent {
    /**
     * The host may give the agent several ports, each a channel of its own: agent.0, agent.1, ...
     */
    private static final String PORT_PREFIX = "agent.";

    private static final Path PORTS = Path.of("/sys/class/virtio-ports");
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");
    private static final long PORT_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private Agent() {}

    /** Serves until the guest ends. The guest's init has mounted what a guest needs. */
    public static void main(String[] arguments) throws IOException {
        AgentService service = assemble(Path.of("/run/porthole"));
        prepareCgroups();
        boolean served = false;
        long deadline = System.nanoTime() + PORT_PATIENCE_NANOS;
        while (!served) {
            for (Path port : agentPorts()) {
                serve(port, service);
                served = true;
            }
            if (VsockListener.isPresent()) {
                new VsockListener(service).start();
                served = true;
            }
            if (!served) {
                if (System.nanoTime() > deadline) {
                    throw new IOException(
                            "no virtio-serial port named agent.0 and no vsock: nobody can reach"
                                    + " this agent");
                }
                pause();
            }
        }
    }

    /** All parts, joined. */
    static AgentService assemble(Path run) throws IOException {
        Files.createDirectories(run);
        int result = Libc.becomeSubreaper();
        if (result < 0) {
            throw new IOException("prctl: " + Libc.describe(-result));
        }
        Reaper reaper = new Reaper();
        reaper.start();
        Poller poller = new Poller();
        poller.start();
        Spawner spawner = new Spawner(reaper);
        ScheduledExecutorService timer =
                Executors.newSingleThreadScheduledExecutor(task -> daemon("timer", task));
        AtomicInteger number = new AtomicInteger();
        ExecutorService workers =
                Executors.newCachedThreadPool(
                        task -> daemon("worker-" + number.incrementAndGet(), task));
        Crun crun = new Crun(spawner, poller, run);
        Sandbox sandbox = new Sandbox(crun, reaper, spawner, new OomWatcher(poller), timer);
        return new AgentService(sandbox, workers, timer, ProcessHandle.current().pid() == 1);
    }

    private static Thread daemon(String name, Runnable task) {
        return Thread.ofPlatform().daemon().name(name).unstarted(task);
    }

    private static java.util.List<Path> agentPorts() throws IOException {
        java.util.List<Path> devices = new java.util.ArrayList<>();
        java.io.File[] ports = PORTS.toFile().listFiles();
        if (ports == null) {
            return devices;
        }
        for (java.io.File port : ports) {
            Path name = port.toPath().resolve("name");
            if (Files.exists(name) && Files.readString(name).startsWith(PORT_PREFIX)) {
                devices.add(Path.of("/dev", port.getName()));
            }
        }
        return devices;
    }

    private static void serve(Path device, AgentService service) throws IOException {
        int fd = Libc.open(device.toString(), Libc.O_RDWR | Libc.O_NONBLOCK | Libc.O_CLOEXEC);
        if (fd < 0) {
            throw new IOException(device + ": " + Libc.describe(-fd));
        }
        FdLink link = new FdLink(fd);
        TtrpcServer server = new TtrpcServer(link, service);
        Thread.ofPlatform()
                .name("link-" + device.getFileName())
                .start(() -> {
                    while (true) {
                        try {
                            link.awaitClient();
                            server.serveOne();
                        } catch (IOException e) {
                            Log.error(device.toString(), e);
                        }
                    }
                });
    }

    /** Delegates the controllers to the containers' cgroups. */
    private static void prepareCgroups() throws IOException {
        Path containers = CGROUP.resolve(PodSpec.CGROUP_PARENT.substring(1));
        Files.createDirectories(containers);
        for (String controller : new String[] {"cpu", "cpuset", "memory", "pids", "io"}) {
            if (Files.readString(CGROUP.resolve("cgroup.controllers")).contains(controller)) {
                Files.writeString(CGROUP.resolve("cgroup.subtree_control"), "+" + controller);
                Files.writeString(containers.resolve("cgroup.subtree_control"), "+" + controller);
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(5);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
