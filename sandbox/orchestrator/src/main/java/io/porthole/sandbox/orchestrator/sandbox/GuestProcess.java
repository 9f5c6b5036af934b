package io.porthole.sandbox.orchestrator.sandbox;

import com.google.protobuf.ByteString;
import io.porthole.sandbox.agentprotocol.AgentClient;
import io.porthole.sandbox.agentprotocol.grpc.CloseStdinRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamRequest;
import io.porthole.sandbox.agentprotocol.grpc.ReadStreamResponse;
import io.porthole.sandbox.agentprotocol.grpc.SignalProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.TtyWinResizeRequest;
import io.porthole.sandbox.agentprotocol.grpc.WaitProcessRequest;
import io.porthole.sandbox.agentprotocol.grpc.WriteStreamRequest;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process in the guest: the init process of a container (empty exec id) or one started later. Its
 * output goes to every sink that is attached; a slow sink slows the process, as a full pipe would.
 */
public final class GuestProcess {
    private static final Logger LOG = LoggerFactory.getLogger(GuestProcess.class);
    private static final int CHUNK_BYTES = 256 << 10;
    // A child may hold the streams open after the process has ended: what comes later than this
    // after the last output is not waited for.
    private static final long IDLE_AFTER_EXIT_MILLIS = 1000;

    private final AgentClient agent;
    private final String container;
    private final String exec;
    private final boolean terminal;
    private final Function<TtrpcException, SandboxException> explain;
    private final List<OutputSink> sinks = new CopyOnWriteArrayList<>();
    private final CompletableFuture<Integer> exit = new CompletableFuture<>();
    private final CountDownLatch openStreams;
    private final AtomicLong lastOutput = new AtomicLong();

    /**
     * A process that follows.
     *
     * @param explain says why the agent does not answer any more
     */
    GuestProcess(
            AgentClient agent,
            String container,
            String exec,
            boolean terminal,
            Function<TtrpcException, SandboxException> explain) {
        this.explain = explain;
        this.agent = agent;
        this.container = container;
        this.exec = exec;
        this.terminal = terminal;
        this.openStreams = new CountDownLatch(terminal ? 1 : 2);
    }

    public String exec() {
        return exec;
    }

    /** Exit code or 128 + signal; completes after the last output was handed to the sinks. */
    public CompletableFuture<Integer> exit() {
        return exit;
    }

    public void attach(OutputSink sink) {
        sinks.add(sink);
    }

    public void detach(OutputSink sink) {
        sinks.remove(sink);
    }

    /** Begins to read output and to wait for the end; once, when the process runs. */
    void follow() {
        lastOutput.set(System.nanoTime());
        Thread.ofVirtual().name(container + "-stdout").start(() -> pump(false));
        if (!terminal) {
            Thread.ofVirtual().name(container + "-stderr").start(() -> pump(true));
        }
        Thread.ofVirtual().name(container + "-wait").start(this::awaitExit);
    }

    private void pump(boolean stderr) {
        ReadStreamRequest request =
                ReadStreamRequest.newBuilder()
                        .setContainerId(container)
                        .setExecId(exec)
                        .setLen(CHUNK_BYTES)
                        .build();
        try {
            while (true) {
                ReadStreamResponse answer =
                        AgentClient.await(
                                stderr ? agent.readStderr(request) : agent.readStdout(request));
                if (answer.getData().isEmpty()) {
                    return;
                }
                lastOutput.set(System.nanoTime());
                publish(stderr, answer.getData().toByteArray());
            }
        } catch (TtrpcException e) {
            // Agents differ in how they say that a stream is at its end.
            LOG.debug("{} {}: {}", container, stderr ? "stderr" : "stdout", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            openStreams.countDown();
        }
    }

    private void publish(boolean stderr, byte[] data) {
        List<OutputSink> broken = new ArrayList<>();
        for (OutputSink sink : sinks) {
            try {
                sink.output(stderr, data);
            } catch (IOException e) {
                broken.add(sink);
            }
        }
        sinks.removeAll(broken);
    }

    private void awaitExit() {
        int status;
        try {
            status =
                    AgentClient.await(
                                    agent.waitProcess(
                                            WaitProcessRequest.newBuilder()
                                                    .setContainerId(container)
                                                    .setExecId(exec)
                                                    .build()))
                            .getStatus();
            while (!openStreams.await(100, TimeUnit.MILLISECONDS)) {
                long idle = System.nanoTime() - lastOutput.get();
                if (TimeUnit.NANOSECONDS.toMillis(idle) > IDLE_AFTER_EXIT_MILLIS) {
                    break;
                }
            }
        } catch (TtrpcException e) {
            exit.completeExceptionally(explain.apply(e));
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            exit.completeExceptionally(e);
            return;
        }
        exit.complete(status);
    }

    /** Ends the wait from outside: the sandbox is gone. */
    void abandon(Throwable why) {
        exit.completeExceptionally(why);
    }

    /** Writes all of {@code data}; returns when the process's pipe has taken it. */
    public void writeStdin(byte[] data, int length) throws IOException, InterruptedException {
        int at = 0;
        while (at < length) {
            int part = Math.min(length - at, CHUNK_BYTES);
            try {
                int taken =
                        AgentClient.await(
                                        agent.writeStdin(
                                                WriteStreamRequest.newBuilder()
                                                        .setContainerId(container)
                                                        .setExecId(exec)
                                                        .setData(
                                                                ByteString.copyFrom(data, at, part))
                                                        .build()))
                                .getLen();
                if (taken <= 0) {
                    throw new IOException("the process takes no more input");
                }
                at += taken;
            } catch (TtrpcException e) {
                throw new IOException(e.getMessage(), e);
            }
        }
    }

    public void closeStdin() throws InterruptedException {
        try {
            AgentClient.await(
                    agent.closeStdin(
                            CloseStdinRequest.newBuilder()
                                    .setContainerId(container)
                                    .setExecId(exec)
                                    .build()));
        } catch (TtrpcException e) {
            LOG.debug("close stdin of {}: {}", container, e.getMessage());
        }
    }

    public void resize(int rows, int columns) throws SandboxException, InterruptedException {
        call(
                agent.ttyWinResize(
                        TtyWinResizeRequest.newBuilder()
                                .setContainerId(container)
                                .setExecId(exec)
                                .setRow(rows)
                                .setColumn(columns)
                                .build()));
    }

    /** Sends a signal; fine when the process has just ended. */
    public void signal(int number) throws SandboxException, InterruptedException {
        try {
            AgentClient.await(
                    agent.signalProcess(
                            SignalProcessRequest.newBuilder()
                                    .setContainerId(container)
                                    .setExecId(exec)
                                    .setSignal(number)
                                    .build()));
        } catch (TtrpcException e) {
            if (!exit.isDone() && e.code() != StatusCode.NOT_FOUND) {
                throw new SandboxException("cannot signal " + container + ": " + e.getMessage(), e);
            }
        }
    }

    private static void call(CompletableFuture<?> call)
            throws SandboxException, InterruptedException {
        try {
            AgentClient.await(call);
        } catch (TtrpcException e) {
            throw new SandboxException(String.valueOf(e.getMessage()), e);
        }
    }
}
