package io.porthole.sandbox.agent;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Starts programs with posix_spawn(3).
 *
 * <p>Not java.lang.Process: it starts a helper program in between, reaps its own children, and
 * closes the streams when the program ends although crun's containers still hold them.
 */
final class Spawner {
    // Both structures are opaque: glibc's are 80 and 336 bytes.
    private static final int FILE_ACTIONS_BYTES = 256;
    private static final int ATTRIBUTES_BYTES = 512;
    private static final int SIGSET_BYTES = 128;
    private static final short POSIX_SPAWN_SETSIGMASK = 0x08;
    private static final short POSIX_SPAWN_SETSIGDEF = 0x04;
    private static final String[] ENVIRONMENT = {
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "LANG=C.UTF-8"
    };

    private final Reaper reaper;

    Spawner(Reaper reaper) {
        this.reaper = reaper;
    }

    /** A program that ran to its end. */
    record Outcome(int status, String stderr) {
        boolean ok() {
            return status == 0;
        }
    }

    /**
     * Starts a program with the given descriptors as its standard streams and no others.
     *
     * @return its pid, the status to be had from the {@link Reaper}
     */
    int spawn(List<String> command, int stdin, int stdout, int stderr) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment actions = arena.allocate(FILE_ACTIONS_BYTES, 8);
            MemorySegment attributes = arena.allocate(ATTRIBUTES_BYTES, 8);
            MemorySegment signals = arena.allocate(SIGSET_BYTES, 8);
            MemorySegment pid = arena.allocate(4, 4);
            check("posix_spawn_file_actions_init", actions.address());
            check("posix_spawnattr_init", attributes.address());
            try {
                int[] streams = {stdin, stdout, stderr};
                for (int fd = 0; fd < streams.length; fd++) {
                    check("posix_spawn_file_actions_adddup2", actions.address(), streams[fd], fd);
                }
                // Whatever the JVM has open without close-on-exec.
                check("posix_spawn_file_actions_addclosefrom_np", actions.address(), 3);
                check("posix_spawnattr_setsigmask", attributes.address(), signals.address());
                signals.fill((byte) 0xff);
                check("posix_spawnattr_setsigdefault", attributes.address(), signals.address());
                check(
                        "posix_spawnattr_setflags",
                        attributes.address(),
                        POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
                int error =
                        Libc.callInt(
                                "posix_spawn",
                                pid.address(),
                                Libc.string(arena, command.get(0)).address(),
                                actions.address(),
                                attributes.address(),
                                strings(arena, command.toArray(new String[0])).address(),
                                strings(arena, ENVIRONMENT).address());
                if (error != 0) {
                    throw new IOException(
                            "cannot run " + command.get(0) + ": " + Libc.describe(Math.abs(error)));
                }
            } finally {
                var _ = Libc.callInt("posix_spawn_file_actions_destroy", actions.address());
                var _ = Libc.callInt("posix_spawnattr_destroy", attributes.address());
            }
            reaper.childStarted();
            return pid.get(ValueLayout.JAVA_INT, 0);
        }
    }

    /** These return an error number, not -1. */
    private static void check(String function, long... args) throws IOException {
        int error = Libc.callInt(function, args);
        if (error != 0) {
            throw new IOException(function + ": " + Libc.describe(Math.abs(error)));
        }
    }

    private static MemorySegment strings(Arena arena, String[] values) {
        MemorySegment array = arena.allocate(ValueLayout.ADDRESS, values.length + 1L);
        for (int i = 0; i < values.length; i++) {
            array.setAtIndex(ValueLayout.ADDRESS, i, Libc.string(arena, values[i]));
        }
        return array;
    }

    /**
     * Runs a program to its end with nothing on stdin and its output in a file.
     *
     * @param limitSeconds after which it is killed and an exception thrown
     */
    Outcome run(List<String> command, Path output, int limitSeconds) throws IOException {
        int stdin = Libc.open("/dev/null", Libc.O_RDONLY | Libc.O_CLOEXEC);
        Files.write(output, new byte[0]);
        int log = Libc.open(output.toString(), Libc.O_WRONLY | Libc.O_CLOEXEC);
        int pid;
        try {
            pid = spawn(command, stdin, log, log);
        } finally {
            var _ = Libc.close(stdin);
            var _ = Libc.close(log);
        }
        int status = await(pid, command.get(0), limitSeconds);
        return new Outcome(status, Files.readString(output).strip());
    }

    /** The status of a program started here; kills it after the limit. */
    int await(int pid, String name, int limitSeconds) throws IOException {
        CompletableFuture<Integer> exit = reaper.exitOf(pid);
        try {
            return exit.get(limitSeconds, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            int sigkill = 9;
            var _ = Libc.kill(pid, sigkill);
            throw new IOException(name + " did not end within " + limitSeconds + " s", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("the reaper never fails a status", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for " + name, e);
        }
    }
}
