package io.porthole.perf.jmh;

import io.porthole.linux.Fcntl;
import io.porthole.linux.Iovec;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.Statx;
import io.porthole.linux.Syscalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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

/** What a system call costs from Java: the lower bound of every operation. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class SyscallBenchmark {
    private static final int BYTES = 4096;

    private final Syscalls sys = Syscalls.host();
    private final Arena arena = Arena.ofShared();
    private long path;
    private long absent;
    private long stat;
    private long iov;
    private int dir;
    private int file;

    @Setup
    public void open() throws IOException {
        Path directory = Files.createTempDirectory("porthole-jmh");
        Path name = directory.resolve("file");
        Files.write(name, new byte[BYTES]);
        MemorySegment buffer = arena.allocate(BYTES, BYTES);
        MemorySegment entry = arena.allocate(Iovec.BYTES, 8);
        Iovec.set(entry, 0, buffer.address(), BYTES);
        iov = entry.address();
        stat = arena.allocate(Statx.BYTES, 8).address();
        path = NativeStrings.of(arena, "file").address();
        absent = NativeStrings.of(arena, "none").address();
        long directoryAt = NativeStrings.of(arena, directory.toString()).address();
        dir = (int) sys.openat(Fcntl.AT_FDCWD, directoryAt, Fcntl.O_PATH, 0);
        file = (int) sys.openat(dir, path, Fcntl.O_RDONLY, 0);
        if (file < 0) {
            throw new IOException("cannot open " + name);
        }
    }

    @TearDown
    public void close() {
        sys.unlinkat(dir, path, 0);
        sys.close(file);
        sys.close(dir);
        arena.close();
    }

    /** The call itself, with next to nothing in the kernel. */
    @Benchmark
    public long gettid() {
        return sys.gettid();
    }

    @Benchmark
    public long statxOfName() {
        return sys.statx(dir, path, Fcntl.AT_SYMLINK_NOFOLLOW, Statx.STATX_BASIC_STATS, stat);
    }

    /** With the look at errno. */
    @Benchmark
    public long statxOfMissingName() {
        return sys.statx(dir, absent, Fcntl.AT_SYMLINK_NOFOLLOW, Statx.STATX_BASIC_STATS, stat);
    }

    @Benchmark
    public long preadv4k() {
        return sys.preadv(file, iov, 1, 0);
    }
}
