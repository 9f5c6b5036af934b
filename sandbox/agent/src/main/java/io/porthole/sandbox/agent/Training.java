package io.porthole.sandbox.agent;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.porthole.sandbox.agentprotocol.grpc.CheckRequest;
import io.porthole.sandbox.agentprotocol.grpc.CloseStdinRequest;
import io.porthole.sandbox.agentprotocol.grpc.CreateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.CreateSandboxRequest;
import io.porthole.sandbox.agentprotocol.grpc.ExecProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.GetMetricsRequest;
import io.porthole.sandbox.agentprotocol.grpc.GetOOMEventRequest;
import io.porthole.sandbox.agentprotocol.grpc.GuestDetailsRequest;
import io.porthole.sandbox.agentprotocol.grpc.Linux;
import io.porthole.sandbox.agentprotocol.grpc.LinuxCPU;
import io.porthole.sandbox.agentprotocol.grpc.LinuxCapabilities;
import io.porthole.sandbox.agentprotocol.grpc.LinuxDeviceCgroup;
import io.porthole.sandbox.agentprotocol.grpc.LinuxMemory;
import io.porthole.sandbox.agentprotocol.grpc.LinuxNamespace;
import io.porthole.sandbox.agentprotocol.grpc.LinuxPids;
import io.porthole.sandbox.agentprotocol.grpc.LinuxResources;
import io.porthole.sandbox.agentprotocol.grpc.LinuxSeccomp;
import io.porthole.sandbox.agentprotocol.grpc.LinuxSyscall;
import io.porthole.sandbox.agentprotocol.grpc.ListInterfacesRequest;
import io.porthole.sandbox.agentprotocol.grpc.Mount;
import io.porthole.sandbox.agentprotocol.grpc.POSIXRlimit;
import io.porthole.sandbox.agentprotocol.grpc.Process;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.RemoveContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.Root;
import io.porthole.sandbox.agentprotocol.grpc.Routes;
import io.porthole.sandbox.agentprotocol.grpc.Spec;
import io.porthole.sandbox.agentprotocol.grpc.StartContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.Storage;
import io.porthole.sandbox.agentprotocol.grpc.UpdateInterfaceRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateRoutesRequest;
import io.porthole.sandbox.agentprotocol.grpc.User;
import io.porthole.sandbox.agentprotocol.grpc.WaitProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamRequest;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcFrame;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcServer;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Request;
import io.porthole.sandbox.agentprotocol.ttrpc.wire.Response;
import io.porthole.sandbox.agentprotocol.types.IPAddress;
import io.porthole.sandbox.agentprotocol.types.Interface;
import io.porthole.sandbox.agentprotocol.types.Route;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * A rehearsal of a sandbox's life on the build machine, for the AOT cache: what it loads and links,
 * a guest's agent need not. Runs in the guest's file tree with a stand-in for crun, in namespaces
 * of its own.
 *
 * <p>The agent serves one end of a socket pair; this class is the client at the other.
 */
final class Training {
    private static final String ID = "training";
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;

    private final int socket;
    private final MemorySegment buffer = Arena.ofAuto().allocate(64 << 10);
    private int nextStream = 1;

    private Training(int socket) {
        this.socket = socket;
    }

    /** Exits with 0 when the calls that need no guest have succeeded. */
    public static void main(String[] arguments) throws IOException {
        AgentService service = Agent.assemble(Path.of("/run/porthole"));
        int[] pair = socketPair();
        var _ = Libc.setNonBlocking(pair[0]);
        FdLink link = new FdLink(pair[0]);
        link.awaitClient();
        Thread.ofPlatform().daemon().name("link-training").start(() -> serve(link, service));
        new Training(pair[1]).run();
        System.exit(0);
    }

    private static void serve(FdLink link, AgentService service) {
        try {
            new TtrpcServer(link, service).serveOne();
        } catch (IOException e) {
            Log.error("training", e);
        }
    }

    private static int[] socketPair() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fds = arena.allocate(8, 4);
            int result = Libc.callInt("socketpair", AF_UNIX, SOCK_STREAM, 0, fds.address());
            if (result < 0) {
                throw new IOException("socketpair: " + Libc.describe(-result));
            }
            return new int[] {fds.get(ValueLayout.JAVA_INT, 0), fds.get(ValueLayout.JAVA_INT, 4)};
        }
    }

    private void run() throws IOException {
        expect("grpc.Health", "Check", CheckRequest.getDefaultInstance());
        expect("grpc.Health", "Version", CheckRequest.getDefaultInstance());
        expect(
                "CreateSandbox",
                CreateSandboxRequest.newBuilder()
                        .setSandboxId(ID)
                        .setHostname(ID)
                        .addDns("nameserver 192.0.2.1")
                        .addStorages(
                                Storage.newBuilder()
                                        .setDriver("ephemeral")
                                        .setSource("shm")
                                        .setFstype("tmpfs")
                                        .addOptions("nosuid")
                                        .addOptions("size=1m")
                                        .setMountPoint("/run/kata-containers/sandbox/shm"))
                        .build());
        expect("GetGuestDetails", GuestDetailsRequest.newBuilder().setMemBlockSize(true).build());
        network();
        send("GetOOMEvent", GetOOMEventRequest.getDefaultInstance());
        expect("CreateContainer", container());
        expect("StartContainer", StartContainerRequest.newBuilder().setContainerId(ID).build());
        expect(
                "ExecProcess",
                ExecProcessRequest.newBuilder()
                        .setContainerId(ID)
                        .setExecId("exec")
                        .setProcess(process())
                        .build());
        stream("exec");
        stream("");
        expect("StatsContainer", StatsContainerRequest.newBuilder().setContainerId(ID).build());
        expect("GetMetrics", GetMetricsRequest.getDefaultInstance());
        expect("RemoveContainer", RemoveContainerRequest.newBuilder().setContainerId(ID).build());
    }

    /** The reads work anywhere; the changes fail here where there is no such interface. */
    private void network() throws IOException {
        expect("ListInterfaces", ListInterfacesRequest.getDefaultInstance());
        var _ =
                ask(
                        "grpc.AgentService",
                        "UpdateInterface",
                        UpdateInterfaceRequest.newBuilder()
                                .setInterface(
                                        Interface.newBuilder()
                                                .setHwAddr("02:00:00:00:00:01")
                                                .setName("eth0")
                                                .addIPAddresses(
                                                        IPAddress.newBuilder()
                                                                .setAddress("192.0.2.2")
                                                                .setMask("24")))
                                .build());
        var _ =
                ask(
                        "grpc.AgentService",
                        "UpdateRoutes",
                        UpdateRoutesRequest.newBuilder()
                                .setRoutes(
                                        Routes.newBuilder()
                                                .addRoutes(
                                                        Route.newBuilder()
                                                                .setGateway("192.0.2.1")
                                                                .setDevice("eth0")))
                                .build());
    }

    private void stream(String execId) throws IOException {
        expect(
                "WriteStdin",
                WriteStreamRequest.newBuilder()
                        .setContainerId(ID)
                        .setExecId(execId)
                        .setData(ByteString.copyFromUtf8("in\n"))
                        .build());
        expect(
                "CloseStdin",
                CloseStdinRequest.newBuilder().setContainerId(ID).setExecId(execId).build());
        ReadStreamRequest read =
                ReadStreamRequest.newBuilder()
                        .setContainerId(ID)
                        .setExecId(execId)
                        .setLen(32 << 10)
                        .build();
        while (!expect("ReadStdout", read).isEmpty()) {
            expect("ReadStderr", read);
        }
        expect(
                "WaitProcess",
                WaitProcessRequest.newBuilder().setContainerId(ID).setExecId(execId).build());
    }

    private static Process process() {
        return Process.newBuilder()
                .addArgs("/bin/true")
                .addEnv("PATH=/bin")
                .setCwd("/")
                .setUser(User.newBuilder().setUID(0).addAdditionalGids(1))
                .setCapabilities(
                        LinuxCapabilities.newBuilder()
                                .addBounding("CAP_CHOWN")
                                .addEffective("CAP_CHOWN")
                                .addPermitted("CAP_CHOWN"))
                .addRlimits(
                        POSIXRlimit.newBuilder()
                                .setType("RLIMIT_NOFILE")
                                .setHard(1024)
                                .setSoft(1024))
                .setNoNewPrivileges(true)
                .build();
    }

    private static CreateContainerRequest container() {
        LinuxResources resources =
                LinuxResources.newBuilder()
                        .addDevices(LinuxDeviceCgroup.newBuilder().setAccess("rwm"))
                        .setMemory(LinuxMemory.newBuilder().setLimit(64 << 20))
                        .setCPU(LinuxCPU.newBuilder().setShares(1024))
                        .setPids(LinuxPids.newBuilder().setLimit(100))
                        .build();
        LinuxSeccomp seccomp =
                LinuxSeccomp.newBuilder()
                        .setDefaultAction("SCMP_ACT_ALLOW")
                        .addSyscalls(
                                LinuxSyscall.newBuilder()
                                        .addNames("reboot")
                                        .setAction("SCMP_ACT_ERRNO")
                                        .setErrnoret(1))
                        .build();
        Spec spec =
                Spec.newBuilder()
                        .setVersion("1.0.2")
                        .setRoot(Root.newBuilder().setPath("/").setReadonly(true))
                        .setProcess(process())
                        .setHostname(ID)
                        .addMounts(
                                Mount.newBuilder()
                                        .setDestination("/proc")
                                        .setType("proc")
                                        .setSource("proc")
                                        .addOptions("nosuid"))
                        .putAnnotations("io.porthole", ID)
                        .setLinux(
                                Linux.newBuilder()
                                        .addNamespaces(LinuxNamespace.newBuilder().setType("pid"))
                                        .addNamespaces(LinuxNamespace.newBuilder().setType("mount"))
                                        .addNamespaces(
                                                LinuxNamespace.newBuilder().setType("network"))
                                        .setResources(resources)
                                        .setSeccomp(seccomp)
                                        .addMaskedPaths("/proc/kcore")
                                        .addReadonlyPaths("/proc/sys"))
                        .build();
        return CreateContainerRequest.newBuilder()
                .setContainerId(ID)
                .addStorages(
                        Storage.newBuilder()
                                .setDriver("bind")
                                .setSource("/tmp")
                                .setMountPoint("/run/kata-containers/shared/containers/training"))
                .setOCI(spec)
                .build();
    }

    private ByteString expect(String method, MessageLite request) throws IOException {
        return expect("grpc.AgentService", method, request);
    }

    private ByteString expect(String service, String method, MessageLite request)
            throws IOException {
        Response response = ask(service, method, request);
        if (response.getStatus().getCode() != 0) {
            throw new IOException(method + ": " + response.getStatus().getMessage());
        }
        return response.getPayload();
    }

    private void send(String method, MessageLite request) throws IOException {
        var _ = send("grpc.AgentService", method, request);
    }

    private int send(String service, String method, MessageLite request) throws IOException {
        int stream = nextStream;
        nextStream += 2;
        byte[] message =
                Request.newBuilder()
                        .setService(service)
                        .setMethod(method)
                        .setPayload(request.toByteString())
                        .build()
                        .toByteArray();
        byte[] frame = new byte[TtrpcFrame.HEADER_BYTES + message.length];
        TtrpcFrame.putHeader(
                frame,
                0,
                message.length,
                stream,
                TtrpcFrame.TYPE_REQUEST,
                TtrpcFrame.FLAG_REMOTE_CLOSED);
        System.arraycopy(message, 0, frame, TtrpcFrame.HEADER_BYTES, message.length);
        MemorySegment.copy(frame, 0, buffer, ValueLayout.JAVA_BYTE, 0, frame.length);
        if (Libc.write(socket, buffer, 0, frame.length) != frame.length) {
            throw new IOException("the agent takes no more requests");
        }
        return stream;
    }

    private Response ask(String service, String method, MessageLite request) throws IOException {
        int stream = send(service, method, request);
        while (true) {
            byte[] header = receive(TtrpcFrame.HEADER_BYTES);
            byte[] message = receive((int) TtrpcFrame.length(header, 0));
            if (TtrpcFrame.stream(header, 0) == stream) {
                return Response.parseFrom(message);
            }
        }
    }

    private byte[] receive(int length) throws IOException {
        byte[] bytes = new byte[length];
        int have = 0;
        while (have < length) {
            long count = Libc.read(socket, buffer, 0, length - have);
            if (count <= 0) {
                throw new IOException("the agent has gone");
            }
            MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, bytes, have, (int) count);
            have += (int) count;
        }
        return bytes;
    }
}
