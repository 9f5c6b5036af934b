package io.porthole.sandbox.orchestrator.share;

import io.porthole.linux.Syscalls;
import io.porthole.sandbox.orchestrator.host.Mounts;
import io.porthole.sandbox.orchestrator.host.RootedDirectory;
import io.porthole.sandbox.orchestrator.host.Trees;
import io.porthole.sandbox.orchestrator.state.ContainerSpec;
import io.porthole.sandbox.orchestrator.state.SandboxDirectory;
import io.porthole.sandbox.orchestrator.state.Volume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Makes and takes away the mounts below a sandbox's shared directory. */
public final class ShareTree {
    /** Where the guest mounts the shared directory; Kata's place, so that its agent fits. */
    public static final String GUEST_ROOT = "/run/kata-containers/shared/containers/";

    /** Where it mounts the share that has a window. */
    public static final String GUEST_DAX = "/run/kata-containers/shared/dax/";

    private static final List<String> ALWAYS = List.of("proc", "sys", "dev");

    private final SandboxDirectory directory;
    private final Mounts mounts = new Mounts(Syscalls.host());

    public ShareTree(SandboxDirectory directory) {
        this.directory = directory;
    }

    /**
     * A path of the guest to be shown in a container.
     *
     * @param guestSource absolute path in the guest
     * @param target absolute path in the container
     */
    public record GuestMount(String guestSource, String target, boolean readOnly) {}

    /**
     * A container's mounts, made.
     *
     * @param rootfs the container's root in the guest
     * @param merged the same on the host, not yet seen by the guest
     */
    public record Prepared(String rootfs, Path merged, List<GuestMount> mounts) {}

    /**
     * Makes the shared directory a mount that passes later submounts on to the daemon.
     *
     * @param dax and a second one for volumes with DAX
     */
    public void open(boolean dax) throws IOException {
        Files.createDirectories(directory.shared());
        mounts.makeShared(directory.shared());
        if (dax) {
            Files.createDirectories(directory.daxShared());
            mounts.makeShared(directory.daxShared());
        }
    }

    /**
     * Mounts a container's root and volumes.
     *
     * @param data for the writable layer; kept
     * @param files generated files: absolute path in the container, content
     */
    public Prepared add(ContainerSpec spec, Path data, Map<String, String> files)
            throws IOException {
        Path merged = directory.container(spec.id()).resolve("merged");
        Path upper = data.resolve("upper");
        Path work = data.resolve("work");
        for (Path p : List.of(merged, work)) {
            Files.createDirectories(p);
        }
        if (!Files.isDirectory(upper)) {
            Files.createDirectories(data);
            Files.createDirectory(
                    upper,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwxr-xr-x")));
            Files.setPosixFilePermissions(upper, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        mounts.overlay(spec.layers().stream().map(Path::of).toList(), upper, work, merged);

        List<GuestMount> guestMounts = new ArrayList<>();
        try (RootedDirectory root = RootedDirectory.open(merged)) {
            // Before the guest sees it: a read-only root has no place for them later.
            for (String name : ALWAYS) {
                root.makeMountPoint(name, true);
            }
            int number = 0;
            for (Volume volume : spec.volumes()) {
                Path source = Path.of(volume.source());
                boolean isDirectory = Files.isDirectory(source);
                root.makeMountPoint(volume.target(), isDirectory);
                String name = spec.id() + "-" + number++ + "-" + safe(source.getFileName());
                // Roots stay out of it: to map a file it is opened for writing, which makes an
                // overlay copy all of it up.
                boolean dax = volume.dax() && Files.isDirectory(directory.daxShared());
                Path at = (dax ? directory.daxShared() : directory.shared()).resolve(name);
                makeTarget(at, isDirectory);
                mounts.bind(source, at, volume.readOnly());
                guestMounts.add(
                        new GuestMount(
                                (dax ? GUEST_DAX : GUEST_ROOT) + name,
                                volume.target(),
                                volume.readOnly()));
            }
            for (Map.Entry<String, String> file : files.entrySet()) {
                if (spec.volumes().stream().anyMatch(v -> v.target().equals(file.getKey()))) {
                    continue;
                }
                root.makeMountPoint(file.getKey(), false);
                String name = spec.id() + "-" + safe(Path.of(file.getKey()).getFileName());
                Path at = directory.shared().resolve(name);
                Files.writeString(at, file.getValue());
                Files.setPosixFilePermissions(at, PosixFilePermissions.fromString("rw-r--r--"));
                guestMounts.add(new GuestMount(GUEST_ROOT + name, file.getKey(), false));
            }
        }
        Path rootfs = directory.shared().resolve(spec.id()).resolve("rootfs");
        Files.createDirectories(rootfs);
        mounts.bind(merged, rootfs, spec.readOnly());
        return new Prepared(GUEST_ROOT + spec.id() + "/rootfs", merged, guestMounts);
    }

    private static String safe(@org.jspecify.annotations.Nullable Path name) {
        String text = name == null ? "root" : name.toString().replaceAll("[^A-Za-z0-9_.-]", "_");
        return text.substring(0, Math.min(text.length(), 60));
    }

    private static void makeTarget(Path at, boolean isDirectory) throws IOException {
        if (isDirectory) {
            Files.createDirectories(at);
        } else if (!Files.exists(at, LinkOption.NOFOLLOW_LINKS)) {
            Files.createFile(at);
        }
    }

    /** Takes a container's mounts away; fine when there are none. */
    public void remove(String container) throws IOException {
        removeFrom(directory.shared(), container);
        removeFrom(directory.daxShared(), container);
        mounts.unmountBelow(directory.container(container).resolve("merged"));
    }

    private void removeFrom(Path share, String container) throws IOException {
        if (Files.isDirectory(share)) {
            List<Path> mine;
            try (Stream<Path> entries = Files.list(share)) {
                mine =
                        entries.filter(
                                        p -> {
                                            String name = p.getFileName().toString();
                                            return name.equals(container)
                                                    || isVolumeOf(name, container);
                                        })
                                .toList();
            }
            for (Path p : mine) {
                mounts.unmountBelow(p);
                Trees.delete(p);
            }
        }
    }

    /** "web-0-data" belongs to "web", but not to a container called "web-0". */
    private boolean isVolumeOf(String name, String container) {
        if (!name.startsWith(container + "-")) {
            return false;
        }
        try (Stream<Path> others = Files.list(directory.containers())) {
            return others.map(p -> p.getFileName().toString())
                    .noneMatch(o ->
                            o.length() > container.length()
                                    && (name.equals(o) || name.startsWith(o + "-")));
        } catch (IOException e) {
            return false;
        }
    }

    /** Takes all mounts of the sandbox away; fine when there are none. */
    public void close() throws IOException {
        mounts.unmountBelow(directory.path());
    }
}
