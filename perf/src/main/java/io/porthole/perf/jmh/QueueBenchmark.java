package io.porthole.perf.jmh;

import io.porthole.fuse.FuseServer;
import io.porthole.linux.Fcntl;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.Syscalls;
import io.porthole.perf.InProcessLoad;
import io.porthole.vhostuser.ProtocolException;
import io.porthole.vhostuser.VhostUserServer;
import io.porthole.virtiofsd.passthrough.PassthroughFileSystem;
import io.porthole.virtiofsd.passthrough.PassthroughOptions;
import io.porthole.virtiofsd.transport.RequestThreads;
import io.porthole.virtiofsd.transport.VirtioFsDevice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Whole requests through the virtqueue: front-end and daemon in one process, so that the gc
 * profiler sees what either allocates. Depth 32; the time is the round trip's share, driver
 * included.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class QueueBenchmark {
    private static final int OPERATIONS = 20_000;

    @Param({"unknown-d32", "getattr-d32", "lookup-known-d32", "read-4k-d32", "write-4k-d32"})
    String row = "";

    private final Arena arena = Arena.ofShared();
    private @Nullable Path directory;
    private @Nullable VhostUserServer server;
    private @Nullable InProcessLoad load;

    @Setup
    public void serve() throws IOException {
        Path dir = Files.createTempDirectory("porthole-jmh");
        directory = dir;
        Path share = Files.createDirectory(dir.resolve("share"));
        Path socket = dir.resolve("socket");
        Syscalls sys = Syscalls.host();
        PassthroughFileSystem files =
                new PassthroughFileSystem(
                        sys,
                        PassthroughOptions.defaults(),
                        open(share.toString()),
                        open("/proc/self/fd"));
        RequestThreads threads =
                new RequestThreads() {
                    @Override
                    public void started() throws IOException {
                        files.threadStarted();
                    }

                    @Override
                    public void stopped() {
                        files.threadStopped();
                    }
                };
        VhostUserServer listening =
                VhostUserServer.listen(
                        new VirtioFsDevice(new FuseServer(files), threads, "", 1),
                        socket.toString());
        server = listening;
        Thread control =
                new Thread(
                        () -> {
                            try {
                                listening.serve(VhostUserServer.AfterDisconnect.END);
                            } catch (IOException | ProtocolException e) {
                                throw new UncheckedIOException(new IOException(e));
                            }
                        },
                        "control");
        control.setDaemon(true);
        control.start();
        load = InProcessLoad.begin(socket, share, row);
    }

    private int open(String path) {
        long at = NativeStrings.of(arena, path).address();
        return (int) Syscalls.host().openat(Fcntl.AT_FDCWD, at, Fcntl.O_PATH, 0);
    }

    @TearDown
    public void end() throws IOException {
        if (load != null) {
            load.close();
        }
        if (server != null) {
            server.close();
        }
        if (directory != null) {
            InProcessLoad.removeTree(directory);
        }
    }

    @Benchmark
    @OperationsPerInvocation(OPERATIONS)
    public long roundTrips() {
        InProcessLoad running = load;
        if (running == null) {
            throw new IllegalStateException("not set up");
        }
        return running.run(OPERATIONS);
    }
}
