package io.porthole.virtiofsd.guest;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Finds out where everybody stands when a guest does not answer: the guest's processor, its blocked
 * tasks (SysRq by its console), the threads of QEMU and of the daemons. What cannot be had says
 * why; nothing is thrown.
 */
final class Autopsy {
    /** For the kernel to print some stacks, slowly, on an emulated serial line. */
    private static final long PRINTING_MILLIS = 4_000;

    private static final int CONSOLE_LINES = 150;

    private Autopsy() {}

    /** The socket of the guest's console. */
    static Path console(Path folder) {
        return folder.resolve("console.sock");
    }

    /** The QMP socket kept for this; tests that steer QEMU have one of their own. */
    static Path monitor(Path folder) {
        return folder.resolve("autopsy.sock");
    }

    /** Looks at QEMU and at the processes that serve it. */
    static String of(Path folder, long qemu, List<Long> daemons) {
        StringBuilder text = new StringBuilder("\n--- Where everybody is:");
        threads(text, "QEMU", qemu);
        for (long pid : daemons) {
            threads(text, "virtiofsd", pid);
        }
        try (Qmp qmp = new Qmp(monitor(folder))) {
            text.append("\n").append(qmp.monitor("info status"));
            for (int i = 0; i < 3; i++) {
                qmp.monitor("info registers -a")
                        .lines()
                        .filter(line -> line.startsWith("CPU#") || line.contains("RIP="))
                        .forEach(line -> text.append("\n    ").append(line));
                Thread.sleep(20);
            }
            askTheKernel(folder, qmp);
        } catch (IOException e) {
            text.append("\nQEMU's monitor: ").append(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return text
                + Processes.tail(
                        "the guest's console", folder.resolve("console.log"), CONSOLE_LINES);
    }

    private static void askTheKernel(Path folder, Qmp qmp)
            throws IOException, InterruptedException {
        try (SocketChannel console = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            console.connect(UnixDomainSocketAddress.of(console(folder)));
            // 8: shows what "quiet" hides.
            for (byte key : new byte[] {'8', 'w', 'l'}) {
                qmp.command("chardev-send-break", "id", "console");
                Thread.sleep(100);
                console.write(ByteBuffer.wrap(new byte[] {key}));
                // What it prints is in the log; but unread it would hold the guest up.
                console.configureBlocking(false);
                ByteBuffer unread = ByteBuffer.allocate(1 << 16);
                long end = System.nanoTime() + PRINTING_MILLIS * 1_000_000;
                while (System.nanoTime() < end) {
                    console.read(unread.clear());
                    Thread.sleep(5);
                }
                console.configureBlocking(true);
            }
        }
    }

    private static void threads(StringBuilder text, String name, long pid) {
        text.append("\n").append(name).append(", process ").append(pid);
        try (Stream<Path> tasks = Files.list(Path.of("/proc/" + pid + "/task"))) {
            for (Path task : tasks.toList()) {
                text.append("\n    ")
                        .append(read(task.resolve("comm")))
                        .append(": system call ")
                        .append(read(task.resolve("syscall")).replaceFirst(" .*", ""))
                        .append(", ")
                        .append(read(task.resolve("wchan")));
            }
        } catch (IOException e) {
            text.append(": ").append(e);
        }
    }

    private static String read(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            return e.toString();
        }
    }
}
