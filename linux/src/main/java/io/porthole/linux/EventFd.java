package io.porthole.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An owned eventfd (eventfd(2)). Any thread may signal; one thread at a time drains. Neither
 * allocates.
 */
public final class EventFd implements AutoCloseable {
    public static final int EFD_SEMAPHORE = 1;
    public static final int EFD_NONBLOCK = 0x800;
    public static final int EFD_CLOEXEC = 0x80000;

    private static final long COUNTER_BYTES = Long.BYTES;

    /** The number 1, which all signals write. */
    private static final MemorySegment ONE = one();

    private final Syscalls syscalls;
    private final Fd fd;
    private final MemorySegment counter = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG);

    private EventFd(Syscalls syscalls, Fd fd) {
        this.syscalls = syscalls;
        this.fd = fd;
    }

    private static MemorySegment one() {
        MemorySegment segment = Arena.global().allocate(ValueLayout.JAVA_LONG);
        segment.set(ValueLayout.JAVA_LONG, 0, 1);
        return segment;
    }

    /** A new eventfd at 0, close-on-exec; {@code flags}: EFD_NONBLOCK, EFD_SEMAPHORE. */
    public static EventFd create(int flags) throws SyscallException {
        Syscalls syscalls = Syscalls.host();
        long fd = SyscallException.check(syscalls.eventfd(0, flags | EFD_CLOEXEC), "eventfd", null);
        return adopt(syscalls, Fd.adopt(syscalls, (int) fd));
    }

    /** Takes over an eventfd that came from elsewhere, such as a kick received over a socket. */
    public static EventFd adopt(Fd fd) {
        return adopt(Syscalls.host(), fd);
    }

    public static EventFd adopt(Syscalls syscalls, Fd fd) {
        return new EventFd(syscalls, fd);
    }

    public Fd fd() {
        return fd;
    }

    /**
     * Adds 1, waking who waits. Returns 0, or -errno. A counter at its limit (-EAGAIN from the
     * kernel) is success: the reader has a signal outstanding.
     */
    public long signal() {
        long result = syscalls.write(fd.value(), ONE.address(), COUNTER_BYTES);
        return result >= 0 || result == -Errno.EAGAIN ? 0 : result;
    }

    /**
     * Reads and clears the counter, waiting for a signal unless the eventfd is non-blocking.
     * Returns the signals since the last time, or -errno: -EAGAIN when there are none.
     */
    public long drain() {
        long result = syscalls.read(fd.value(), counter.address(), COUNTER_BYTES);
        return result < 0 ? result : counter.get(ValueLayout.JAVA_LONG, 0);
    }

    @Override
    public void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return "eventfd " + fd;
    }
}
