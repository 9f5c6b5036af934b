package io.porthole.sandbox.orchestrator.state;

import io.porthole.sandbox.orchestrator.image.ImageStore;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Finds, makes and removes the directories of sandboxes and containers. */
public final class StateStore {
    private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}");
    // sun_path has 108 bytes with its NUL; the longest name below a sandbox is "virtiofsd.sock".
    private static final int MAX_SANDBOX_PATH = 107 - "/virtiofsd.sock.pid".length();

    private final Path stateRoot;
    private final Path dataRoot;

    public StateStore(Path stateRoot, Path dataRoot) {
        this.stateRoot = stateRoot;
        this.dataRoot = dataRoot;
    }

    public Path dataRoot() {
        return dataRoot;
    }

    public Path stateRoot() {
        return stateRoot;
    }

    private Path sandboxes() {
        return stateRoot.resolve("sandboxes");
    }

    private Path names() {
        return stateRoot.resolve("names");
    }

    /** Where a container's writable layer is kept. */
    public Path containerData(String container) {
        return dataRoot.resolve("containers").resolve(container);
    }

    public SandboxDirectory sandbox(String id) {
        return new SandboxDirectory(sandboxes().resolve(id));
    }

    public static void checkName(String name) throws StateException {
        if (!NAME.matcher(name).matches()) {
            throw new StateException(
                    "a name has 1 to 63 letters, digits, '_', '.' or '-', and starts with a letter or"
                            + " digit: "
                            + name);
        }
    }

    /** Makes the directory of a new sandbox; fails when the name is taken. */
    public SandboxDirectory createSandbox(SandboxSpec spec) throws IOException {
        checkName(spec.id());
        ImageStore.makePrivate(sandboxes());
        SandboxDirectory directory = sandbox(spec.id());
        if (directory.path().toString().getBytes(java.nio.charset.StandardCharsets.UTF_8).length
                > MAX_SANDBOX_PATH) {
            throw new StateException(
                    "the path of the sandbox's sockets would be too long: " + directory.path());
        }
        try {
            Files.createDirectory(
                    directory.path(),
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        } catch (FileAlreadyExistsException e) {
            throw new StateException("there is already a sandbox called " + spec.id());
        }
        Files.createDirectory(directory.containers());
        directory.write(SandboxState.starting(spec));
        return directory;
    }

    /** Takes a container's name; fails when it is taken. */
    public void claimName(String container, String sandbox) throws IOException {
        checkName(container);
        ImageStore.makePrivate(names());
        try {
            Files.writeString(names().resolve(container), sandbox, StandardOpenOption.CREATE_NEW);
        } catch (FileAlreadyExistsException e) {
            throw new StateException("there is already a container called " + container);
        }
    }

    public void releaseName(String container) throws IOException {
        Files.deleteIfExists(names().resolve(container));
    }

    /** The sandbox of a container. */
    public Optional<SandboxDirectory> find(String container) throws IOException {
        if (!NAME.matcher(container).matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(sandbox(Files.readString(names().resolve(container))));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    public SandboxDirectory require(String container) throws IOException {
        return find(container)
                .orElseThrow(() -> new StateException("there is no container called " + container));
    }

    public List<SandboxDirectory> all() throws IOException {
        List<SandboxDirectory> found = new ArrayList<>();
        for (Path path : list(sandboxes())) {
            found.add(new SandboxDirectory(path));
        }
        return found;
    }

    /** Names that containers have taken. */
    public List<String> containerNames() throws IOException {
        return list(names()).stream().map(p -> p.getFileName().toString()).toList();
    }

    /** Containers whose writable layer exists. */
    public List<String> containerDataNames() throws IOException {
        return list(dataRoot.resolve("containers")).stream()
                .map(p -> p.getFileName().toString())
                .toList();
    }

    static List<Path> list(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.sorted().toList();
        }
    }
}
