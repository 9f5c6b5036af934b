package io.porthole.vhostuser;

import io.porthole.linux.Errno;
import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.linux.UnixListener;
import io.porthole.linux.UnixSocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Offers a device on a listening unix socket, to one front-end at a time.
 *
 * <p>{@link #serve} runs the control thread's work on its caller's thread; {@link #close}, from any
 * thread, ends it in an orderly way: queues stopped, memory unmapped, socket path removed.
 */
public final class VhostUserServer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(VhostUserServer.class);

    /** What {@link #serve} does when a front-end has gone. */
    public enum AfterDisconnect {
        /** Return, as daemons do that live as long as their VM. */
        END,
        /** Wait for the next front-end, also after one that broke the protocol. */
        WAIT_FOR_NEXT
    }

    private final VhostUserDevice device;
    private final UnixListener listener;
    private final Syscalls syscalls = Syscalls.host();
    private final Object lock = new Object();
    private long maxSpinNanos = QueueWorker.MAX_SPIN_NANOS;

    // Guarded by lock.
    private @Nullable BackendSession session;
    private boolean closed;
    private boolean serving;

    private VhostUserServer(VhostUserDevice device, UnixListener listener) {
        this.device = device;
        this.listener = listener;
    }

    /**
     * Listens at a path. A socket file that nobody listens to is replaced.
     *
     * @throws SyscallException EADDRINUSE if somebody does, or if the file is something else
     */
    public static VhostUserServer listen(VhostUserDevice device, String socketPath)
            throws SyscallException {
        check(device);
        try {
            return new VhostUserServer(device, UnixListener.bind(socketPath));
        } catch (SyscallException e) {
            if (e.errno() != Errno.EADDRINUSE || !isAbandoned(socketPath)) {
                throw e;
            }
        }
        try {
            Files.delete(Path.of(socketPath));
        } catch (IOException e) {
            throw new SyscallException("bind to", socketPath, Errno.EADDRINUSE);
        }
        return new VhostUserServer(device, UnixListener.bind(socketPath));
    }

    /** Whether the path is a socket that nobody listens to, left behind by a killed process. */
    private static boolean isAbandoned(String socketPath) {
        try {
            UnixSocket.connect(socketPath).close();
            return false;
        } catch (SyscallException e) {
            // A file that is not a socket is refused in the same way: it must not be removed.
            return e.errno() == Errno.ECONNREFUSED && isSocket(Path.of(socketPath));
        }
    }

    private static boolean isSocket(Path path) {
        try {
            // Sockets are what is "other" and answers ECONNREFUSED.
            return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .isOther();
        } catch (IOException e) {
            return false;
        }
    }

    /** Takes over a listening socket from the process that started this one ({@code --fd}). */
    public static VhostUserServer inherit(VhostUserDevice device, Fd listening) {
        check(device);
        return new VhostUserServer(device, UnixListener.adopt(listening));
    }

    private static void check(VhostUserDevice device) {
        int queues = device.queueCount();
        if (queues < 1 || queues > VhostUser.MAX_QUEUES) {
            throw new IllegalArgumentException("a device of " + queues + " queues");
        }
        int config = device.configBytes();
        if (config < 0 || config > VhostUser.MAX_CONFIG_BYTES) {
            throw new IllegalArgumentException("a configuration space of " + config + " bytes");
        }
    }

    /**
     * The longest that a queue's thread looks at an empty ring before it sleeps; 0 for never. To be
     * set before {@link #serve}.
     */
    public VhostUserServer maxSpinNanos(long nanos) {
        maxSpinNanos = nanos;
        return this;
    }

    /**
     * Serves front-ends until the policy or {@link #close} ends it.
     *
     * @throws ProtocolException with {@link AfterDisconnect#END}: the front-end did not just leave
     * @throws IOException the listening socket failed
     */
    public void serve(AfterDisconnect policy) throws ProtocolException, IOException {
        synchronized (lock) {
            if (closed) {
                return;
            }
            serving = true;
        }
        try {
            while (true) {
                UnixSocket socket;
                try {
                    socket = listener.accept();
                } catch (SyscallException e) {
                    if (isClosed()) {
                        return;
                    }
                    if (e.errno() == Errno.ECONNABORTED) {
                        continue;
                    }
                    throw e;
                }
                try {
                    serve(socket);
                } catch (ProtocolException e) {
                    if (isClosed()) {
                        return;
                    }
                    if (policy == AfterDisconnect.END) {
                        throw e;
                    }
                    log.warn("connection ended: {}", e.getMessage());
                }
                if (policy == AfterDisconnect.END || isClosed()) {
                    return;
                }
            }
        } finally {
            synchronized (lock) {
                serving = false;
                lock.notifyAll();
            }
        }
    }

    private void serve(UnixSocket socket) throws ProtocolException {
        BackendSession s =
                new BackendSession(device, syscalls, new MessageChannel(socket), maxSpinNanos);
        try {
            synchronized (lock) {
                if (closed) {
                    return;
                }
                session = s;
            }
            s.serve();
        } finally {
            synchronized (lock) {
                session = null;
            }
            s.end();
        }
    }

    /** Whether a front-end is connected. Any thread. */
    public boolean connected() {
        synchronized (lock) {
            return session != null;
        }
    }

    private boolean isClosed() {
        synchronized (lock) {
            return closed;
        }
    }

    /**
     * Ends {@link #serve}, waits until it has cleaned up, and stops listening. Not to be called
     * from a device's methods.
     */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            listener.shutdown();
            if (session != null) {
                session.close();
            }
            boolean interrupted = false;
            while (serving) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        listener.close();
    }
}
