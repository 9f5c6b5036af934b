package io.porthole.perf.jmh;

import io.porthole.fuse.FuseEntryOut;
import io.porthole.fuse.FuseForgetIn;
import io.porthole.fuse.FuseGetattrIn;
import io.porthole.fuse.FuseInHeader;
import io.porthole.fuse.FuseInitIn;
import io.porthole.fuse.FuseOutHeader;
import io.porthole.fuse.FuseServer;
import io.porthole.fuse.Opcode;
import io.porthole.fuse.Request;
import io.porthole.linux.Fcntl;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.passthrough.PassthroughFileSystem;
import io.porthole.virtiofsd.passthrough.PassthroughOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Decode, dispatch, tables and system calls without a queue: requests lie in scratch memory. The
 * difference to the benchmarks of {@link QueueBenchmark} is the queue, the difference to those of
 * {@link SyscallBenchmark} is ours.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DispatchBenchmark {
    private static final int FILES = 256;
    private static final int NO_OPCODE = 4000;

    private final Syscalls sys = Syscalls.host();
    private final Arena arena = Arena.ofShared();
    private final ScratchExchange exchange = new ScratchExchange(arena);
    private final Request request = new Request(exchange);
    private final byte[][] names = new byte[FILES][];
    private Shared shared = Shared.NONE;
    private FuseServer server = Shared.NONE.server;
    private long node;
    private int next;

    /** A share of a temporary directory. */
    record Shared(PassthroughFileSystem files, FuseServer server, Path directory) {
        @SuppressWarnings("NullAway") // Replaced before anything is measured.
        static final Shared NONE = new Shared(null, null, null);
    }

    @Setup
    public void share() throws IOException {
        Path directory = Files.createTempDirectory("porthole-jmh");
        for (int i = 0; i < FILES; i++) {
            String name = String.format("file%06d", i);
            names[i] = (name + "\0").getBytes(StandardCharsets.UTF_8);
            Files.write(directory.resolve(name), new byte[i]);
        }
        int root = open(directory.toString());
        int proc = open("/proc/self/fd");
        PassthroughFileSystem files =
                new PassthroughFileSystem(sys, PassthroughOptions.defaults(), root, proc);
        files.threadStarted();
        server = new FuseServer(files);
        shared = new Shared(files, server, directory);
        begin(Opcode.INIT.code(), 0, FuseInitIn.BYTES);
        MemorySegment in = exchange.in();
        FuseInitIn.major(in, FuseInHeader.BYTES, 7);
        FuseInitIn.minor(in, FuseInHeader.BYTES, 45);
        dispatch();
        node = lookUp(0);
    }

    private int open(String path) {
        long at = NativeStrings.of(arena, path).address();
        return (int) sys.openat(Fcntl.AT_FDCWD, at, Fcntl.O_PATH, 0);
    }

    @TearDown
    public void unshare() throws IOException {
        shared.files().threadStopped();
        shared.files().close();
        for (int i = 0; i < FILES; i++) {
            Files.delete(shared.directory().resolve(String.format("file%06d", i)));
        }
        Files.delete(shared.directory());
    }

    private void begin(int opcode, long nodeId, int argumentBytes) {
        MemorySegment in = exchange.in();
        FuseInHeader.len(in, 0, FuseInHeader.BYTES + argumentBytes);
        FuseInHeader.opcode(in, 0, opcode);
        FuseInHeader.unique(in, 0, 2);
        FuseInHeader.nodeId(in, 0, nodeId);
    }

    private long dispatch() {
        server.dispatch(exchange, request);
        return exchange.repliedBytes();
    }

    private long lookUp(int file) {
        byte[] name = names[file];
        begin(Opcode.LOOKUP.code(), 1, name.length);
        MemorySegment.copy(
                MemorySegment.ofArray(name), 0, exchange.in(), FuseInHeader.BYTES, name.length);
        dispatch();
        return FuseEntryOut.nodeId(exchange.out(), FuseOutHeader.BYTES);
    }

    private long forget(long nodeId) {
        begin(Opcode.FORGET.code(), nodeId, FuseForgetIn.BYTES);
        FuseForgetIn.nlookup(exchange.in(), FuseInHeader.BYTES, 1);
        return dispatch();
    }

    /** Decode and reply alone. */
    @Benchmark
    public long unknownOpcode() {
        begin(NO_OPCODE, 1, 16);
        return dispatch();
    }

    @Benchmark
    public long getattr() {
        begin(Opcode.GETATTR.code(), node, FuseGetattrIn.BYTES);
        return dispatch();
    }

    /** One inode, whose count is raised and lowered: the table, and one statx. */
    @Benchmark
    public long lookupKnownAndForget() {
        return forget(lookUp(0));
    }

    /** The inode is new each time and ends: the table, openat, statx and close. */
    @Benchmark
    public long lookupNewAndForget() {
        next = 1 + (next + 1) % (FILES - 1);
        return forget(lookUp(next));
    }
}
