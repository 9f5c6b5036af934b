package io.porthole.sandbox.agentprotocol;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.netty.channel.EventLoopGroup;
import io.porthole.sandbox.agentprotocol.grpc.AddARPNeighborsRequest;
import io.porthole.sandbox.agentprotocol.grpc.CheckRequest;
import io.porthole.sandbox.agentprotocol.grpc.CloseStdinRequest;
import io.porthole.sandbox.agentprotocol.grpc.CopyFileRequest;
import io.porthole.sandbox.agentprotocol.grpc.CreateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.CreateSandboxRequest;
import io.porthole.sandbox.agentprotocol.grpc.DestroySandboxRequest;
import io.porthole.sandbox.agentprotocol.grpc.ExecProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.GetMetricsRequest;
import io.porthole.sandbox.agentprotocol.grpc.GetOOMEventRequest;
import io.porthole.sandbox.agentprotocol.grpc.GuestDetailsRequest;
import io.porthole.sandbox.agentprotocol.grpc.GuestDetailsResponse;
import io.porthole.sandbox.agentprotocol.grpc.HealthCheckResponse;
import io.porthole.sandbox.agentprotocol.grpc.Interfaces;
import io.porthole.sandbox.agentprotocol.grpc.ListInterfacesRequest;
import io.porthole.sandbox.agentprotocol.grpc.ListRoutesRequest;
import io.porthole.sandbox.agentprotocol.grpc.MemHotplugByProbeRequest;
import io.porthole.sandbox.agentprotocol.grpc.Metrics;
import io.porthole.sandbox.agentprotocol.grpc.OOMEvent;
import io.porthole.sandbox.agentprotocol.grpc.OnlineCPUMemRequest;
import io.porthole.sandbox.agentprotocol.grpc.PauseContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamResponse;
import io.porthole.sandbox.agentprotocol.grpc.RemoveContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReseedRandomDevRequest;
import io.porthole.sandbox.agentprotocol.grpc.ResumeContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.Routes;
import io.porthole.sandbox.agentprotocol.grpc.SetGuestDateTimeRequest;
import io.porthole.sandbox.agentprotocol.grpc.SignalProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.StartContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.StatsContainerResponse;
import io.porthole.sandbox.agentprotocol.grpc.TtyWinResizeRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateContainerRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateEphemeralMountsRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateInterfaceRequest;
import io.porthole.sandbox.agentprotocol.grpc.UpdateRoutesRequest;
import io.porthole.sandbox.agentprotocol.grpc.VersionCheckResponse;
import io.porthole.sandbox.agentprotocol.grpc.VolumeStatsRequest;
import io.porthole.sandbox.agentprotocol.grpc.VolumeStatsResponse;
import io.porthole.sandbox.agentprotocol.grpc.WaitProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.WaitProcessResponse;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamResponse;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcClient;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import io.porthole.sandbox.agentprotocol.types.Interface;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The agent's two services as methods. A failed call is a {@link TtrpcException}; {@link #await}
 * unwraps it.
 *
 * <p>Safe for use by many threads. Calls that wait for the guest's processes (WaitProcess, the
 * streams, GetOOMEvent) have no time limit, all others have the one given here; {@link
 * #withTimeout} gives a view with another one on the same connection.
 */
public final class AgentClient implements AutoCloseable {
    public static final String AGENT_SERVICE = "grpc.AgentService";
    public static final String HEALTH_SERVICE = "grpc.Health";

    /** The agent's name of its virtio-serial port. */
    public static final String PORT_NAME = "agent.0";

    private static final Duration CONNECT_PAUSE = Duration.ofMillis(10);
    private static final Duration CHECK_TIMEOUT = Duration.ofSeconds(3);

    private final TtrpcClient client;
    private final Duration timeout;

    /**
     * @param timeout of every call that does not wait for a process; zero is no limit
     */
    public AgentClient(TtrpcClient client, Duration timeout) {
        this.client = client;
        this.timeout = timeout;
    }

    /**
     * Connects and waits until the agent says that it serves: the socket may not be there yet, the
     * guest may still be booting, and the port may hold the rest of an earlier client's frame.
     *
     * @param patience how long to wait in all
     * @param timeout as in the constructor
     * @throws TtrpcException with UNAVAILABLE or DEADLINE_EXCEEDED when the agent did not answer
     */
    public static AgentClient connect(
            EventLoopGroup group, Path socket, Duration patience, Duration timeout)
            throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            TtrpcClient client = null;
            TtrpcException failure;
            try {
                client = await(TtrpcClient.connect(group, socket));
                awaitServing(client, deadline);
                return new AgentClient(client, timeout);
            } catch (TtrpcException e) {
                failure = e;
            } catch (InterruptedException e) {
                if (client != null) {
                    client.close();
                }
                throw e;
            }
            if (client != null) {
                client.close();
            }
            if (deadline - System.nanoTime() <= CONNECT_PAUSE.toNanos()) {
                throw new TtrpcException(
                        failure.code(),
                        "the agent did not answer within "
                                + patience.toMillis()
                                + " ms: "
                                + failure.getMessage(),
                        failure);
            }
            TimeUnit.NANOSECONDS.sleep(CONNECT_PAUSE.toNanos());
        }
    }

    private static void awaitServing(TtrpcClient client, long deadline)
            throws InterruptedException {
        while (true) {
            long left = Math.max(1, deadline - System.nanoTime());
            Duration limit =
                    CHECK_TIMEOUT.toNanos() < left ? CHECK_TIMEOUT : Duration.ofNanos(left);
            try {
                HealthCheckResponse health =
                        await(
                                client.call(
                                        HEALTH_SERVICE,
                                        "Check",
                                        CheckRequest.getDefaultInstance(),
                                        HealthCheckResponse.parser(),
                                        limit));
                if (health.getStatus() == HealthCheckResponse.ServingStatus.SERVING) {
                    return;
                }
                TimeUnit.NANOSECONDS.sleep(CONNECT_PAUSE.toNanos());
            } catch (TtrpcException e) {
                if (e.code() != StatusCode.DEADLINE_EXCEEDED || deadline - System.nanoTime() <= 0) {
                    throw e;
                }
            }
        }
    }

    /** The same connection with another time limit. */
    public AgentClient withTimeout(Duration other) {
        return new AgentClient(client, other);
    }

    /** Waits for a call, and throws the {@link TtrpcException} with which it failed. */
    public static <T extends @Nullable Object> T await(CompletableFuture<T> call)
            throws InterruptedException {
        try {
            return call.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof TtrpcException failure) {
                throw failure;
            }
            throw new IllegalStateException("a call failed outside of its protocol", e.getCause());
        }
    }

    public boolean isOpen() {
        return client.isOpen();
    }

    /** Completes when the connection has ended, for whatever reason. */
    public CompletableFuture<@Nullable Void> closed() {
        return client.closed();
    }

    /** Ends the connection; open calls fail with UNAVAILABLE. */
    @Override
    public void close() {
        client.close();
    }

    public CompletableFuture<HealthCheckResponse> check() {
        return client.call(
                HEALTH_SERVICE,
                "Check",
                CheckRequest.getDefaultInstance(),
                HealthCheckResponse.parser(),
                timeout);
    }

    public CompletableFuture<VersionCheckResponse> version() {
        return client.call(
                HEALTH_SERVICE,
                "Version",
                CheckRequest.getDefaultInstance(),
                VersionCheckResponse.parser(),
                timeout);
    }

    /** Makes a container, its storages first; its process does not run yet. */
    public CompletableFuture<@Nullable Void> createContainer(CreateContainerRequest request) {
        return callForNothing("CreateContainer", request);
    }

    /** Lets the container's process run. */
    public CompletableFuture<@Nullable Void> startContainer(StartContainerRequest request) {
        return callForNothing("StartContainer", request);
    }

    /** Kills what is left of a container and forgets it. */
    public CompletableFuture<@Nullable Void> removeContainer(RemoveContainerRequest request) {
        return callForNothing("RemoveContainer", request);
    }

    /** Starts a further process in a running container. */
    public CompletableFuture<@Nullable Void> execProcess(ExecProcessRequest request) {
        return callForNothing("ExecProcess", request);
    }

    /** Sends a signal; an empty exec id means the container's own process. */
    public CompletableFuture<@Nullable Void> signalProcess(SignalProcessRequest request) {
        return callForNothing("SignalProcess", request);
    }

    /** The exit status, once the process has ended. Waits without limit. */
    public CompletableFuture<WaitProcessResponse> waitProcess(WaitProcessRequest request) {
        return callWithoutLimit("WaitProcess", request, WaitProcessResponse.parser());
    }

    /** Changes the cgroup limits of a container. */
    public CompletableFuture<@Nullable Void> updateContainer(UpdateContainerRequest request) {
        return callForNothing("UpdateContainer", request);
    }

    /** Remounts ephemeral storages, such as a tmpfs with a new size. */
    public CompletableFuture<@Nullable Void> updateEphemeralMounts(
            UpdateEphemeralMountsRequest request) {
        return callForNothing("UpdateEphemeralMounts", request);
    }

    /** The container's cgroup counters and the sandbox's network counters. */
    public CompletableFuture<StatsContainerResponse> statsContainer(StatsContainerRequest request) {
        return call("StatsContainer", request, StatsContainerResponse.parser());
    }

    /** Freezes the container's cgroup. */
    public CompletableFuture<@Nullable Void> pauseContainer(PauseContainerRequest request) {
        return callForNothing("PauseContainer", request);
    }

    /** Thaws it. */
    public CompletableFuture<@Nullable Void> resumeContainer(ResumeContainerRequest request) {
        return callForNothing("ResumeContainer", request);
    }

    /** Writes to standard input; answers when the pipe has taken all. Waits without limit. */
    public CompletableFuture<WriteStreamResponse> writeStdin(WriteStreamRequest request) {
        return callWithoutLimit("WriteStdin", request, WriteStreamResponse.parser());
    }

    /** At least one byte of standard output, or none at its end. Waits without limit. */
    public CompletableFuture<ReadStreamResponse> readStdout(ReadStreamRequest request) {
        return callWithoutLimit("ReadStdout", request, ReadStreamResponse.parser());
    }

    /** At least one byte of standard error, or none at its end. Waits without limit. */
    public CompletableFuture<ReadStreamResponse> readStderr(ReadStreamRequest request) {
        return callWithoutLimit("ReadStderr", request, ReadStreamResponse.parser());
    }

    /** Closes standard input, after what was written before. */
    public CompletableFuture<@Nullable Void> closeStdin(CloseStdinRequest request) {
        return callForNothing("CloseStdin", request);
    }

    /** Sets the size of the process' terminal. */
    public CompletableFuture<@Nullable Void> ttyWinResize(TtyWinResizeRequest request) {
        return callForNothing("TtyWinResize", request);
    }

    /** Configures the interface with the given MAC address; answers what it became. */
    public CompletableFuture<Interface> updateInterface(UpdateInterfaceRequest request) {
        return call("UpdateInterface", request, Interface.parser());
    }

    /** Replaces the routes; answers those in effect. */
    public CompletableFuture<Routes> updateRoutes(UpdateRoutesRequest request) {
        return call("UpdateRoutes", request, Routes.parser());
    }

    /** The guest's interfaces and addresses. */
    public CompletableFuture<Interfaces> listInterfaces(ListInterfacesRequest request) {
        return call("ListInterfaces", request, Interfaces.parser());
    }

    /** The guest's routes. */
    public CompletableFuture<Routes> listRoutes(ListRoutesRequest request) {
        return call("ListRoutes", request, Routes.parser());
    }

    /** Adds static neighbours. */
    public CompletableFuture<@Nullable Void> addARPNeighbors(AddARPNeighborsRequest request) {
        return callForNothing("AddARPNeighbors", request);
    }

    /** Counters of guest and agent as Prometheus text. */
    public CompletableFuture<Metrics> getMetrics(GetMetricsRequest request) {
        return call("GetMetrics", request, Metrics.parser());
    }

    /** Sets up the guest: hostname, DNS, storages. Comes before all containers. */
    public CompletableFuture<@Nullable Void> createSandbox(CreateSandboxRequest request) {
        return callForNothing("CreateSandbox", request);
    }

    /** Removes all containers and unmounts all storages. */
    public CompletableFuture<@Nullable Void> destroySandbox(DestroySandboxRequest request) {
        return callForNothing("DestroySandbox", request);
    }

    /** Brings hot-plugged processors and memory online. */
    public CompletableFuture<@Nullable Void> onlineCPUMem(OnlineCPUMemRequest request) {
        return callForNothing("OnlineCPUMem", request);
    }

    /** Adds entropy and credits it. */
    public CompletableFuture<@Nullable Void> reseedRandomDev(ReseedRandomDevRequest request) {
        return callForNothing("ReseedRandomDev", request);
    }

    /** What the agent and its guest can do. */
    public CompletableFuture<GuestDetailsResponse> getGuestDetails(GuestDetailsRequest request) {
        return call("GetGuestDetails", request, GuestDetailsResponse.parser());
    }

    /** Announces memory blocks to a kernel that has to be told. */
    public CompletableFuture<@Nullable Void> memHotplugByProbe(MemHotplugByProbeRequest request) {
        return callForNothing("MemHotplugByProbe", request);
    }

    /** Sets the guest's clock. */
    public CompletableFuture<@Nullable Void> setGuestDateTime(SetGuestDateTimeRequest request) {
        return callForNothing("SetGuestDateTime", request);
    }

    /** Writes a part of a file below the shared containers' directory. */
    public CompletableFuture<@Nullable Void> copyFile(CopyFileRequest request) {
        return callForNothing("CopyFile", request);
    }

    /** The next container that ran out of memory. Waits without limit. */
    public CompletableFuture<OOMEvent> getOomEvent(GetOOMEventRequest request) {
        return callWithoutLimit("GetOOMEvent", request, OOMEvent.parser());
    }

    /** How full a mounted volume is. */
    public CompletableFuture<VolumeStatsResponse> getVolumeStats(VolumeStatsRequest request) {
        return call("GetVolumeStats", request, VolumeStatsResponse.parser());
    }

    private <R extends MessageLite> CompletableFuture<R> call(
            String method, MessageLite request, Parser<R> parser) {
        return client.call(AGENT_SERVICE, method, request, parser, timeout);
    }

    private <R extends MessageLite> CompletableFuture<R> callWithoutLimit(
            String method, MessageLite request, Parser<R> parser) {
        return client.call(AGENT_SERVICE, method, request, parser, Duration.ZERO);
    }

    private CompletableFuture<@Nullable Void> callForNothing(String method, MessageLite request) {
        // google.protobuf.Empty: no field is looked at, so any message without fields reads it.
        return client.call(AGENT_SERVICE, method, request, DestroySandboxRequest.parser(), timeout)
                .thenApply(nothing -> null);
    }
}
