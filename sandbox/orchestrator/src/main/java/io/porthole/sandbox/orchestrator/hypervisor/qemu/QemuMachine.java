package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.porthole.sandbox.orchestrator.hypervisor.HypervisorException;
import io.porthole.sandbox.orchestrator.hypervisor.NetworkDevice;
import io.porthole.sandbox.orchestrator.hypervisor.PortForward;
import io.porthole.sandbox.orchestrator.hypervisor.ShareDevice;
import io.porthole.sandbox.orchestrator.hypervisor.VirtualMachine;
import io.porthole.sandbox.orchestrator.hypervisor.VmConfig;
import io.porthole.sandbox.orchestrator.hypervisor.VmEnd;
import io.porthole.sandbox.orchestrator.hypervisor.VmEvent;
import io.porthole.sandbox.orchestrator.hypervisor.VmInfo;
import io.porthole.sandbox.orchestrator.process.EventLoops;
import io.porthole.sandbox.orchestrator.process.ProcessId;
import io.porthole.sandbox.orchestrator.process.TailBuffer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A QEMU process and its monitor connection.
 *
 * <p>How the end is noticed: the process exits (a crash, a kill, a guest that powered off or
 * panicked: {@code -no-reboot} turns the kernel's {@code panic=-1} into an exit), or a heartbeat
 * over QMP is not answered within the time allowed (a hang), upon which the process is killed.
 */
final class QemuMachine implements VirtualMachine {
    private static final Logger LOG = LoggerFactory.getLogger(QemuMachine.class);
    private static final Duration HEARTBEAT = Duration.ofSeconds(1);
    private static final int TAIL_LINES = 20;
    // A panic is followed by registers and a call trace.
    private static final int SEARCHED_LINES = 300;
    private static final String PANIC = "Kernel panic - not syncing: ";

    private final Process process;
    private final ProcessId id;
    private final TailBuffer console;
    private final TailBuffer errors;
    private final Duration answerTimeout;
    private final Consumer<VmEvent> listener;
    private final CompletableFuture<VmEnd> end = new CompletableFuture<>();
    private final int hotplugSlots;
    private final Path qmpSocket;
    private int usedSlots;
    private volatile @Nullable QmpClient qmp;
    private volatile boolean stopping;
    private volatile @Nullable String hung;
    private volatile String shutdownReason = "";

    private QemuMachine(
            Process process,
            ProcessId id,
            VmConfig config,
            Duration timeout,
            Consumer<VmEvent> listener) {
        this.process = process;
        this.id = id;
        this.answerTimeout = timeout;
        this.listener = listener;
        this.hotplugSlots = config.hotplugSlots();
        this.qmpSocket = config.runDirectory().resolve(QemuCommandLine.QMP_SOCKET);
        this.console = new TailBuffer("console", process.getInputStream(), config.consoleLog());
        this.errors =
                new TailBuffer(
                        "qemu-stderr",
                        process.getErrorStream(),
                        config.runDirectory().resolve("qemu.log"));
    }

    static QemuMachine launch(
            VmConfig config, List<String> command, Duration timeout, Consumer<VmEvent> listener)
            throws HypervisorException {
        Path socket = config.runDirectory().resolve(QemuCommandLine.QMP_SOCKET);
        Process process;
        try {
            Files.deleteIfExists(socket);
            Files.writeString(
                    config.runDirectory().resolve("qemu.command"),
                    String.join("\n", command) + "\n");
            process = new ProcessBuilder(command).start();
        } catch (IOException e) {
            throw new HypervisorException("cannot start QEMU: " + e.getMessage(), e);
        }
        ProcessId id =
                ProcessId.of(process.pid())
                        .orElseThrow(() -> new HypervisorException("QEMU ended at once"));
        QemuMachine machine = new QemuMachine(process, id, config, timeout, listener);
        var _ = process.onExit().thenAccept(machine::ended);
        try {
            machine.connect();
            return machine;
        } catch (HypervisorException e) {
            machine.close();
            throw e;
        } catch (InterruptedException e) {
            machine.close();
            Thread.currentThread().interrupt();
            throw new HypervisorException("interrupted while QEMU started", e);
        }
    }

    private void connect() throws HypervisorException, InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(10).plus(answerTimeout).toNanos();
        while (true) {
            if (!process.isAlive()) {
                throw new HypervisorException("QEMU did not start: " + awaitEnd().message());
            }
            try {
                if (Files.exists(qmpSocket)) {
                    qmp =
                            QmpClient.connect(
                                    EventLoops.shared(), qmpSocket, answerTimeout, this::event);
                    break;
                }
            } catch (QmpException e) {
                // The socket's name appears before QEMU listens; and a QEMU that fails its set-up
                // closes the connection: the loop tells the two apart.
                if (e.kind() != QmpException.Kind.DISCONNECTED) {
                    throw e;
                }
            }
            if (System.nanoTime() - deadline > 0) {
                throw new HypervisorException("QEMU's monitor did not appear at " + qmpSocket);
            }
            Thread.sleep(2);
        }
        Thread.ofVirtual().name("qemu-heartbeat").start(this::heartbeat);
    }

    private void heartbeat() {
        try {
            while (process.isAlive()) {
                Thread.sleep(HEARTBEAT);
                QmpClient client = qmp;
                if (client != null) {
                    client.execute("query-status", answerTimeout);
                }
            }
        } catch (QmpException e) {
            if (e.kind() == QmpException.Kind.TIMED_OUT && process.isAlive() && !stopping) {
                hung =
                        "QEMU (pid "
                                + id.pid()
                                + ") hangs: no answer for "
                                + answerTimeout.toSeconds()
                                + " s; it was killed";
                LOG.warn("{}", hung);
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void event(QmpEvent event) {
        switch (event.name()) {
            case "SHUTDOWN" -> shutdownReason = event.data().path("reason").asText("");
            case "GUEST_PANICKED" -> shutdownReason = "guest-panic";
            case "VSERPORT_CHANGE" ->
                    listener.accept(new VmEvent.AgentPort(event.data().path("open").asBoolean()));
            case "STOP" -> listener.accept(new VmEvent.Paused());
            case "RESUME" -> listener.accept(new VmEvent.Resumed());
            default -> LOG.debug("QMP event {}", event.name());
        }
    }

    private void ended(Process gone) {
        try {
            // The last words of console and stderr may still be in the pipes.
            console.awaitEnd(500);
            errors.awaitEnd(500);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        QmpClient client = qmp;
        if (client != null) {
            client.close();
        }
        try {
            Files.deleteIfExists(qmpSocket);
        } catch (IOException e) {
            LOG.debug("cannot remove {}", qmpSocket, e);
        }
        List<String> tail = console.lastLines(SEARCHED_LINES);
        String hang = hung;
        if (hang != null) {
            end.complete(new VmEnd(VmEnd.Cause.HUNG, hang, last(tail)));
        } else {
            end.complete(
                    classify(
                            stopping,
                            gone.exitValue(),
                            shutdownReason,
                            id.pid(),
                            tail,
                            errors.lastLines(3)));
        }
    }

    /** Tells the ends apart; separate from the process so that a test can hand in each case. */
    static VmEnd classify(
            boolean stopping,
            int status,
            String reason,
            long pid,
            List<String> console,
            List<String> errors) {
        if (stopping) {
            return new VmEnd(VmEnd.Cause.STOPPED, "the sandbox was stopped", last(console));
        }
        int panic = -1;
        for (int i = 0; i < console.size(); i++) {
            if (console.get(i).contains(PANIC)) {
                panic = i;
            }
        }
        if (panic >= 0 && status == 0) {
            String line = console.get(panic);
            String why = line.substring(line.indexOf(PANIC) + PANIC.length());
            return new VmEnd(
                    VmEnd.Cause.PANICKED,
                    "the guest's kernel panicked: " + why,
                    console.subList(panic, Math.min(console.size(), panic + TAIL_LINES)));
        }
        if (reason.equals("guest-panic") || reason.equals("guest-reset")) {
            return new VmEnd(
                    VmEnd.Cause.PANICKED, "the guest's kernel reset the machine", last(console));
        }
        if (status == 0) {
            return new VmEnd(VmEnd.Cause.SHUT_DOWN, "the guest powered itself off", last(console));
        }
        String how =
                status > 128 && status < 128 + 65
                        ? "was killed by signal " + (status - 128)
                        : "exited with status " + status;
        String words = errors.isEmpty() ? "" : ": " + errors.getLast();
        return new VmEnd(
                VmEnd.Cause.CRASHED, "QEMU (pid " + pid + ") " + how + words, last(console));
    }

    private static List<String> last(List<String> lines) {
        return lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size());
    }

    private VmEnd awaitEnd() throws InterruptedException {
        try {
            return end.get(5, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            return new VmEnd(VmEnd.Cause.CRASHED, "QEMU (pid " + id.pid() + ") ended", List.of());
        }
    }

    @Override
    public ProcessId process() {
        return id;
    }

    @Override
    public void pause() throws HypervisorException {
        execute("stop", QmpClient.arguments());
    }

    @Override
    public void resume() throws HypervisorException {
        execute("cont", QmpClient.arguments());
    }

    @Override
    public synchronized void addShare(ShareDevice share) throws HypervisorException {
        String slot = nextSlot();
        String chardev = "hotshare" + usedSlots;
        ObjectNode backend = QmpClient.arguments().put("type", "socket");
        backend.putObject("data")
                .put("server", false)
                .putObject("addr")
                .put("type", "unix")
                .putObject("data")
                .put("path", share.socket().toString());
        ObjectNode add = QmpClient.arguments().put("id", chardev);
        add.set("backend", backend);
        execute("chardev-add", add);
        try {
            addDevice("vhost-user-fs-pci", slot, QemuCommandLine.shareProperties(share, chardev));
        } catch (HypervisorException e) {
            execute("chardev-remove", QmpClient.arguments().put("id", chardev));
            throw e;
        }
        usedSlots++;
    }

    @Override
    public synchronized void addNetwork(NetworkDevice network) throws HypervisorException {
        String slot = nextSlot();
        ObjectNode netdev = QmpClient.arguments().put("id", network.id());
        switch (network) {
            case NetworkDevice.User user -> {
                netdev.put("type", "user");
                var forwards = netdev.putArray("hostfwd");
                for (PortForward f : user.forwards()) {
                    forwards.addObject().put("str", QemuCommandLine.hostForward(f));
                }
            }
            case NetworkDevice.Stream stream -> {
                netdev.put("type", "stream").put("server", false);
                netdev.putObject("addr")
                        .put("type", "unix")
                        .put("path", stream.socket().toString());
            }
            case NetworkDevice.Tap tap ->
                    netdev.put("type", "tap")
                            .put("ifname", tap.interfaceName())
                            .put("script", "no")
                            .put("downscript", "no");
        }
        execute("netdev_add", netdev);
        try {
            addDevice("virtio-net-pci", slot, QemuCommandLine.networkProperties(network));
        } catch (HypervisorException e) {
            execute("netdev_del", QmpClient.arguments().put("id", network.id()));
            throw e;
        }
        usedSlots++;
    }

    private String nextSlot() throws HypervisorException {
        if (usedSlots >= hotplugSlots) {
            throw new HypervisorException(
                    "the machine has no free slot for another device (pcie_root_port = "
                            + hotplugSlots
                            + ")");
        }
        return "slot" + usedSlots;
    }

    private void addDevice(String driver, String slot, Map<String, String> properties)
            throws HypervisorException {
        ObjectNode device = QmpClient.arguments().put("driver", driver).put("bus", slot);
        properties.forEach((key, value) -> {
            if (value.matches("\\d+")) {
                device.put(key, Long.parseLong(value));
            } else {
                device.put(key, value);
            }
        });
        execute("device_add", device);
    }

    @Override
    public VmInfo info() throws HypervisorException {
        String status = execute("query-status", QmpClient.arguments()).path("status").asText();
        int vcpus = execute("query-cpus-fast", QmpClient.arguments()).size();
        JsonNode memory = execute("query-memory-size-summary", QmpClient.arguments());
        return new VmInfo(
                status,
                vcpus,
                memory.path("base-memory").asLong() + memory.path("plugged-memory").asLong(0));
    }

    private JsonNode execute(String command, JsonNode arguments) throws HypervisorException {
        QmpClient client = qmp;
        if (client == null) {
            throw new HypervisorException("QEMU is not connected");
        }
        try {
            return client.execute(command, arguments, answerTimeout);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HypervisorException("interrupted during " + command, e);
        }
    }

    @Override
    public List<String> consoleTail(int lines) {
        return console.lastLines(lines);
    }

    @Override
    public CompletableFuture<VmEnd> end() {
        return end;
    }

    @Override
    public void stop(Duration grace) {
        stopping = true;
        QmpClient client = qmp;
        try {
            if (client != null && process.isAlive() && !grace.isZero()) {
                client.execute("quit", grace);
                if (process.waitFor(grace.toMillis(), TimeUnit.MILLISECONDS)) {
                    return;
                }
            }
        } catch (QmpException e) {
            LOG.debug("QEMU did not take quit", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
        try {
            process.waitFor(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        if (process.isAlive()) {
            stop(Duration.ZERO);
        }
    }
}
