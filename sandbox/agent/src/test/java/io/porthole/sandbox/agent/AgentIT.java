package io.porthole.sandbox.agent;

import static io.porthole.sandbox.agentprotocol.AgentClient.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.porthole.sandbox.agentprotocol.AgentClient;
import io.porthole.sandbox.agentprotocol.grpc.CgroupStats;
import io.porthole.sandbox.agentprotocol.grpc.CloseStdinRequest;
import io.porthole.sandbox.agentprotocol.grpc.CopyFileRequest;
import io.porthole.sandbox.agentprotocol.grpc.CreateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.CreateSandboxRequest;
import io.porthole.sandbox.agentprotocol.grpc.ExecProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.GetMetricsRequest;
import io.porthole.sandbox.agentprotocol.grpc.GetOOMEventRequest;
import io.porthole.sandbox.agentprotocol.grpc.Linux;
import io.porthole.sandbox.agentprotocol.grpc.LinuxMemory;
import io.porthole.sandbox.agentprotocol.grpc.LinuxNamespace;
import io.porthole.sandbox.agentprotocol.grpc.LinuxPids;
import io.porthole.sandbox.agentprotocol.grpc.LinuxResources;
import io.porthole.sandbox.agentprotocol.grpc.Mount;
import io.porthole.sandbox.agentprotocol.grpc.OOMEvent;
import io.porthole.sandbox.agentprotocol.grpc.PauseContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.Process;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.RemoveContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.ResumeContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.Root;
import io.porthole.sandbox.agentprotocol.grpc.Routes;
import io.porthole.sandbox.agentprotocol.grpc.SignalProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.Spec;
import io.porthole.sandbox.agentprotocol.grpc.StartContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.Storage;
import io.porthole.sandbox.agentprotocol.grpc.TtyWinResizeRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateInterfaceRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateRoutesRequest;
import io.porthole.sandbox.agentprotocol.grpc.WaitProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamRequest;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import io.porthole.sandbox.agentprotocol.types.IPAddress;
import io.porthole.sandbox.agentprotocol.types.Interface;
import io.porthole.sandbox.agentprotocol.types.Route;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The agent in a real guest, driven through its protocol. The containers' root is the guest's own
 * tree of busybox below an overlay, so that no share is needed.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AgentIT {
    private static final String SHARED = "/run/kata-containers/shared/containers/";

    @TempDir static Path folder;

    private final AtomicInteger serial = new AtomicInteger();
    private GuestMachine machine;
    private AgentClient agent;

    @BeforeAll
    void boot() throws Exception {
        machine = GuestMachine.start(folder);
        agent = machine.connect(0);
        await(
                agent.createSandbox(
                        CreateSandboxRequest.newBuilder()
                                .setSandboxId("sb")
                                .setHostname("pod-host")
                                .addDns("192.0.2.53")
                                .setSandboxPidns(true)
                                .build()));
    }

    @AfterAll
    void end() throws Exception {
        if (machine != null) {
            System.out.println(
                    await(agent.getMetrics(GetMetricsRequest.getDefaultInstance())).getMetrics());
            System.out.println("guest console:\n" + machine.console());
            machine.close();
        }
    }

    // ---- containers

    private static Process.Builder shell(String script) {
        return Process.newBuilder()
                .addArgs("/bin/busybox")
                .addArgs("sh")
                .addArgs("-c")
                .addArgs(script)
                .addEnv("PATH=/bin")
                .setCwd("/");
    }

    private static Mount mount(String destination, String type, String... options) {
        return Mount.newBuilder()
                .setDestination(destination)
                .setType(type)
                .setSource(type)
                .addAllOptions(java.util.List.of(options))
                .build();
    }

    private CreateContainerRequest.Builder container(String id, Process.Builder process) {
        String root = SHARED + id + "/rootfs";
        Spec spec =
                Spec.newBuilder()
                        .setVersion("1.0.2")
                        .setProcess(process)
                        .setRoot(Root.newBuilder().setPath(root))
                        .addMounts(mount("/proc", "proc"))
                        .addMounts(mount("/dev", "tmpfs", "mode=755", "nosuid"))
                        .addMounts(mount("/dev/pts", "devpts", "newinstance", "ptmxmode=0666"))
                        .addMounts(mount("/sys", "sysfs", "ro"))
                        .addMounts(mount("/sys/fs/cgroup", "cgroup", "ro"))
                        .setLinux(
                                Linux.newBuilder()
                                        .addNamespaces(LinuxNamespace.newBuilder().setType("pid"))
                                        .addNamespaces(LinuxNamespace.newBuilder().setType("mount"))
                                        .addNamespaces(
                                                LinuxNamespace.newBuilder().setType("network"))
                                        .addNamespaces(LinuxNamespace.newBuilder().setType("ipc"))
                                        .addNamespaces(LinuxNamespace.newBuilder().setType("uts"))
                                        .addNamespaces(
                                                LinuxNamespace.newBuilder().setType("cgroup"))
                                        .setResources(
                                                LinuxResources.newBuilder()
                                                        .setPids(
                                                                LinuxPids.newBuilder()
                                                                        .setLimit(64))))
                        .build();
        return CreateContainerRequest.newBuilder()
                .setContainerId(id)
                .addStorages(
                        Storage.newBuilder()
                                .setDriver("overlayfs")
                                .setSource("overlay")
                                .setFstype("overlay")
                                .addOptions("lowerdir=/")
                                .addOptions("upperdir=/run/layers/" + id + "/upper")
                                .addOptions("workdir=/run/layers/" + id + "/work")
                                .setMountPoint(root))
                .setOCI(spec);
    }

    private String newId() {
        return "c" + serial.incrementAndGet();
    }

    private String start(CreateContainerRequest.Builder request) throws InterruptedException {
        await(agent.createContainer(request.build()));
        await(
                agent.startContainer(
                        StartContainerRequest.newBuilder()
                                .setContainerId(request.getContainerId())
                                .build()));
        return request.getContainerId();
    }

    private String startIdle() throws InterruptedException {
        return start(container(newId(), shell("exec sleep 100000")));
    }

    private void remove(String id) throws InterruptedException {
        await(
                agent.removeContainer(
                        RemoveContainerRequest.newBuilder().setContainerId(id).build()));
    }

    private int waitFor(String id, String execId) throws InterruptedException {
        return await(
                        agent.waitProcess(
                                WaitProcessRequest.newBuilder()
                                        .setContainerId(id)
                                        .setExecId(execId)
                                        .build()))
                .getStatus();
    }

    private ReadStreamRequest read(String id, String execId) {
        return ReadStreamRequest.newBuilder()
                .setContainerId(id)
                .setExecId(execId)
                .setLen(64 << 10)
                .build();
    }

    private byte[] stdout(String id, String execId) throws InterruptedException, IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (true) {
            ByteString data = await(agent.readStdout(read(id, execId))).getData();
            if (data.isEmpty()) {
                return all.toByteArray();
            }
            data.writeTo(all);
        }
    }

    private String stdoutText(String id, String execId) throws InterruptedException, IOException {
        return new String(stdout(id, execId), java.nio.charset.StandardCharsets.UTF_8);
    }

    private String stderrText(String id, String execId) throws InterruptedException {
        StringBuilder all = new StringBuilder();
        while (true) {
            ByteString data = await(agent.readStderr(read(id, execId))).getData();
            if (data.isEmpty()) {
                return all.toString();
            }
            all.append(data.toStringUtf8());
        }
    }

    private String exec(String id, Process.Builder process) throws InterruptedException {
        String execId = "e" + serial.incrementAndGet();
        await(
                agent.execProcess(
                        ExecProcessRequest.newBuilder()
                                .setContainerId(id)
                                .setExecId(execId)
                                .setProcess(process)
                                .build()));
        return execId;
    }

    /** Standard output of a script in a container, which must end well. */
    private String run(String id, String script) throws InterruptedException, IOException {
        String execId = exec(id, shell(script));
        String text = stdoutText(id, execId);
        assertEquals("", stderrText(id, execId));
        assertEquals(0, waitFor(id, execId), text);
        return text;
    }

    private static TtrpcException failureOf(CompletableFuture<?> call) {
        return assertThrows(TtrpcException.class, () -> await(call));
    }

    // ---- tests

    @Test
    void aContainersOutputAndExitCodeComeThrough() throws Exception {
        String id = newId();
        await(
                agent.createContainer(
                        container(id, shell("echo out; echo err >&2; hostname; exit 7")).build()));
        CompletableFuture<?> waiting =
                agent.waitProcess(WaitProcessRequest.newBuilder().setContainerId(id).build());
        assertFalse(waiting.isDone());
        await(agent.startContainer(StartContainerRequest.newBuilder().setContainerId(id).build()));
        assertEquals("out\npod-host\n", stdoutText(id, ""));
        assertEquals("err\n", stderrText(id, id));
        assertEquals(7, waitFor(id, ""));
        await(waiting);
        remove(id);
        assertEquals(
                StatusCode.NOT_FOUND,
                failureOf(
                                agent.removeContainer(
                                        RemoveContainerRequest.newBuilder()
                                                .setContainerId(id)
                                                .build()))
                        .code());
    }

    @Test
    void aMebibyteThroughStdinToStdoutArrivesUnchanged() throws Exception {
        String id = start(container(newId(), shell("exec cat")));
        byte[] data = new byte[1 << 20];
        new Random(1).nextBytes(data);
        CompletableFuture<byte[]> reading =
                CompletableFuture.supplyAsync(() -> {
                    try {
                        return stdout(id, "");
                    } catch (IOException | InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                });
        for (int at = 0; at < data.length; at += 100_000) {
            int count = Math.min(100_000, data.length - at);
            assertEquals(
                    count,
                    await(
                                    agent.writeStdin(
                                            WriteStreamRequest.newBuilder()
                                                    .setContainerId(id)
                                                    .setData(ByteString.copyFrom(data, at, count))
                                                    .build()))
                            .getLen());
        }
        await(agent.closeStdin(CloseStdinRequest.newBuilder().setContainerId(id).build()));
        assertArrayEquals(data, reading.get(3, TimeUnit.MINUTES));
        assertEquals(0, waitFor(id, ""));
        remove(id);
    }

    @Test
    void processesEndWith128AndTheirSignal() throws Exception {
        String id = startIdle();
        String execId =
                exec(
                        id,
                        shell(
                                "trap 'echo usr1; exit 3' USR1; echo ready; while :; do sleep 1; done"));
        assertEquals("ready\n", await(agent.readStdout(read(id, execId))).getData().toStringUtf8());
        signal(id, execId, 10);
        assertEquals(3, waitFor(id, execId));
        String killed = exec(id, shell("exec sleep 1000"));
        signal(id, killed, 9);
        assertEquals(137, waitFor(id, killed));
        signal(id, "", 9);
        assertEquals(137, waitFor(id, ""));
        assertEquals(
                StatusCode.NOT_FOUND,
                failureOf(
                                agent.signalProcess(
                                        SignalProcessRequest.newBuilder()
                                                .setContainerId(id)
                                                .setSignal(9)
                                                .build()))
                        .code());
        remove(id);
    }

    private void signal(String id, String execId, int signal) throws InterruptedException {
        await(
                agent.signalProcess(
                        SignalProcessRequest.newBuilder()
                                .setContainerId(id)
                                .setExecId(execId)
                                .setSignal(signal)
                                .build()));
    }

    @Test
    void containersOfASandboxShareNetworkAndIpcButNotFiles() throws Exception {
        String one = startIdle();
        String two = startIdle();
        String links = "for n in net ipc uts; do readlink /proc/self/ns/$n; done";
        assertEquals(run(one, links), run(two, links));
        assertFalse(
                run(one, "readlink /proc/self/ns/pid")
                        .equals(run(two, "readlink /proc/self/ns/pid")));
        assertFalse(
                run(one, "readlink /proc/self/ns/mnt")
                        .equals(run(two, "readlink /proc/self/ns/mnt")));
        run(one, "echo secret >/root/file");
        assertEquals("no\n", run(two, "[ -e /root/file ] && echo yes || echo no"));
        assertEquals("secret\n", run(one, "cat /root/file"));
        remove(one);
        remove(two);
    }

    @Test
    void containersMayShareThePidNamespaceOfTheSandbox() throws Exception {
        String one = start(container(newId(), shell("exec sleep 54321")).setSandboxPidns(true));
        String two = start(container(newId(), shell("exec sleep 100000")).setSandboxPidns(true));
        assertEquals(
                run(one, "readlink /proc/self/ns/pid"), run(two, "readlink /proc/self/ns/pid"));
        assertTrue(run(two, "ps").contains("sleep 54321"));
        String survivor = exec(one, shell("exec sleep 98765"));
        signal(one, "", 9);
        assertEquals(137, waitFor(one, ""));
        assertEquals(137, waitFor(one, survivor));
        assertFalse(run(two, "ps").contains("sleep 98765"));
        remove(one);
        remove(two);
    }

    @Test
    void aMemoryLimitKillsTheContainerAndSaysSo() throws Exception {
        CreateContainerRequest.Builder request =
                container(newId(), shell("x=a; while :; do x=$x$x; done"));
        Spec spec = request.getOCI();
        request.setOCI(
                spec.toBuilder()
                        .setLinux(
                                spec.getLinux().toBuilder()
                                        .setResources(
                                                LinuxResources.newBuilder()
                                                        .setMemory(
                                                                LinuxMemory.newBuilder()
                                                                        .setLimit(12 << 20)))));
        CompletableFuture<OOMEvent> event =
                agent.getOomEvent(GetOOMEventRequest.getDefaultInstance());
        String id = start(request);
        assertEquals(id, await(event).getContainerId());
        assertEquals(137, waitFor(id, ""));
        await(agent.check());
        remove(id);
    }

    @Test
    void statsAgreeWithTheCgroupsFiles() throws Exception {
        String id = startIdle();
        await(
                agent.updateContainer(
                        UpdateContainerRequest.newBuilder()
                                .setContainerId(id)
                                .setResources(
                                        LinuxResources.newBuilder()
                                                .setMemory(
                                                        LinuxMemory.newBuilder().setLimit(48 << 20))
                                                .setPids(LinuxPids.newBuilder().setLimit(33)))
                                .build()));
        CgroupStats stats =
                await(
                                agent.statsContainer(
                                        StatsContainerRequest.newBuilder()
                                                .setContainerId(id)
                                                .build()))
                        .getCgroupStats();
        assertEquals(48 << 20, stats.getMemoryStats().getUsage().getLimit());
        assertEquals(33, stats.getPidsStats().getLimit());
        assertEquals(1, stats.getPidsStats().getCurrent());
        assertEquals("50331648\n33\n", run(id, "cd /sys/fs/cgroup; cat memory.max pids.max"));
        long cpu =
                Long.parseLong(
                        run(id, "grep usage_usec /sys/fs/cgroup/cpu.stat | cut -d ' ' -f 2")
                                .strip());
        long told = stats.getCpuStats().getCpuUsage().getTotalUsage() / 1000;
        assertTrue(told > 0 && told <= cpu, told + " us before " + cpu + " us");
        remove(id);
    }

    @Test
    void aTerminalHasASizeThatCanBeChanged() throws Exception {
        String id = startIdle();
        String execId =
                exec(
                        id,
                        shell(
                                        "trap 'stty size' WINCH; stty size; until read line; do :; done; echo got $line; exit 5")
                                .setTerminal(true)
                                .setConsoleSize(
                                        io.porthole.sandbox.agentprotocol.grpc.Box.newBuilder()
                                                .setHeight(25)
                                                .setWidth(91)));
        assertEquals(
                "25 91\r\n", await(agent.readStdout(read(id, execId))).getData().toStringUtf8());
        await(
                agent.ttyWinResize(
                        TtyWinResizeRequest.newBuilder()
                                .setContainerId(id)
                                .setExecId(execId)
                                .setRow(50)
                                .setColumn(132)
                                .build()));
        await(
                agent.writeStdin(
                        WriteStreamRequest.newBuilder()
                                .setContainerId(id)
                                .setExecId(execId)
                                .setData(ByteString.copyFromUtf8("hello\n"))
                                .build()));
        String rest = stdoutText(id, execId);
        assertTrue(rest.contains("50 132\r\n"), rest);
        assertTrue(rest.contains("got hello\r\n"), rest);
        assertEquals(5, waitFor(id, execId));
        remove(id);
    }

    @Test
    void aPausedContainerStandsStill() throws Exception {
        String id = start(container(newId(), shell("while :; do echo tick; sleep 1; done")));
        assertTrue(await(agent.readStdout(read(id, ""))).getData().toStringUtf8().contains("tick"));
        await(agent.pauseContainer(PauseContainerRequest.newBuilder().setContainerId(id).build()));
        while (true) {
            // What was written before the pause.
            CompletableFuture<?> left = agent.readStdout(read(id, ""));
            try {
                left.get(3, TimeUnit.SECONDS);
            } catch (java.util.concurrent.TimeoutException e) {
                await(
                        agent.resumeContainer(
                                ResumeContainerRequest.newBuilder().setContainerId(id).build()));
                assertTrue(left.get(1, TimeUnit.MINUTES) != null);
                break;
            }
        }
        remove(id);
    }

    @Test
    void aProgramThatDoesNotExistIsReportedByName() throws Exception {
        String id = startIdle();
        Process.Builder missing =
                Process.newBuilder().addArgs("/bin/missing").setCwd("/").addEnv("PATH=/bin");
        TtrpcException failure = assertThrows(TtrpcException.class, () -> exec(id, missing));
        assertEquals(StatusCode.NOT_FOUND, failure.code(), failure::getMessage);
        assertTrue(failure.getMessage().contains("/bin/missing"), failure::getMessage);
        String other = newId();
        TtrpcException creation =
                failureOf(agent.createContainer(container(other, missing).build()));
        assertEquals(StatusCode.NOT_FOUND, creation.code(), creation::getMessage);
        // The failed one has left nothing behind: its name and its mount point are free.
        remove(start(container(other, shell("exec sleep 10"))));
        remove(id);
    }

    @Test
    void aHundredExecsLeakNoDescriptorAndNoProcess() throws Exception {
        String id = startIdle();
        run(id, "true");
        TimeUnit.SECONDS.sleep(3);
        long before = metric("porthole_agent_open_descriptors");
        for (int i = 0; i < 100; i++) {
            assertEquals("x\n", run(id, "echo x"));
        }
        TimeUnit.SECONDS.sleep(3);
        assertEquals(before, metric("porthole_agent_open_descriptors"));
        assertEquals(
                1,
                await(
                                agent.statsContainer(
                                        StatsContainerRequest.newBuilder()
                                                .setContainerId(id)
                                                .build()))
                        .getCgroupStats()
                        .getPidsStats()
                        .getCurrent());
        remove(id);
    }

    private long metric(String name) throws InterruptedException {
        String text = await(agent.getMetrics(GetMetricsRequest.getDefaultInstance())).getMetrics();
        return text.lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void anotherClientGoesOnWhereOneWasCutOff() throws Exception {
        String id = start(container(newId(), shell("read line; echo got $line")));
        AgentClient first = machine.connect(1);
        CompletableFuture<?> reading = first.readStdout(read(id, ""));
        await(first.check());
        first.close();
        AgentClient second = machine.connect(1);
        assertThrows(TtrpcException.class, () -> await(reading));
        await(
                second.writeStdin(
                        WriteStreamRequest.newBuilder()
                                .setContainerId(id)
                                .setData(ByteString.copyFromUtf8("me\n"))
                                .build()));
        assertEquals("got me\n", await(second.readStdout(read(id, ""))).getData().toStringUtf8());
        remove(id);
    }

    @Test
    void anInterfaceGetsNameAddressAndRoutes() throws Exception {
        Interface result =
                await(
                        agent.updateInterface(
                                UpdateInterfaceRequest.newBuilder()
                                        .setInterface(
                                                Interface.newBuilder()
                                                        .setHwAddr("52:54:00:00:00:01")
                                                        .setName("eth7")
                                                        .setMtu(1400)
                                                        .addIPAddresses(
                                                                IPAddress.newBuilder()
                                                                        .setAddress("10.0.2.15")
                                                                        .setMask("24")))
                                        .build()));
        assertEquals("eth7", result.getName());
        assertEquals(1400, result.getMtu());
        assertEquals("10.0.2.15", result.getIPAddresses(0).getAddress());
        Routes routes =
                await(
                        agent.updateRoutes(
                                UpdateRoutesRequest.newBuilder()
                                        .setRoutes(
                                                Routes.newBuilder()
                                                        .addRoutes(
                                                                Route.newBuilder()
                                                                        .setGateway("10.0.2.2")
                                                                        .setDevice("eth7"))
                                                        .addRoutes(
                                                                Route.newBuilder()
                                                                        .setDest("198.51.100.0/24")
                                                                        .setDevice("eth7")))
                                        .build()));
        assertTrue(
                routes.getRoutesList().stream()
                        .anyMatch(r -> r.getDest().isEmpty() && r.getGateway().equals("10.0.2.2")),
                routes::toString);
        assertTrue(
                routes.getRoutesList().stream()
                        .anyMatch(r -> r.getDest().equals("198.51.100.0/24")),
                routes::toString);
        String id = startIdle();
        assertTrue(run(id, "ip addr show eth7").contains("10.0.2.15/24"));
        assertEquals(
                StatusCode.NOT_FOUND,
                failureOf(
                                agent.updateInterface(
                                        UpdateInterfaceRequest.newBuilder()
                                                .setInterface(
                                                        Interface.newBuilder()
                                                                .setHwAddr("52:54:00:ff:ff:ff"))
                                                .build()))
                        .code());
        remove(id);
    }

    @Test
    void aFileIsCopiedInPartsAndOnlyBelowTheSharedDirectory() throws Exception {
        CopyFileRequest.Builder part =
                CopyFileRequest.newBuilder()
                        .setPath(SHARED + "copied/file")
                        .setFileSize(6)
                        .setFileMode(0100640)
                        .setDirMode(0755);
        await(agent.copyFile(part.setData(ByteString.copyFromUtf8("abc")).build()));
        await(agent.copyFile(part.setOffset(3).setData(ByteString.copyFromUtf8("def")).build()));
        CreateContainerRequest.Builder request = container(newId(), shell("cat /file"));
        request.setOCI(
                request.getOCI().toBuilder()
                        .addMounts(
                                Mount.newBuilder()
                                        .setDestination("/file")
                                        .setType("bind")
                                        .setSource(SHARED + "copied/file")
                                        .addOptions("bind")));
        String id = start(request);
        assertEquals("abcdef", stdoutText(id, ""));
        remove(id);
        for (String path : new String[] {"/etc/passwd", SHARED + "../../../etc/passwd"}) {
            assertEquals(
                    StatusCode.INVALID_ARGUMENT,
                    failureOf(agent.copyFile(part.setPath(path).build())).code());
        }
    }

    @Test
    void callsThatAreUnknownOrForNothingAreRefused() throws Exception {
        assertEquals(
                StatusCode.NOT_FOUND,
                failureOf(
                                agent.startContainer(
                                        StartContainerRequest.newBuilder()
                                                .setContainerId("none")
                                                .build()))
                        .code());
        for (String id : new String[] {"", "../etc", "a/b", "-x", "sandbox"}) {
            assertEquals(
                    StatusCode.INVALID_ARGUMENT,
                    failureOf(agent.createContainer(container(id, shell("true")).build())).code());
        }
        assertEquals(
                StatusCode.DEADLINE_EXCEEDED,
                failureOf(agent.withTimeout(Duration.ofNanos(1)).check()).code());
    }
}
