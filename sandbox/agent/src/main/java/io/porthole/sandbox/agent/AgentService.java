package io.porthole.sandbox.agent;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import io.porthole.sandbox.agentprotocol.grpc.AddARPNeighborsRequest;
import io.porthole.sandbox.agentprotocol.grpc.CloseStdinRequest;
import io.porthole.sandbox.agentprotocol.grpc.CopyFileRequest;
import io.porthole.sandbox.agentprotocol.grpc.CreateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.CreateSandboxRequest;
import io.porthole.sandbox.agentprotocol.grpc.ExecProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.GuestDetailsRequest;
import io.porthole.sandbox.agentprotocol.grpc.HealthCheckResponse;
import io.porthole.sandbox.agentprotocol.grpc.MemHotplugByProbeRequest;
import io.porthole.sandbox.agentprotocol.grpc.Metrics;
import io.porthole.sandbox.agentprotocol.grpc.OnlineCPUMemRequest;
import io.porthole.sandbox.agentprotocol.grpc.PauseContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamResponse;
import io.porthole.sandbox.agentprotocol.grpc.RemoveContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReseedRandomDevRequest;
import io.porthole.sandbox.agentprotocol.grpc.ResumeContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.SetGuestDateTimeRequest;
import io.porthole.sandbox.agentprotocol.grpc.SignalProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.StartContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerResponse;
import io.porthole.sandbox.agentprotocol.grpc.Storage;
import io.porthole.sandbox.agentprotocol.grpc.TtyWinResizeRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateEphemeralMountsRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateInterfaceRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateRoutesRequest;
import io.porthole.sandbox.agentprotocol.grpc.VersionCheckResponse;
import io.porthole.sandbox.agentprotocol.grpc.VolumeStatsRequest;
import io.porthole.sandbox.agentprotocol.grpc.WaitProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.WaitProcessResponse;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamRequest;
import io.porthole.sandbox.agentprotocol.ttrpc.Call;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcService;
import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The two services, a line a method.
 *
 * <p>What cannot block is answered on the thread that reads the link, which keeps the order of a
 * stream's writes; the rest goes to the workers. A message's class is touched only when its method
 * is called: on an interpreter that is most of what a start costs.
 */
final class AgentService implements TtrpcService {
    static final String VERSION = "0.1.0";
    private static final String PROTOCOL_VERSION = "0.0.1";

    private final Sandbox sandbox;
    private final Executor workers;
    private final ScheduledExecutorService timer;
    private final boolean init;

    AgentService(Sandbox sandbox, Executor workers, ScheduledExecutorService timer, boolean init) {
        this.sandbox = sandbox;
        this.workers = workers;
        this.timer = timer;
        this.init = init;
    }

    /** Something that may block, with its answer; null for google.protobuf.Empty. */
    @FunctionalInterface
    private interface Work {
        @Nullable MessageLite run() throws IOException;
    }

    /** The same without a result. */
    @FunctionalInterface
    private interface Action {
        void run() throws IOException;
    }

    @Override
    public void call(String service, String method, ByteString payload, Call call)
            throws InvalidProtocolBufferException {
        switch (service) {
            case "grpc.Health" -> health(method, call);
            case "grpc.AgentService" -> {
                if (!stream(method, payload, call)
                        && !container(method, payload, call)
                        && !guest(method, payload, call)) {
                    unknown(service, method, call);
                }
            }
            default -> unknown(service, method, call);
        }
    }

    private static void unknown(String service, String method, Call call) {
        call.fail(StatusCode.UNIMPLEMENTED, "/" + service + "/" + method + " is not supported");
    }

    private static void health(String method, Call call) {
        switch (method) {
            case "Check" ->
                    call.reply(
                            HealthCheckResponse.newBuilder()
                                    .setStatus(HealthCheckResponse.ServingStatus.SERVING)
                                    .build());
            case "Version" ->
                    call.reply(
                            VersionCheckResponse.newBuilder()
                                    .setGrpcVersion(PROTOCOL_VERSION)
                                    .setAgentVersion(VERSION)
                                    .build());
            default -> unknown("grpc.Health", method, call);
        }
    }

    /** Calls that never block the thread, though their answers may take long. */
    private boolean stream(String method, ByteString payload, Call call)
            throws InvalidProtocolBufferException {
        switch (method) {
            case "WriteStdin" -> writeStdin(WriteStreamRequest.parseFrom(payload), call);
            case "ReadStdout" -> readStdout(ReadStreamRequest.parseFrom(payload), call);
            case "ReadStderr" -> readStderr(ReadStreamRequest.parseFrom(payload), call);
            case "CloseStdin" -> closeStdin(CloseStdinRequest.parseFrom(payload), call);
            case "TtyWinResize" -> resize(TtyWinResizeRequest.parseFrom(payload), call);
            case "WaitProcess" -> waitProcess(WaitProcessRequest.parseFrom(payload), call);
            case "GetOOMEvent" -> {
                limit(call);
                sandbox.oom().next(call);
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean container(String method, ByteString payload, Call call)
            throws InvalidProtocolBufferException {
        switch (method) {
            case "CreateContainer" -> {
                CreateContainerRequest request = CreateContainerRequest.parseFrom(payload);
                act(call, () -> sandbox.createContainer(request));
            }
            case "StartContainer" -> {
                String id = StartContainerRequest.parseFrom(payload).getContainerId();
                act(call, () -> sandbox.startContainer(id));
            }
            case "RemoveContainer" -> {
                RemoveContainerRequest request = RemoveContainerRequest.parseFrom(payload);
                act(
                        call,
                        () ->
                                sandbox.removeContainer(
                                        request.getContainerId(), request.getTimeout()));
            }
            case "ExecProcess" -> {
                ExecProcessRequest request = ExecProcessRequest.parseFrom(payload);
                act(call, () -> sandbox.exec(request));
            }
            case "SignalProcess" -> {
                SignalProcessRequest request = SignalProcessRequest.parseFrom(payload);
                act(
                        call,
                        () ->
                                sandbox.signal(
                                        request.getContainerId(),
                                        request.getExecId(),
                                        request.getSignal()));
            }
            case "UpdateContainer" -> {
                UpdateContainerRequest request = UpdateContainerRequest.parseFrom(payload);
                act(
                        call,
                        () ->
                                sandbox.update(
                                        request.getContainerId(),
                                        OciResources.json(request.getResources())));
            }
            case "StatsContainer" -> {
                String id = StatsContainerRequest.parseFrom(payload).getContainerId();
                work(call, () -> stats(sandbox.container(id)));
            }
            case "PauseContainer" -> {
                String id = PauseContainerRequest.parseFrom(payload).getContainerId();
                act(call, () -> sandbox.freeze(id, true));
            }
            case "ResumeContainer" -> {
                String id = ResumeContainerRequest.parseFrom(payload).getContainerId();
                act(call, () -> sandbox.freeze(id, false));
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean guest(String method, ByteString payload, Call call)
            throws InvalidProtocolBufferException {
        switch (method) {
            case "CreateSandbox" -> {
                CreateSandboxRequest request = CreateSandboxRequest.parseFrom(payload);
                act(call, () -> sandbox.create(request));
            }
            case "DestroySandbox" -> act(call, sandbox::destroy);
            case "UpdateInterface" -> {
                UpdateInterfaceRequest request = UpdateInterfaceRequest.parseFrom(payload);
                work(call, () -> Network.update(request.getInterface()));
            }
            case "UpdateRoutes" -> {
                UpdateRoutesRequest request = UpdateRoutesRequest.parseFrom(payload);
                work(call, () -> Network.updateRoutes(request.getRoutes()));
            }
            case "ListInterfaces" -> work(call, Network::interfaces);
            case "ListRoutes" -> work(call, Network::listRoutes);
            case "AddARPNeighbors" -> {
                AddARPNeighborsRequest request = AddARPNeighborsRequest.parseFrom(payload);
                act(call, () -> Network.addNeighbors(request.getNeighbors().getARPNeighborsList()));
            }
            case "CopyFile" -> {
                CopyFileRequest request = CopyFileRequest.parseFrom(payload);
                act(call, () -> GuestControl.copyFile(request));
            }
            case "UpdateEphemeralMounts" -> {
                UpdateEphemeralMountsRequest request =
                        UpdateEphemeralMountsRequest.parseFrom(payload);
                act(
                        call,
                        () -> {
                            for (Storage storage : request.getStoragesList()) {
                                sandbox.mounts().remount(storage);
                            }
                        });
            }
            case "GetGuestDetails" -> {
                GuestDetailsRequest request = GuestDetailsRequest.parseFrom(payload);
                work(call, () -> GuestControl.details(request, init));
            }
            case "OnlineCPUMem" -> {
                OnlineCPUMemRequest request = OnlineCPUMemRequest.parseFrom(payload);
                act(call, () -> GuestControl.online(request));
            }
            case "MemHotplugByProbe" -> {
                MemHotplugByProbeRequest request = MemHotplugByProbeRequest.parseFrom(payload);
                act(call, () -> GuestControl.probeMemory(request.getMemHotplugProbeAddrList()));
            }
            case "SetGuestDateTime" -> {
                SetGuestDateTimeRequest request = SetGuestDateTimeRequest.parseFrom(payload);
                act(call, () -> GuestControl.setClock(request.getSec(), request.getUsec()));
            }
            case "ReseedRandomDev" -> {
                byte[] data = ReseedRandomDevRequest.parseFrom(payload).getData().toByteArray();
                act(call, () -> GuestControl.reseed(data));
            }
            case "GetVolumeStats" -> {
                String path = VolumeStatsRequest.parseFrom(payload).getVolumeGuestPath();
                work(call, () -> GuestControl.volumeStats(path));
            }
            case "GetMetrics" ->
                    work(
                            call,
                            () ->
                                    Metrics.newBuilder()
                                            .setMetrics(
                                                    GuestControl.metrics(sandbox.containerCount()))
                                            .build());
            default -> {
                return false;
            }
        }
        return true;
    }

    private static StatsContainerResponse stats(Container container) throws IOException {
        return StatsContainerResponse.newBuilder()
                .setCgroupStats(new CgroupStatsReader(container.cgroup()).read())
                .addAllNetworkStats(GuestControl.networkStats())
                .build();
    }

    private ProcessStreams streams(String containerId, String execId) {
        return sandbox.container(containerId).process(execId).streams();
    }

    private void writeStdin(WriteStreamRequest request, Call call) {
        StreamWriter stdin = streams(request.getContainerId(), request.getExecId()).stdin();
        if (request.getData().isEmpty()) {
            stdin.closeInput();
            call.reply();
        } else {
            stdin.write(call, request.getData());
        }
    }

    private void readStdout(ReadStreamRequest request, Call call) {
        limit(call);
        streams(request.getContainerId(), request.getExecId())
                .stdout()
                .read(call, request.getLen());
    }

    private void readStderr(ReadStreamRequest request, Call call) {
        limit(call);
        StreamReader stderr = streams(request.getContainerId(), request.getExecId()).stderr();
        if (stderr == null) {
            call.reply(ReadStreamResponse.getDefaultInstance());
        } else {
            stderr.read(call, request.getLen());
        }
    }

    private void closeStdin(CloseStdinRequest request, Call call) {
        streams(request.getContainerId(), request.getExecId()).stdin().closeInput();
        call.reply();
    }

    private void resize(TtyWinResizeRequest request, Call call) {
        ProcessStreams streams = streams(request.getContainerId(), request.getExecId());
        int result = streams.resize(request.getRow(), request.getColumn());
        if (result < 0) {
            call.fail(
                    StatusCode.FAILED_PRECONDITION,
                    streams.isTerminal() ? Libc.describe(-result) : "the process has no terminal");
        } else {
            call.reply();
        }
    }

    private void waitProcess(WaitProcessRequest request, Call call) {
        limit(call);
        Container container = sandbox.container(request.getContainerId());
        var _ =
                container
                        .process(request.getExecId())
                        .exit()
                        .thenAccept(status -> {
                            if (call.reply(
                                    WaitProcessResponse.newBuilder().setStatus(status).build())) {
                                sandbox.retire(container, request.getExecId());
                            }
                        });
    }

    /** Ends a call that waits when its client has stopped waiting. */
    private void limit(Call call) {
        if (call.timeoutNanos() > 0) {
            var _ =
                    timer.schedule(
                            () ->
                                    call.fail(
                                            StatusCode.DEADLINE_EXCEEDED,
                                            "nothing happened in the time given"),
                            call.timeoutNanos(),
                            TimeUnit.NANOSECONDS);
        }
    }

    private void act(Call call, Action action) {
        work(
                call,
                () -> {
                    action.run();
                    return null;
                });
    }

    private void work(Call call, Work work) {
        workers.execute(() -> {
            try {
                MessageLite result = work.run();
                if (result == null) {
                    call.reply();
                } else {
                    call.reply(result);
                }
            } catch (IOException | RuntimeException e) {
                call.fail(e);
            }
        });
    }
}
