package io.porthole.virtiofsd;

import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.linux.UnixListener;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.cli.UsageException;
import io.porthole.virtiofsd.metrics.MetricsPage;
import io.porthole.virtiofsd.metrics.ShareView;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where metrics are to be had: opened before the jail, served by a thread of its own afterwards. A
 * port is taken on a loopback address only: there is neither a password nor encryption.
 */
final class MetricsEndpoint implements AutoCloseable {
    private final Fd listener;
    private final @Nullable Endpoint files;

    private MetricsEndpoint(Fd listener, @Nullable Endpoint files) {
        this.listener = listener;
        this.files = files;
    }

    /** Opens what {@code --metrics} asks for; null where it does not. */
    static @Nullable MetricsEndpoint open(Syscalls sys, Options options)
            throws SyscallException, UsageException {
        try (HostNetwork host = HostNetwork.inherited(sys, options.sandbox())) {
            String address = options.metrics();
            if (address == null) {
                return null;
            }
            // What lies in files must be loaded while they can be seen.
            MetricsPage.prime();
            if (address.startsWith("unix:")) {
                String path = address.substring("unix:".length());
                Endpoint endpoint = Endpoint.bind(sys, path, options.socketGroup(), sys.getpid());
                return new MetricsEndpoint(endpoint.takeListener(), endpoint);
            }
            int colon = address.lastIndexOf(':');
            int ip = colon < 0 ? 0 : loopback(address.substring(0, colon));
            int port = colon < 0 ? 0 : port(address.substring(colon + 1));
            if (ip == 0 || port == 0) {
                throw new UsageException(
                        "--metrics takes unix:PATH or 127.0.0.1:PORT, not '" + address + "'");
            }
            return new MetricsEndpoint(LoopbackListener.open(sys, ip, port, host.fd()), null);
        }
    }

    /** The address as a number; 0 if it is none that only this machine reaches. */
    private static int loopback(String text) {
        if (text.equals("localhost")) {
            return 0x7f000001;
        }
        String[] parts = text.split("\\.", -1);
        int ip = 0;
        for (String part : parts) {
            if (!part.matches("[0-9]{1,3}") || Integer.parseInt(part) > 255) {
                return 0;
            }
            ip = ip << 8 | Integer.parseInt(part);
        }
        return parts.length == 4 && ip >>> 24 == 127 ? ip : 0;
    }

    private static int port(String text) {
        int port = text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
        return port < 65536 ? port : 0;
    }

    /** Begins to answer, for as long as the process lives. */
    void start(Supplier<List<ShareView>> shares, String version) {
        MetricsServer server =
                new MetricsServer(UnixListener.adopt(listener), new MetricsPage(shares, version));
        Thread thread = new Thread(server, "metrics");
        thread.setDaemon(true);
        thread.start();
    }

    /** Removes the socket's files. */
    @Override
    public void close() {
        if (files != null) {
            files.close();
        }
    }

    /** The network namespace that the launcher came from, which it left open as a descriptor. */
    private record HostNetwork(@Nullable Fd fd) implements AutoCloseable {
        static HostNetwork inherited(Syscalls sys, Options.Sandbox sandbox) {
            String number = System.getenv("PORTHOLE_HOST_NET");
            if (number == null || sandbox != Options.Sandbox.NAMESPACE) {
                return new HostNetwork(null);
            }
            int fd = Integer.parseInt(number);
            return sys.fcntl(fd, Fcntl.F_GETFD, 0) < 0
                    ? new HostNetwork(null)
                    : new HostNetwork(Fd.adopt(sys, fd));
        }

        @Override
        public void close() {
            if (fd != null) {
                fd.close();
            }
        }
    }
}
