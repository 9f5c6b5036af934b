package io.porthole.vhostuser;

import io.porthole.linux.Errno;
import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Waits for kicks with one system call each, whether the eventfd blocks or not (QEMU's do not, and
 * the flag is not ours to change: it is the open file's, which both ends share).
 *
 * <p>The eventfd is watched edge-triggered: each write to it is an event, however high its counter,
 * so it need never be read. The counter would be full after 2^64 kicks.
 */
final class KickWaiter implements AutoCloseable {
    /** For {@link #await}: without a limit. */
    static final int FOR_EVER = -1;

    static final int KICKED = 1;
    static final int NO_KICK = 0;
    static final int IMPOSSIBLE = -1;

    // sys/epoll.h
    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLLIN = 1;
    private static final int EPOLLET = 1 << 31;

    /** struct epoll_event: packed on x86-64 only; 16 bytes are enough for both. */
    private static final long EVENT_BYTES = 16;

    private final Syscalls syscalls;
    private final Fd epoll;
    private final MemorySegment event = Arena.ofAuto().allocate(EVENT_BYTES, 8);

    /**
     * @param kick stays the caller's
     * @throws SyscallException if the descriptor is of a kind that cannot be waited for
     */
    KickWaiter(Syscalls syscalls, Fd kick) throws SyscallException {
        this.syscalls = syscalls;
        long number = syscalls.epollCreate1(EPOLL_CLOEXEC);
        epoll = Fd.adopt(syscalls, (int) SyscallException.check(number, "epoll_create1", null));
        event.set(ValueLayout.JAVA_INT, 0, EPOLLIN | EPOLLET);
        long r = syscalls.epollCtl(epoll.value(), EPOLL_CTL_ADD, kick.value(), event.address());
        if (r < 0) {
            close();
            throw new SyscallException("wait for kicks on", kick, (int) -r);
        }
    }

    /**
     * Waits for a kick that no earlier call has reported.
     *
     * @param millis how long at most; {@link #FOR_EVER}
     * @return {@link #KICKED} (or interrupted by a signal), {@link #NO_KICK} after {@code millis},
     *     {@link #IMPOSSIBLE}
     */
    int await(int millis) {
        long r = syscalls.epollWait(epoll.value(), event.address(), 1, millis);
        if (r == 0) {
            return NO_KICK;
        }
        return r > 0 || r == -Errno.EINTR ? KICKED : IMPOSSIBLE;
    }

    @Override
    public void close() {
        epoll.close();
    }
}
