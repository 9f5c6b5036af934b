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

/** A QMP connection, as far as tests need one: one command after the other. */
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
        send(command, "{\"execute\":\"" + command + "\"}");
    }

    /** Runs a command with one argument. */
    String command(String command, String name, String value) throws IOException {
        return send(
                command,
                "{\"execute\":\""
                        + command
                        + "\",\"arguments\":{\""
                        + name
                        + "\":\""
                        + value
                        + "\"}}");
    }

    /** Runs a command of the human monitor, as {@code info registers}; what it prints. */
    String monitor(String command) throws IOException {
        String answer = command("human-monitor-command", "command-line", command);
        return answer.replaceFirst("^\\{\"return\": *\"", "")
                .replaceFirst("\"}$", "")
                .replace("\\r", "")
                .replace("\\n", "\n");
    }

    private String send(String command, String json) throws IOException {
        out.write((json + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
        while (true) {
            String line = in.readLine();
            if (line == null) {
                throw new AssertionError("QEMU ended at " + command);
            }
            if (line.startsWith("{\"return\"")) {
                return line;
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
