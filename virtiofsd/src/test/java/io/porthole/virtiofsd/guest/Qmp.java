package io.porthole.virtiofsd.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A QMP connection, as far as tests need one: commands without arguments, one after the other. */
final class Qmp implements AutoCloseable {
    private final SocketChannel socket;
    private final BufferedReader in;
    private final OutputStream out;

    Qmp(Path path) throws IOException {
        socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        socket.connect(UnixDomainSocketAddress.of(path));
        in =
                new BufferedReader(
                        new InputStreamReader(
                                Channels.newInputStream(socket), StandardCharsets.UTF_8));
        out = Channels.newOutputStream(socket);
        in.readLine();
        execute("qmp_capabilities");
    }

    /** Runs a command; an error of QEMU fails the test. */
    void execute(String command) throws IOException {
        out.write(("{\"execute\":\"" + command + "\"}\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
        while (true) {
            String line = in.readLine();
            if (line == null) {
                throw new AssertionError("QEMU ended at " + command);
            }
            if (line.startsWith("{\"return\"")) {
                return;
            }
            if (line.startsWith("{\"error\"")) {
                throw new AssertionError(command + ": " + line);
            }
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
