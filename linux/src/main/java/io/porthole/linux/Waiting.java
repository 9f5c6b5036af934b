package io.porthole.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;

/** Waiting for one descriptor, on the control plane. */
final class Waiting {
    private Waiting() {}

    /** True when {@code fd} is readable or at its end; false after the time. -1 waits for ever. */
    static boolean readable(Syscalls syscalls, Fd fd, int timeoutMillis) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = arena.allocate(PollFd.LAYOUT);
            long start = System.nanoTime();
            int left = timeoutMillis;
            while (true) {
                PollFd.set(entry, 0, fd.value(), PollFd.POLLIN);
                long result = syscalls.poll(entry.address(), 1, left);
                if (result != -Errno.EINTR) {
                    return SyscallException.check(result, "poll of", fd) > 0;
                }
                if (timeoutMillis >= 0) {
                    long gone = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
                    left = (int) Math.max(0, timeoutMillis - gone);
                }
            }
        }
    }
}
