package io.porthole.sandbox.orchestrator.hypervisor.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A QEMU that only has a monitor: one session, greeting, scripted answers, events on demand. */
final class FakeQmp implements AutoCloseable {
    static final String GREETING =
            "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7},"
                    + " \"package\": \"\"}, \"capabilities\": [\"oob\"]}}";
    private static final ObjectMapper JSON = new ObjectMapper();

    final List<String> commands = new CopyOnWriteArrayList<>();
    private final ServerSocketChannel server;
    private volatile @Nullable SocketChannel session;

    /**
     * @param answers the command's name to what follows its id in the answer, or null to keep
     *     silent
     */
    FakeQmp(Path socket, String greeting, Function<String, @Nullable String> answers)
            throws IOException {
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        Thread.ofVirtual().start(() -> serve(greeting, answers));
    }

    private void serve(String greeting, Function<String, @Nullable String> answers) {
        try (SocketChannel accepted = server.accept()) {
            session = accepted;
            send(greeting);
            BufferedReader in =
                    new BufferedReader(Channels.newReader(accepted, StandardCharsets.UTF_8));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                JsonNode request = JSON.readTree(line);
                String command = request.path("execute").asText();
                commands.add(command);
                String answer =
                        command.equals("qmp_capabilities")
                                ? "\"return\": {}"
                                : answers.apply(command);
                if (answer != null) {
                    send("{" + answer + ", \"id\": " + request.path("id") + "}");
                }
            }
        } catch (IOException e) {
            // The client or the test has gone.
        }
    }

    void send(String line) throws IOException {
        SocketChannel to = session;
        if (to == null) {
            throw new IOException("nobody is connected");
        }
        OutputStream out = Channels.newOutputStream(to);
        out.write((line + "\r\n").getBytes(StandardCharsets.UTF_8));
    }

    void hangUp() throws IOException {
        SocketChannel to = session;
        if (to != null) {
            to.close();
        }
    }

    @Override
    public void close() throws IOException {
        hangUp();
        server.close();
    }
}
