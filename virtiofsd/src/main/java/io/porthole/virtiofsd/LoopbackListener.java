package io.porthole.virtiofsd;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.Sched;
import io.porthole.linux.SockaddrIn;
import io.porthole.linux.Sockets;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * A TCP socket on a loopback address of the host. The launcher has given the daemon a network
 * namespace without any network, and left the host's open for this.
 */
final class LoopbackListener {
    private static final int BACKLOG = 16;

    private LoopbackListener() {}

    /**
     * Binds and listens.
     *
     * @param address as 0x7f000001
     * @param hostNetwork descriptor of the host's network namespace, or null to stay in this one
     */
    static Fd open(Syscalls sys, int address, int port, @Nullable Fd hostNetwork)
            throws SyscallException {
        if (hostNetwork == null) {
            return listen(sys, address, port);
        }
        try (Arena arena = Arena.ofConfined();
                Fd own = ownNetwork(sys, arena)) {
            long moved = sys.setns(hostNetwork.value(), Sched.CLONE_NEWNET);
            if (moved == -Errno.EPERM) {
                throw new SyscallException(
                        "a port for metrics needs root where there is a sandbox (use unix:PATH);"
                                + " setns",
                        null,
                        Errno.EPERM);
            }
            SyscallException.check(moved, "setns", "the host's network");
            try {
                return listen(sys, address, port);
            } finally {
                SyscallException.check(
                        sys.setns(own.value(), Sched.CLONE_NEWNET), "setns", "the own network");
            }
        }
    }

    private static Fd ownNetwork(Syscalls sys, Arena arena) throws SyscallException {
        long path = NativeStrings.of(arena, "/proc/thread-self/ns/net").address();
        long fd = sys.openat(Fcntl.AT_FDCWD, path, Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
        return Fd.adopt(sys, (int) SyscallException.check(fd, "open", "the own network namespace"));
    }

    private static Fd listen(Syscalls sys, int address, int port) throws SyscallException {
        int type = Sockets.SOCK_STREAM | Sockets.SOCK_CLOEXEC;
        long number = sys.socket(Sockets.AF_INET, type, 0);
        SyscallException.check(number, "socket", null);
        Fd socket = Fd.adopt(sys, (int) number);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_INT, 1);
            sys.setsockopt(
                    socket.value(),
                    Sockets.SOL_SOCKET,
                    Sockets.SO_REUSEADDR,
                    one.address(),
                    Integer.BYTES);
            MemorySegment name = SockaddrIn.of(arena, address, port);
            SyscallException.check(
                    sys.bind(socket.value(), name.address(), (int) SockaddrIn.BYTES),
                    "bind to port",
                    port);
            SyscallException.check(sys.listen(socket.value(), BACKLOG), "listen at port", port);
            return socket;
        } catch (SyscallException e) {
            socket.close();
            throw e;
        }
    }
}
