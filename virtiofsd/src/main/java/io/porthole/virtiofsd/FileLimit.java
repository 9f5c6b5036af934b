package io.porthole.virtiofsd;

import io.porthole.linux.Errno;
import io.porthole.linux.Rlimit64;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The process's limit of open descriptors (RLIMIT_NOFILE). */
final class FileLimit {
    /** What is asked for by default, where the host's fs.nr_open allows. */
    private static final long DEFAULT = 1_000_000;

    private FileLimit() {}

    /**
     * Sets the limit.
     *
     * @param wanted a number, 0 to leave the limit as it is, -1 for the default
     * @return the limit in force
     * @throws SyscallException if a number was asked for and cannot be had
     */
    static long apply(Syscalls sys, long wanted) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limit = arena.allocate(Rlimit64.LAYOUT);
            int resource = Rlimit64.RLIMIT_NOFILE;
            SyscallException.check(
                    sys.prlimit64(0, resource, 0, limit.address()), "read", "RLIMIT_NOFILE");
            long hard = Rlimit64.hard(limit, 0);
            long soft = Rlimit64.soft(limit, 0);
            if (wanted == 0) {
                return soft;
            }
            long target = wanted > 0 ? wanted : DEFAULT;
            if (set(sys, limit, target, target) == 0) {
                return target;
            }
            // Beyond fs.nr_open, or no right to raise the hard limit: then as far as that goes.
            target = Math.min(target, hard);
            long result = set(sys, limit, target, hard);
            if (wanted > 0 && (result < 0 || target < wanted)) {
                throw new SyscallException(
                        "raise the number of open files to " + wanted,
                        "RLIMIT_NOFILE",
                        result < 0 ? (int) -result : Errno.EPERM);
            }
            return result < 0 ? soft : target;
        }
    }

    private static long set(Syscalls sys, MemorySegment limit, long soft, long hard) {
        Rlimit64.soft(limit, 0, soft);
        Rlimit64.hard(limit, 0, hard);
        return sys.prlimit64(0, Rlimit64.RLIMIT_NOFILE, limit.address(), 0);
    }
}
