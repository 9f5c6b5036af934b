package io.porthole.sandbox.orchestrator.state;

import io.porthole.sandbox.orchestrator.process.ProcessId;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One sandbox's directory below the state root. */
public record SandboxDirectory(Path path) {
    public String id() {
        return path.getFileName().toString();
    }

    public Path containers() {
        return path.resolve("containers");
    }

    public Path container(String id) {
        return containers().resolve(id);
    }

    /** The log of a container's output. */
    public Path containerLog(String id) {
        return container(id).resolve("output.log");
    }

    /** What virtiofsd shows to the guest. */
    public Path shared() {
        return path.resolve("shared");
    }

    /** What the second virtiofsd shows, where the sandbox has a window: volumes with DAX. */
    public Path daxShared() {
        return path.resolve("dax");
    }

    public Path monitorSocket() {
        return path.resolve("monitor.sock");
    }

    public Path monitorLog() {
        return path.resolve("monitor.log");
    }

    public Path agentSocket() {
        return path.resolve("agent.sock");
    }

    public Path fileSystemSocket() {
        return path.resolve("virtiofsd.sock");
    }

    public Path daxSocket() {
        return path.resolve("dax.sock");
    }

    /** What the virtual machine and its file system daemons listen on, with their pid files. */
    public List<Path> socketsOfTheMachine() {
        return List.of(
                agentSocket(),
                path.resolve("qmp.sock"),
                fileSystemSocket(),
                path.resolve("virtiofsd.sock.pid"),
                daxSocket(),
                path.resolve("dax.sock.pid"));
    }

    public Path networkSocket() {
        return path.resolve("passt.sock");
    }

    public Path consoleLog() {
        return path.resolve("console.log");
    }

    /** A copy of the configuration with which the sandbox was made. */
    public Path config() {
        return path.resolve("config.toml");
    }

    private Path stateFile() {
        return path.resolve("sandbox.json");
    }

    public boolean exists() {
        return Files.isDirectory(path);
    }

    public SandboxState read() throws IOException {
        try {
            return Json.readFile(stateFile(), SandboxState.class);
        } catch (NoSuchFileException e) {
            throw new StateException("there is no sandbox called " + id());
        }
    }

    public void write(SandboxState state) throws IOException {
        Json.writeFile(stateFile(), state);
    }

    public Optional<ContainerState> readContainer(String id) throws IOException {
        try {
            return Optional.of(
                    Json.readFile(container(id).resolve("container.json"), ContainerState.class));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    public void writeContainer(ContainerState state) throws IOException {
        Path directory = container(state.spec().id());
        Files.createDirectories(directory);
        Json.writeFile(directory.resolve("container.json"), state);
    }

    public List<ContainerState> readContainers() throws IOException {
        List<ContainerState> all = new ArrayList<>();
        for (Path p : StateStore.list(containers())) {
            readContainer(p.getFileName().toString()).ifPresent(all::add);
        }
        return all;
    }

    /** The monitor's process, when it is alive. */
    public Optional<ProcessId> monitor() throws IOException {
        return Optional.ofNullable(read().processes().get("monitor")).filter(ProcessId::alive);
    }

    /**
     * Takes the sandbox's lock, which its monitor holds while it lives; empty when it is held. The
     * lock ends with the returned channel or with the process.
     */
    public Optional<FileChannel> tryLock() throws IOException {
        FileChannel channel =
                FileChannel.open(
                        path.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return Optional.of(channel);
            }
        } catch (OverlappingFileLockException e) {
            // Held by another part of this process.
        }
        channel.close();
        return Optional.empty();
    }
}
