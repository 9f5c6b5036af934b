package io.porthole.sandbox.orchestrator.cli;

import io.porthole.sandbox.orchestrator.monitor.MonitorClient;
import io.porthole.sandbox.orchestrator.monitor.Request;
import io.porthole.sandbox.orchestrator.sandbox.Removal;
import io.porthole.sandbox.orchestrator.sandbox.SandboxException;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxSpec;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import io.porthole.sandbox.orchestrator.state.StateStore;
import java.io.File;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Brings sandboxes up: makes the directory, starts the monitor, waits until the guest is ready. */
final class Launcher {
    private static final long MONITOR_PATIENCE_NANOS = 20_000_000_000L;

    private final Context context;
    private final StateStore store;

    Launcher(Context context) throws IOException {
        this.context = context;
        this.store = context.store();
    }

    static String randomName() {
        byte[] random = new byte[4];
        ThreadLocalRandom.current().nextBytes(random);
        return "box-" + HexFormat.of().formatHex(random);
    }

    /** A new sandbox, booted; on failure nothing is left of it. */
    SandboxDirectory create(SandboxSpec spec, Consumer<String> progress)
            throws IOException, SandboxException, InterruptedException {
        SandboxDirectory directory = store.createSandbox(spec);
        try {
            boot(directory, progress);
            return directory;
        } catch (IOException | SandboxException | InterruptedException | RuntimeException e) {
            discard(directory, e);
            throw e;
        }
    }

    /** Removes a sandbox that failed; what cannot be removed is added to the failure. */
    void discard(SandboxDirectory directory, Throwable failure) throws InterruptedException {
        try {
            if (directory.exists()) {
                if (directory.read().status() == SandboxState.Status.RUNNING
                        && directory.monitor().isPresent()) {
                    new MonitorClient(directory).call(new Request.ShutDown());
                }
                RunCommand.awaitRemovalOrEnd(directory);
                if (directory.exists()) {
                    Removal.sandbox(store, directory);
                }
            }
        } catch (IOException | SandboxException e) {
            failure.addSuppressed(e);
        }
    }

    /** Boots a sandbox that has ended once more. */
    void restart(SandboxDirectory directory, Consumer<String> progress)
            throws IOException, SandboxException, InterruptedException {
        Removal.reap(directory);
        directory.write(SandboxState.starting(directory.read().spec()));
        boot(directory, progress);
    }

    private void boot(SandboxDirectory directory, Consumer<String> progress)
            throws IOException, SandboxException, InterruptedException {
        progress.accept("starting the monitor");
        // A session of its own: the terminal's signals are not for it.
        List<String> words = new ArrayList<>(List.of("setsid"));
        words.addAll(Context.launcher());
        Path config = context.configFile();
        if (config != null) {
            words.addAll(List.of("--config", config.toAbsolutePath().toString()));
        }
        words.addAll(List.of("monitor", directory.id()));
        File log = directory.monitorLog().toFile();
        Process monitor =
                new ProcessBuilder(words)
                        .redirectInput(new File("/dev/null"))
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
                        .start();
        long start = System.nanoTime();
        while (!answers(directory.monitorSocket())) {
            if (!monitor.isAlive()) {
                throw monitorFailed(directory, "the sandbox's monitor ended");
            }
            if (System.nanoTime() - start > MONITOR_PATIENCE_NANOS) {
                monitor.destroyForcibly();
                throw monitorFailed(directory, "the sandbox's monitor does not answer");
            }
            Thread.sleep(3);
        }
        new MonitorClient(directory).call(new Request.Ready(), progress);
    }

    private static boolean answers(Path socket) {
        if (!Files.exists(socket)) {
            return false;
        }
        try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return probe.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private static SandboxException monitorFailed(SandboxDirectory directory, String what) {
        String last = "";
        try {
            List<String> lines = Files.readAllLines(directory.monitorLog());
            last = lines.isEmpty() ? "" : ": " + lines.getLast();
        } catch (IOException e) {
            last = ": " + e.getMessage();
        }
        return new SandboxException(what + last);
    }

    /** The directory of a running sandbox that a user named. */
    SandboxDirectory running(@Nullable String name) throws IOException, SandboxException {
        SandboxDirectory directory = store.sandbox(String.valueOf(name));
        SandboxState state = BaseCommand.current(directory.read());
        if (state.status() != SandboxState.Status.RUNNING) {
            throw new SandboxException("the sandbox " + name + " is not running");
        }
        return directory;
    }
}
