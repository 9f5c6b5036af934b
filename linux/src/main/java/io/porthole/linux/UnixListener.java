package io.porthole.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * An owned, listening unix stream socket. One that was bound here removes its path when it is
 * closed; an adopted one leaves the path to who made it.
 */
public final class UnixListener implements AutoCloseable {
    private static final int BACKLOG = 16;

    private final Syscalls syscalls;
    private final Fd fd;
    private final @Nullable String path;

    private UnixListener(Syscalls syscalls, Fd fd, @Nullable String path) {
        this.syscalls = syscalls;
        this.fd = fd;
        this.path = path;
    }

    /**
     * Binds and listens at {@code path}, which must not exist: EADDRINUSE otherwise. Permissions
     * follow the umask.
     */
    public static UnixListener bind(String path) throws SyscallException {
        Syscalls syscalls = Syscalls.host();
        Fd fd = UnixSocket.open(syscalls);
        UnixListener listener = new UnixListener(syscalls, fd, path);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = SockaddrUn.of(arena, path);
            long bound = syscalls.bind(fd.value(), address.address(), (int) SockaddrUn.BYTES);
            SyscallException.check(bound, "bind to", path);
        } catch (SyscallException e) {
            fd.close(); // and not the listener: what is at the path is not ours
            throw e;
        }
        try {
            SyscallException.check(syscalls.listen(fd.value(), BACKLOG), "listen at", path);
            return listener;
        } catch (SyscallException e) {
            listener.close();
            throw e;
        }
    }

    /** Takes over a socket that someone else bound and listens on. */
    public static UnixListener adopt(Fd fd) {
        return new UnixListener(Syscalls.host(), fd, null);
    }

    public Fd fd() {
        return fd;
    }

    /** Waits for a connection. After {@link #shutdown} from another thread it throws (EINVAL). */
    public UnixSocket accept() throws SyscallException {
        long number = syscalls.accept4(fd.value(), 0, 0, Sockets.SOCK_CLOEXEC);
        SyscallException.check(number, "accept on", path == null ? fd : path);
        return UnixSocket.adopt(syscalls, Fd.adopt(syscalls, (int) number));
    }

    /** Waits until a connection can be accepted; false when time ran out. -1 waits for ever. */
    public boolean awaitConnection(int timeoutMillis) throws SyscallException {
        return Waiting.readable(syscalls, fd, timeoutMillis);
    }

    /** Makes an accept in another thread return, and refuses connections from now on. */
    public void shutdown() {
        if (fd.isOpen()) {
            syscalls.shutdown(fd.value(), Sockets.SHUT_RDWR);
        }
    }

    @Override
    public void close() {
        if (!fd.isOpen()) {
            return;
        }
        fd.close();
        if (path != null) {
            try (Arena arena = Arena.ofConfined()) {
                syscalls.unlinkat(Fcntl.AT_FDCWD, NativeStrings.of(arena, path).address(), 0);
            }
        }
    }
}
