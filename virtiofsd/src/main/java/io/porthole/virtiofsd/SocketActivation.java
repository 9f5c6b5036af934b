package io.porthole.virtiofsd;

import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.cli.UsageException;
import org.jspecify.annotations.Nullable;

/** The listening socket that systemd hands to a service (sd_listen_fds(3)). */
final class SocketActivation {
    /** SD_LISTEN_FDS_START. */
    private static final int FIRST_FD = 3;

    private SocketActivation() {}

    /**
     * Returns the socket's descriptor, or -1 where none was handed over to this very process.
     *
     * @throws UsageException if there is more than one: a share has one socket
     */
    static int listenFd(Syscalls sys) throws UsageException {
        String count = System.getenv("LISTEN_FDS");
        // Without systemd, nothing is looked at but this.
        return count == null ? -1 : listenFd(count, System.getenv("LISTEN_PID"), sys.getpid());
    }

    static int listenFd(String count, @Nullable String forPid, long pid) throws UsageException {
        if (!Long.toString(pid).equals(forPid)) {
            return -1; // Meant for a parent of ours.
        }
        if (!count.equals("1")) {
            throw new UsageException(
                    "LISTEN_FDS=" + count + ": a share takes one socket, give its unit one");
        }
        return FIRST_FD;
    }
}
