package io.porthole.sandbox.orchestrator.sandbox;

import io.porthole.sandbox.orchestrator.config.PortholeConfig;
import io.porthole.sandbox.orchestrator.network.GuestNetwork;
import io.porthole.sandbox.orchestrator.network.NamespaceNetwork;
import io.porthole.sandbox.orchestrator.network.NetworkMode;
import io.porthole.sandbox.orchestrator.network.UserNetwork;
import io.porthole.sandbox.orchestrator.process.Commands;
import io.porthole.sandbox.orchestrator.process.ProcessId;
import io.porthole.sandbox.orchestrator.process.TailBuffer;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens and closes a sandbox's network; what is to be undone is on disk before it is done. */
final class SandboxNetwork implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxNetwork.class);
    private static final long PASST_PATIENCE_MILLIS = 5000;

    private final PortholeConfig config;
    private final SandboxDirectory directory;
    private final SandboxSpec spec;
    private final SandboxJournal journal;
    private @Nullable Process passt;
    private List<List<String>> undo = List.of();

    SandboxNetwork(
            PortholeConfig config,
            SandboxDirectory directory,
            SandboxSpec spec,
            SandboxJournal journal) {
        this.config = config;
        this.directory = directory;
        this.spec = spec;
        this.journal = journal;
    }

    GuestNetwork open() throws IOException, InterruptedException {
        return switch (NetworkMode.parse(spec.network())) {
            case NetworkMode.None() -> GuestNetwork.NONE;
            case NetworkMode.User() ->
                    config.network().userBackend().equals("passt")
                            ? openPasst()
                            : UserNetwork.slirp(spec.id(), spec.forwards());
            case NetworkMode.Namespace(var path) -> {
                NamespaceNetwork namespace = new NamespaceNetwork(path);
                NamespaceNetwork.Plan plan = namespace.plan();
                undo = namespace.undo(plan);
                journal.update(s -> s.withNetworkUndo(undo));
                yield namespace.apply(plan);
            }
        };
    }

    private GuestNetwork openPasst() throws IOException, InterruptedException {
        Files.deleteIfExists(directory.networkSocket());
        Process process =
                new ProcessBuilder(
                                UserNetwork.passtCommand(
                                        config.network().passt(),
                                        directory.networkSocket(),
                                        spec.forwards()))
                        .redirectErrorStream(true)
                        .start();
        passt = process;
        TailBuffer log =
                new TailBuffer(
                        "passt-log",
                        process.getInputStream(),
                        directory.path().resolve("passt.log"));
        ProcessId id =
                ProcessId.of(process.pid())
                        .orElseThrow(() -> new IOException("passt ended at once"));
        journal.update(s -> s.withProcess("passt", id));
        long start = System.nanoTime();
        while (!Files.exists(directory.networkSocket())) {
            if (!process.isAlive()
                    || (System.nanoTime() - start) / 1_000_000 > PASST_PATIENCE_MILLIS) {
                log.awaitEnd(200);
                throw new IOException(
                        "passt did not start: " + String.join(" / ", log.lastLines(3)));
            }
            Thread.sleep(2);
        }
        return UserNetwork.passt(spec.id(), directory.networkSocket());
    }

    @Override
    public void close() {
        Process p = passt;
        if (p != null) {
            p.destroyForcibly();
        }
        undo(undo);
        undo = List.of();
    }

    /** Runs undo commands; one that has nothing to undo fails and is passed over. */
    static void undo(List<List<String>> commands) {
        for (List<String> command : commands) {
            try {
                Commands.run(command);
            } catch (IOException e) {
                LOG.debug("undo: {}", e.getMessage());
            }
        }
    }
}
