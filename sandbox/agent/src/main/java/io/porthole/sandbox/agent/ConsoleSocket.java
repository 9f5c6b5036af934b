package io.porthole.sandbox.agent;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The unix socket on which crun hands over a terminal's master side (SCM_RIGHTS, unix(7)). */
final class ConsoleSocket implements AutoCloseable {
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM_CLOEXEC = 1 | Libc.O_CLOEXEC;
    private static final int SOCKADDR_BYTES = 110;
    private static final int SCM_RIGHTS = 1;
    private static final int SOL_SOCKET = 1;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int CONTROL_BYTES = 64;
    private static final int WAIT_MILLIS = 20_000;
    private static final long TIOCSWINSZ = 0x5414;

    private final Path path;
    private final int listener;

    ConsoleSocket(Path path) throws IOException {
        this.path = path;
        listener = checked("socket", Libc.callInt("socket", AF_UNIX, SOCK_STREAM_CLOEXEC, 0));
        try (Arena arena = Arena.ofConfined()) {
            byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
            MemorySegment address = arena.allocate(SOCKADDR_BYTES, 8);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
            MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
            checked("bind", Libc.callInt("bind", listener, address.address(), SOCKADDR_BYTES));
            checked("listen", Libc.callInt("listen", listener, 1));
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    Path path() {
        return path;
    }

    /** Waits for the terminal. The caller owns it. */
    int receive() throws IOException {
        if (Libc.poll(listener, Libc.POLLIN, WAIT_MILLIS) <= 0) {
            throw new IOException("crun handed over no terminal");
        }
        int connection = checked("accept", Libc.callInt("accept4", listener, 0, 0, Libc.O_CLOEXEC));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(256, 8);
            MemorySegment iovec = arena.allocate(16, 8);
            iovec.set(ValueLayout.JAVA_LONG, 0, data.address());
            iovec.set(ValueLayout.JAVA_LONG, 8, data.byteSize());
            MemorySegment control = arena.allocate(CONTROL_BYTES, 8);
            // struct msghdr: name, namelen, iov, iovlen, control, controllen, flags
            MemorySegment message = arena.allocate(56, 8);
            message.set(ValueLayout.JAVA_LONG, 16, iovec.address());
            message.set(ValueLayout.JAVA_LONG, 24, 1);
            message.set(ValueLayout.JAVA_LONG, 32, control.address());
            message.set(ValueLayout.JAVA_LONG, 40, CONTROL_BYTES);
            checked(
                    "recvmsg",
                    Libc.callInt("recvmsg", connection, message.address(), MSG_CMSG_CLOEXEC));
            // struct cmsghdr: len, level, type, then the descriptor
            if (control.get(ValueLayout.JAVA_INT, 8) != SOL_SOCKET
                    || control.get(ValueLayout.JAVA_INT, 12) != SCM_RIGHTS
                    || control.get(ValueLayout.JAVA_LONG, 0) != 20) {
                throw new IOException("crun sent no terminal on its console socket");
            }
            return control.get(ValueLayout.JAVA_INT, 16);
        } finally {
            var _ = Libc.close(connection);
        }
    }

    /** Sets a terminal's size in character cells (ioctl_tty(2)). */
    static int resize(int terminal, int rows, int columns) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(8, 2);
            size.set(ValueLayout.JAVA_SHORT, 0, (short) rows);
            size.set(ValueLayout.JAVA_SHORT, 2, (short) columns);
            return Libc.callInt("ioctl", terminal, TIOCSWINSZ, size.address());
        }
    }

    private static int checked(String what, int result) throws IOException {
        if (result < 0) {
            throw new IOException("console socket: " + what + ": " + Libc.describe(-result));
        }
        return result;
    }

    @Override
    public void close() throws IOException {
        var _ = Libc.close(listener);
        Files.deleteIfExists(path);
    }
}
