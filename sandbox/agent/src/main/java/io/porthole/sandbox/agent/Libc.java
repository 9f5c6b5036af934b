package io.porthole.sandbox.agent;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The C library, called through one downcall handle.
 *
 * <p>Each further shape of a downcall costs the interpreter milliseconds at start (ADR 0010), so
 * there is one: seven long arguments to a long. The calling conventions of Linux on x86-64 and
 * arm64 pass integers and pointers of any width in whole registers and let a callee ignore those it
 * does not take, which makes that shape good for every function used here.
 *
 * <p>Results: {@code >= 0}, or {@code -errno}. EINTR is retried.
 */
final class Libc {
    static final int EPERM = 1;
    static final int ENOENT = 2;
    static final int ESRCH = 3;
    static final int EINTR = 4;
    static final int EIO = 5;
    static final int ECHILD = 10;
    static final int EAGAIN = 11;
    static final int EBUSY = 16;
    static final int EEXIST = 17;
    static final int EINVAL = 22;
    static final int EPIPE = 32;

    static final int O_RDONLY = 0;
    static final int O_WRONLY = 1;
    static final int O_RDWR = 2;
    static final int O_NOCTTY = 0400;
    static final int O_NONBLOCK = 04000;
    static final int O_CLOEXEC = 02000000;

    static final int POLLIN = 1;
    static final int POLLPRI = 2;
    static final int POLLOUT = 4;
    static final int POLLERR = 8;
    static final int POLLHUP = 16;

    /** A null pointer, or an argument that the function does not take. */
    private static final long NONE = 0;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup SYMBOLS = LINKER.defaultLookup();

    @SuppressWarnings("restricted")
    private static final MethodHandle CALL =
            LINKER.downcallHandle(
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG),
                    Linker.Option.captureCallState("errno"));

    private static final ThreadLocal<MemorySegment> ERRNO =
            ThreadLocal.withInitial(
                    () -> Arena.ofAuto().allocate(Linker.Option.captureStateLayout()));

    private static final MemorySegment READ = symbol("read");
    private static final MemorySegment WRITE = symbol("write");
    private static final MemorySegment CLOSE = symbol("close");
    private static final MemorySegment POLL = symbol("poll");

    private Libc() {}

    /** The address of a function of libc. */
    static MemorySegment symbol(String name) {
        return SYMBOLS.findOrThrow(name);
    }

    /** Calls a function that returns int: -1 becomes {@code -errno}. */
    static int callInt(MemorySegment function, long a, long b, long c, long d, long e, long f) {
        while (true) {
            MemorySegment errno = ERRNO.get();
            // An int result leaves the upper half of the register undefined.
            int result = (int) invoke(function, errno, a, b, c, d, e, f);
            if (result != -1) {
                return result;
            }
            int error = errno.get(ValueLayout.JAVA_INT, 0);
            if (error != EINTR) {
                return -error;
            }
        }
    }

    /** Calls a function that returns long or ssize_t: -1 becomes {@code -errno}. */
    static long callLong(MemorySegment function, long a, long b, long c, long d, long e, long f) {
        while (true) {
            MemorySegment errno = ERRNO.get();
            long result = invoke(function, errno, a, b, c, d, e, f);
            if (result != -1) {
                return result;
            }
            int error = errno.get(ValueLayout.JAVA_INT, 0);
            if (error != EINTR) {
                return -error;
            }
        }
    }

    private static long invoke(
            MemorySegment function,
            MemorySegment errno,
            long a,
            long b,
            long c,
            long d,
            long e,
            long f) {
        try {
            return (long) CALL.invokeExact(function, errno, a, b, c, d, e, f, NONE);
        } catch (Throwable t) {
            throw new IllegalStateException("a downcall threw", t);
        }
    }

    static int callInt(String function, long... args) {
        return callInt(
                symbol(function),
                arg(args, 0),
                arg(args, 1),
                arg(args, 2),
                arg(args, 3),
                arg(args, 4),
                arg(args, 5));
    }

    private static long arg(long[] args, int index) {
        return index < args.length ? args[index] : NONE;
    }

    static MemorySegment string(Arena arena, String text) {
        return arena.allocateFrom(text, StandardCharsets.UTF_8);
    }

    private static long address(Arena arena, @Nullable String text) {
        return text == null ? NONE : string(arena, text).address();
    }

    // Descriptors: man pages of section 2, same names.

    static long read(int fd, MemorySegment buffer, long offset, long lengthBytes) {
        return callLong(
                READ, fd, buffer.asSlice(offset, lengthBytes).address(), lengthBytes, 0, 0, 0);
    }

    static long write(int fd, MemorySegment buffer, long offset, long lengthBytes) {
        return callLong(
                WRITE, fd, buffer.asSlice(offset, lengthBytes).address(), lengthBytes, 0, 0, 0);
    }

    static int close(int fd) {
        return callInt(CLOSE, fd, 0, 0, 0, 0, 0);
    }

    static int open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            return callInt("open", string(arena, path).address(), flags, 0);
        }
    }

    /**
     * Waits on one descriptor.
     *
     * @param timeoutMillis -1 is no limit
     * @return POLL* bits, 0 when the time ran out
     */
    static int poll(int fd, int events, int timeoutMillis) {
        try (Arena arena = Arena.ofConfined()) {
            // struct pollfd: int fd; short events; short revents
            MemorySegment entry = arena.allocate(8, 4);
            entry.set(ValueLayout.JAVA_INT, 0, fd);
            entry.set(ValueLayout.JAVA_SHORT, 4, (short) events);
            int ready = callInt(POLL, entry.address(), 1, timeoutMillis, 0, 0, 0);
            return ready <= 0 ? ready : entry.get(ValueLayout.JAVA_SHORT, 6);
        }
    }

    /**
     * {read end, write end}, both close-on-exec; nothing when the process is out of descriptors.
     */
    static int @Nullable [] pipe() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fds = arena.allocate(8, 4);
            if (callInt("pipe2", fds.address(), O_CLOEXEC) < 0) {
                return null;
            }
            return new int[] {fds.get(ValueLayout.JAVA_INT, 0), fds.get(ValueLayout.JAVA_INT, 4)};
        }
    }

    static int setNonBlocking(int fd) {
        int fSetFl = 4;
        int fGetFl = 3;
        int flags = callInt("fcntl", fd, fGetFl);
        return flags < 0 ? flags : callInt("fcntl", fd, fSetFl, flags | O_NONBLOCK);
    }

    // Processes.

    static int kill(int pid, int signal) {
        return callInt("kill", pid, signal);
    }

    /** prctl(PR_SET_CHILD_SUBREAPER, 1): orphans of the containers become our children. */
    static int becomeSubreaper() {
        int prSetChildSubreaper = 36;
        return callInt("prctl", prSetChildSubreaper, 1);
    }

    // File systems.

    static int mount(
            @Nullable String source,
            String target,
            @Nullable String type,
            long flags,
            @Nullable String data) {
        try (Arena arena = Arena.ofConfined()) {
            return callInt(
                    "mount",
                    address(arena, source),
                    address(arena, target),
                    address(arena, type),
                    flags,
                    address(arena, data));
        }
    }

    static int umount(String target, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            return callInt("umount2", address(arena, target), flags);
        }
    }

    static int chown(String path, int uid, int gid) {
        try (Arena arena = Arena.ofConfined()) {
            return callInt("lchown", address(arena, path), uid, gid);
        }
    }

    static int chmod(String path, int mode) {
        try (Arena arena = Arena.ofConfined()) {
            return callInt("chmod", address(arena, path), mode);
        }
    }

    static int setHostname(String name) {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
            return callInt("sethostname", address(arena, name), bytes.length);
        }
    }

    /** "No such file or directory". */
    static String describe(int errno) {
        MemorySegment text =
                MemorySegment.ofAddress(
                        invoke(symbol("strerror"), ERRNO.get(), errno, 0, 0, 0, 0, 0));
        return reinterpreted(text, 256).getString(0);
    }

    // SAFETY: strerror's result is a terminated string of the C library, which never moves or frees
    // it; the limit only keeps the search for its end inside one message's length.
    @SuppressWarnings("restricted")
    private static MemorySegment reinterpreted(MemorySegment text, long mostBytes) {
        return text.reinterpret(mostBytes);
    }
}
