package io.porthole.virtiofsd.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon as a program: what it says and leaves behind when it is started wrongly, met by a
 * wrong front-end or ended from outside, and how it is confined while it serves.
 */
class CommandLineIT {
    private static final int GET_FEATURES = 1;

    @TempDir Path folder = Path.of("unset");

    private record Ended(int exit, String output) {
        /** One line for the user, without a stack trace. */
        void says(int expectedExit, String sentence) {
            assertEquals(expectedExit, exit, output);
            assertTrue(output.contains(sentence), output);
            assertEquals(1, output.lines().count(), output);
            assertFalse(output.contains("\tat "), output);
        }
    }

    private Path share() throws IOException {
        return Files.createDirectories(folder.resolve("share"));
    }

    private Process start(String... options) throws IOException {
        // A shell's background job, as a test run may be, ignores SIGINT, and so would the daemon.
        List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT,TERM"));
        command.add(Rig.virtiofsd().toString());
        command.addAll(List.of(options));
        return new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
    }

    private static Ended end(Process process) throws IOException, InterruptedException {
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(20, TimeUnit.SECONDS), "still running");
        return new Ended(process.exitValue(), output);
    }

    private Ended run(String... options) throws IOException, InterruptedException {
        return end(start(options));
    }

    private void assertNothingLeft(String... names) throws IOException {
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(
                    Stream.of(names).sorted().toList(),
                    left.map(path -> path.getFileName().toString()).sorted().toList());
        }
    }

    private SocketChannel connect(Process daemon, String socket)
            throws IOException, InterruptedException {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve(socket));
        while (true) {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                channel.connect(address);
                return channel;
            } catch (IOException e) {
                channel.close();
                if (!daemon.isAlive()) {
                    throw new IOException(end(daemon).output(), e);
                }
                Thread.sleep(5);
            }
        }
    }

    private static ByteBuffer message(int request, int flags, int payloadBytes) {
        ByteBuffer message = ByteBuffer.allocate(12 + payloadBytes).order(ByteOrder.LITTLE_ENDIAN);
        return message.putInt(0, request).putInt(4, flags).putInt(8, payloadBytes);
    }

    @Test
    void missingDirectoryIsNamed() throws IOException, InterruptedException {
        run("--shared-dir", folder.resolve("gone").toString(), "--socket-path", "s")
                .says(1, "share directory " + folder.resolve("gone") + ": ENOENT");
        assertNothingLeft();
    }

    @Test
    void fileInPlaceOfADirectoryIsNamed() throws IOException, InterruptedException {
        Path file = Files.createFile(folder.resolve("file"));
        run("--shared-dir", file.toString(), "--socket-path", "s").says(1, "ENOTDIR");
        assertNothingLeft("file");
    }

    @Test
    void unknownOptionIsAUsageError() throws IOException, InterruptedException {
        run("--frobnicate").says(2, "unknown option --frobnicate; see --help");
        run("--shared-dir", "d", "--fd", "77").says(1, "share directory d: ENOENT");
    }

    @Test
    void wrongLockBoardIsNamed() throws IOException, InterruptedException {
        String[] options = {
            "--shared-dir=" + share(), "--socket-path=s.sock", "--posix-lock", "--lock-board=board"
        };
        Files.createSymbolicLink(folder.resolve("board"), folder.resolve("precious"));
        Files.writeString(folder.resolve("precious"), "precious");
        end(start(options)).says(1, "lock board board is a symbolic link, which is not followed");
        Files.delete(folder.resolve("board"));
        options[3] = "--lock-board=share/board";
        end(start(options)).says(2, "lock board share/board is in the shared directory");
        options[2] = "--flock";
        end(start(options)).says(2, "--lock-board needs --posix-lock");
        assertEquals("precious", Files.readString(folder.resolve("precious")));
        assertNothingLeft("precious", "share");
        try (Stream<Path> inShare = Files.list(share())) {
            assertEquals(0, inShare.count());
        }
    }

    @Test
    void descriptorThatDoesNotListenIsRefused() throws IOException, InterruptedException {
        run("--shared-dir", share().toString(), "--fd", "77")
                .says(2, "--fd 77 is not a listening socket: EBADF");
        run("--shared-dir", share().toString(), "--fd", "0")
                .says(2, "--fd 0 is not a listening socket: ENOTSOCK");
    }

    @Test
    void tooLongSocketPathIsNamed() throws IOException, InterruptedException {
        String path = folder.resolve("x".repeat(120)).toString();
        run("--shared-dir", share().toString(), "--socket-path", path).says(1, "ENAMETOOLONG");
        assertNothingLeft("share");
    }

    @Test
    void fileInPlaceOfTheSocketIsLeftAlone() throws IOException, InterruptedException {
        Files.writeString(folder.resolve("s"), "precious");
        run("--shared-dir", share().toString(), "--socket-path", "s").says(2, "is no socket");
        assertEquals("precious", Files.readString(folder.resolve("s")));
        assertNothingLeft("s", "share");
    }

    @Test
    void socketOfAnotherProgramIsLeftAlone() throws IOException, InterruptedException {
        try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            other.bind(UnixDomainSocketAddress.of(folder.resolve("s")));
            run("--shared-dir", share().toString(), "--socket-path", "s").says(2, "is in use");
            assertTrue(Files.exists(folder.resolve("s")));
        }
    }

    @Test
    void socketOfARunningDaemonIsInUseAndAStaleOneIsReplaced()
            throws IOException, InterruptedException {
        String[] options = {"--shared-dir", share().toString(), "--socket-path", "s"};
        Process first = start(options);
        try (SocketChannel channel = connect(first, "s")) {
            run(options).says(2, "is in use by another virtiofsd");
            assertTrue(channel.isConnected());
        }
        assertEquals(0, end(first).exit());
        assertNothingLeft("share");

        Process killed = start(options);
        connect(killed, "s");
        killed.destroyForcibly().waitFor();
        assertTrue(Files.exists(folder.resolve("s")), "a killed daemon leaves its socket");
        Process second = start(options);
        connect(second, "s").close();
        assertEquals(0, end(second).exit());
        assertNothingLeft("share");
    }

    @Test
    void wrongMessageEndsTheConnectionWithOneLine() throws IOException, InterruptedException {
        Process daemon =
                start(
                        "--shared-dir",
                        share().toString(),
                        "--socket-path",
                        "s",
                        "--log-level=error");
        try (SocketChannel channel = connect(daemon, "s")) {
            channel.write(message(GET_FEATURES, 0x7777, 0));
            assertEquals(-1, channel.read(ByteBuffer.allocate(16)), "the daemon hangs up");
        }
        end(daemon).says(1, "not a vhost-user version 1 message");
        assertNothingLeft("share");
    }

    @Test
    void frontEndThatGoesAwayInTheMiddleOfAMessageIsNamed()
            throws IOException, InterruptedException {
        Process daemon =
                start(
                        "--shared-dir",
                        share().toString(),
                        "--socket-path",
                        "s",
                        "--log-level=error");
        try (SocketChannel channel = connect(daemon, "s")) {
            channel.write(message(2, 1, 8).limit(15));
        }
        Ended ended = end(daemon);
        assertEquals(1, ended.exit(), ended.output());
        assertEquals(1, ended.output().lines().count(), ended.output());
        assertNothingLeft("share");
    }

    @Test
    void signalsRemoveTheSocketAndThePidFile() throws IOException, InterruptedException {
        for (String signal : List.of("TERM", "INT")) {
            Process daemon =
                    start(
                            "--shared-dir",
                            share().toString(),
                            "--socket-path",
                            "s",
                            "--log-level=error");
            connect(daemon, "s").close();
            Process again =
                    start(
                            "--shared-dir",
                            share().toString(),
                            "--socket-path",
                            "t",
                            "--log-level=error");
            SocketChannel open = connect(again, "t");
            assertEquals(
                    again.pid(), Long.parseLong(Files.readString(folder.resolve("t.pid")).strip()));
            new ProcessBuilder("kill", "-" + signal, Long.toString(again.pid())).start().waitFor();
            Ended ended = end(again);
            assertEquals(1, ended.exit(), ended.output());
            assertEquals("", ended.output());
            open.close();
            end(daemon);
            assertNothingLeft("share");
        }
    }

    @Test
    void servingDaemonIsConfined() throws IOException, InterruptedException {
        Process daemon = start("--shared-dir", share().toString(), "--socket-path", "s");
        Files.writeString(share().resolve("inside"), "x");
        try (SocketChannel channel = connect(daemon, "s")) {
            channel.write(message(GET_FEATURES, 1, 0));
            ByteBuffer reply = ByteBuffer.allocate(20);
            while (reply.hasRemaining() && channel.read(reply) >= 0) {}
            Path process = Path.of("/proc", Long.toString(daemon.pid()));
            try (Stream<Path> root = Files.list(process.resolve("root"))) {
                assertEquals(
                        List.of("inside"),
                        root.map(path -> path.getFileName().toString()).toList(),
                        "the share is all there is");
            }
            for (String namespace : List.of("mnt", "net", "ipc", "uts")) {
                assertFalse(
                        Files.readSymbolicLink(process.resolve("ns").resolve(namespace))
                                .equals(
                                        Files.readSymbolicLink(
                                                Path.of("/proc/self/ns").resolve(namespace))),
                        namespace);
            }
            String status = Files.readString(process.resolve("status"));
            assertTrue(status.contains("Seccomp:\t2"), status);
            assertTrue(status.contains("NoNewPrivs:\t1"), status);
            try (Stream<Path> threads = Files.list(process.resolve("task"))) {
                for (Path thread : threads.toList()) {
                    String own = Files.readString(thread.resolve("status"));
                    assertTrue(own.contains("Seccomp:\t2"), own);
                }
            }
        }
        assertEquals(0, end(daemon).exit());
    }

    @Test
    void capabilitiesAreTheDocumentedJson() throws IOException, InterruptedException {
        Ended ended = run("--print-capabilities");
        assertEquals(0, ended.exit());
        assertTrue(ended.output().contains("\"type\": \"fs\""), ended.output());
        assertTrue(ended.output().contains("\"separate-options\""), ended.output());
    }

    /** Whatever the JVM is told in lib/virtiofsd.directives, it understands, and keeps quiet. */
    @Test
    void compilersAreDirectedInSilence() throws IOException, InterruptedException {
        String daemon = Rig.virtiofsd().toString();
        Ended silent = run("--version");
        assertEquals(0, silent.exit(), silent.output());
        assertEquals(1, silent.output().lines().count(), silent.output());
        Ended heard =
                shell("PORTHOLE_JAVA_OPTS=-XX:+DisplayVMOutput exec " + daemon + " --version");
        assertTrue(heard.output().startsWith("1 compiler directives added"), heard.output());
        assertEquals(0, heard.exit(), heard.output());
    }

    @Test
    void missingAddressSpaceIsNamed() throws IOException, InterruptedException {
        Ended ended = shell("ulimit -v 600000; exec " + Rig.virtiofsd() + " --version");
        assertEquals(1, ended.exit(), ended.output());
        assertTrue(ended.output().contains("Could not allocate"), ended.output());
    }

    private static Ended shell(String line) throws IOException, InterruptedException {
        return end(new ProcessBuilder("sh", "-c", line).redirectErrorStream(true).start());
    }
}
