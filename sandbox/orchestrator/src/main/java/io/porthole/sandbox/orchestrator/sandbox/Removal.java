package io.porthole.sandbox.orchestrator.sandbox;

import io.porthole.sandbox.orchestrator.host.Trees;
import io.porthole.sandbox.orchestrator.process.ProcessId;
import io.porthole.sandbox.orchestrator.share.ShareTree;
import io.porthole.sandbox.orchestrator.state.ContainerState;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.SandboxState;
import io.porthole.sandbox.orchestrator.state.StateException;
import io.porthole.sandbox.orchestrator.state.StateStore;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Takes away what a sandbox has left on the host, whatever state it was left in. */
public final class Removal {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private Removal() {}

    /** The files and the name of one container that is mounted no more. */
    static void containerFiles(StateStore store, SandboxDirectory directory, String id)
            throws IOException {
        Trees.delete(directory.container(id));
        Trees.delete(store.containerData(id));
        store.releaseName(id);
    }

    /** The same for a container of a sandbox whose monitor is gone. */
    public static void container(StateStore store, SandboxDirectory directory, String id)
            throws IOException, InterruptedException {
        try (FileChannel lock = lock(directory)) {
            assert lock.isOpen();
            clear(directory);
            new ShareTree(directory).remove(id);
            containerFiles(store, directory, id);
        }
    }

    /**
     * Ends the processes of a sandbox whose monitor is gone and takes back its mounts and network;
     * its directory stays, and says what happened. Returns what was done.
     */
    public static List<String> reap(SandboxDirectory directory)
            throws IOException, InterruptedException {
        try (FileChannel lock = lock(directory)) {
            assert lock.isOpen();
            return clear(directory);
        }
    }

    private static List<String> clear(SandboxDirectory directory)
            throws IOException, InterruptedException {
        List<String> done = new ArrayList<>();
        if (Files.exists(directory.path().resolve("sandbox.json"), LinkOption.NOFOLLOW_LINKS)) {
            SandboxState state = directory.read();
            for (Map.Entry<String, ProcessId> e : state.processes().entrySet()) {
                ProcessId process = e.getValue();
                if (process.alive() && !process.equals(ProcessId.self())) {
                    process.kill();
                    done.add("killed " + e.getKey() + " (pid " + process.pid() + ")");
                }
            }
            for (ProcessId process : state.processes().values()) {
                if (!process.equals(ProcessId.self()) && !process.awaitEnd(PATIENCE)) {
                    throw new IOException("process " + process.pid() + " does not end");
                }
            }
            SandboxNetwork.undo(state.networkUndo());
            if (!state.status().over()) {
                directory.write(state.failed(deathOfMonitor(state), List.of()));
                for (ContainerState c : directory.readContainers()) {
                    if (c.status() != ContainerState.Status.STOPPED) {
                        directory.writeContainer(
                                c.ended(null, c.oomKilled(), deathOfMonitor(state)));
                    }
                }
            }
        }
        new ShareTree(directory).close();
        for (Path socket : directory.socketsOfTheMachine()) {
            Files.deleteIfExists(socket);
        }
        Files.deleteIfExists(directory.monitorSocket());
        Files.deleteIfExists(directory.networkSocket());
        return done;
    }

    /** One line that names the monitor of a sandbox as what died. */
    public static String deathOfMonitor(SandboxState state) {
        ProcessId monitor = state.processes().get("monitor");
        return "the sandbox's monitor "
                + (monitor == null ? "" : "(pid " + monitor.pid() + ") ")
                + "died";
    }

    /** A whole sandbox whose monitor is gone, with its containers. */
    public static List<String> sandbox(StateStore store, SandboxDirectory directory)
            throws IOException, InterruptedException {
        List<String> done;
        try (FileChannel lock = lock(directory)) {
            assert lock.isOpen();
            done = new ArrayList<>(clear(directory));
            List<String> ids = new ArrayList<>();
            directory.readContainers().forEach(c -> ids.add(c.spec().id()));
            for (String name : store.containerNames()) {
                // A name claimed by a sandbox that never got to write the container down.
                if (!ids.contains(name)
                        && store.find(name)
                                .map(SandboxDirectory::id)
                                .equals(Optional.of(directory.id()))) {
                    ids.add(name);
                }
            }
            for (String id : ids) {
                containerFiles(store, directory, id);
            }
            Trees.delete(directory.path());
            done.add("removed sandbox " + directory.id());
        }
        return done;
    }

    private static FileChannel lock(SandboxDirectory directory)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            Optional<FileChannel> lock = directory.tryLock();
            if (lock.isPresent()) {
                return lock.get();
            }
            if (System.nanoTime() - deadline > 0) {
                throw new StateException("the sandbox " + directory.id() + " is in use");
            }
            Thread.sleep(20);
        }
    }
}
