package io.porthole.virtiofsd;

import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.linux.UnixListener;
import io.porthole.linux.UnixSocket;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.cli.UsageException;
import io.porthole.virtiofsd.confine.SharedTree;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes orders on a unix socket that only the daemon's user can connect to: one line a connection,
 * {@code list}, {@code remove TAG} or {@code add SPEC}, answered by {@code ok} or {@code error:
 * REASON} on the first line and then the end of the stream.
 *
 * <p>The daemon sits in an empty root and can open neither directory nor socket. So {@code add}
 * comes with four descriptors: the shared directory, the listening socket, the socket's directory
 * and the locked pid file ({@link ControlClient}).
 */
final class ControlServer {
    private static final Logger log = LoggerFactory.getLogger(ControlServer.class);

    static final int MAX_LINE_BYTES = 64 * 1024;

    /** {@link Endpoint#descriptors}, and the directory before them. */
    private static final int ADD_DESCRIPTORS = 4;

    private static final int PATIENCE_MILLIS = 5_000;

    private final Syscalls sys;
    private final Options options;
    private final ManyShares shares;

    ControlServer(Syscalls sys, Options options, ManyShares shares) {
        this.sys = sys;
        this.options = options;
        this.shares = shares;
    }

    /** Serves clients, one at a time, for ever. */
    void serve(UnixListener listener) throws SyscallException {
        while (true) {
            try (UnixSocket client = listener.accept()) {
                client.patience(PATIENCE_MILLIS);
                answer(client);
            } catch (SyscallException e) {
                if (!listener.fd().isOpen()) {
                    throw e;
                }
                log.warn("control connection: {}", e.getMessage());
            }
        }
    }

    private void answer(UnixSocket client) throws SyscallException {
        List<Fd> fds = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(MAX_LINE_BYTES);
            long length = receiveLine(client, buffer, fds);
            String reply;
            try {
                if (length < 0) {
                    throw new UsageException("no line within time and limits");
                }
                byte[] bytes = buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
                reply = "ok\n" + obey(new String(bytes, StandardCharsets.UTF_8), fds);
            } catch (UsageException | IOException e) {
                reply = "error: " + e.getMessage() + "\n";
            } catch (RuntimeException | Error e) {
                log.error("control order failed", e);
                reply = "error: internal error, see the daemon's log\n";
            }
            byte[] text = reply.getBytes(StandardCharsets.UTF_8);
            MemorySegment out = arena.allocate(text.length);
            MemorySegment.copy(text, 0, out, ValueLayout.JAVA_BYTE, 0, text.length);
            client.send(out);
        } finally {
            fds.forEach(Fd::close);
        }
    }

    /** Bytes before the line's end, or -1. */
    private static long receiveLine(UnixSocket client, MemorySegment buffer, List<Fd> fds)
            throws SyscallException {
        long have = 0;
        while (have < buffer.byteSize()) {
            long came = client.recvWithFds(buffer.asSlice(have), fds);
            if (came == 0 || fds.size() > ADD_DESCRIPTORS) {
                return -1;
            }
            have += came;
            if (buffer.get(ValueLayout.JAVA_BYTE, have - 1) == '\n') {
                return have - 1;
            }
        }
        return -1;
    }

    private String obey(String line, List<Fd> fds) throws UsageException, IOException {
        int space = line.indexOf(' ');
        String order = space < 0 ? line : line.substring(0, space);
        String argument = space < 0 ? "" : line.substring(space + 1);
        return switch (order) {
            case "list" -> {
                StringBuilder text = new StringBuilder();
                shares.list().forEach(share -> text.append(share).append('\n'));
                yield text.toString();
            }
            case "remove" -> {
                shares.remove(argument);
                log.info("share {} removed", argument);
                yield "";
            }
            case "add" -> {
                add(argument, fds);
                yield "";
            }
            default -> throw new UsageException("unknown order '" + order + "'");
        };
    }

    private void add(String spec, List<Fd> fds) throws UsageException, IOException {
        Options share = options.share(spec);
        String socket = share.socketPath();
        if (fds.size() != ADD_DESCRIPTORS || socket == null) {
            throw new UsageException("add needs a socket path, and four descriptors");
        }
        Fd root = fds.getFirst();
        if (options.sandbox() == Options.Sandbox.NAMESPACE && !SharedTree.isTop(sys, root)) {
            throw new UsageException(
                    "the directory came with what is above it, which the jail does not let in:"
                            + " run virtiofsd ctl as root");
        }
        List<Fd> taken = List.copyOf(fds);
        Endpoint endpoint = Endpoint.adopt(sys, taken.subList(1, ADD_DESCRIPTORS), socket);
        fds.clear();
        shares.add(share, endpoint, root);
        log.info("share {} added: {}", share.tag(), share.sharedDir());
    }
}
