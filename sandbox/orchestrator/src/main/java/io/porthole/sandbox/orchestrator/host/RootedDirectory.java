package io.porthole.sandbox.orchestrator.host;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A directory whose content is not trusted: every path is resolved as if it were the root, so that
 * neither "..", an absolute path nor a symbolic link leads out (openat2(2), RESOLVE_IN_ROOT).
 *
 * <p>Control plane only: it allocates. Safe against links that lie there; a party that renames
 * directories at the same time is stopped by the kernel as well.
 */
public final class RootedDirectory implements AutoCloseable {
    private static final int RESOLVE_NO_MAGICLINKS = 0x02;
    private static final int RESOLVE_IN_ROOT = 0x10;
    private static final int HOW_BYTES = 24;
    private static final int MAX_NAME_BYTES = 255;

    private final Syscalls sys;
    private final Path path;
    private final Fd root;

    private RootedDirectory(Syscalls sys, Path path, Fd root) {
        this.sys = sys;
        this.path = path;
        this.root = root;
    }

    public static RootedDirectory open(Path path) throws IOException {
        return open(Syscalls.host(), path);
    }

    static RootedDirectory open(Syscalls sys, Path path) throws IOException {
        return new RootedDirectory(sys, path, openPath(sys, path));
    }

    /** An O_PATH descriptor of a trusted directory. */
    static Fd openPath(Syscalls sys, Path path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            long fd =
                    sys.openat(
                            Fcntl.AT_FDCWD,
                            NativeStrings.of(arena, path.toString()).address(),
                            Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC,
                            0);
            return Fd.adopt(sys, (int) SyscallException.check(fd, "open", path));
        }
    }

    /** Name components of a path below the root; ".." is refused rather than resolved. */
    public static List<String> components(String name) throws IOException {
        List<String> parts = new ArrayList<>();
        for (String part : name.split("/", -1)) {
            if (part.equals("..")) {
                throw new IOException("path leads out of its root: " + name);
            }
            if (part.length() > MAX_NAME_BYTES || part.indexOf('\0') >= 0) {
                throw new IOException("not a file name: " + part.substring(0, 40) + "...");
            }
            if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return parts;
    }

    Syscalls syscalls() {
        return sys;
    }

    /**
     * An O_PATH descriptor of a directory below the root.
     *
     * @param create whether missing directories are made, with mode 0755
     */
    public Fd directory(List<String> components, boolean create) throws IOException {
        long fd = resolve(String.join("/", components), Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0);
        if (fd >= 0) {
            return Fd.adopt(sys, (int) fd);
        }
        if (fd != -Errno.ENOENT || !create || components.isEmpty()) {
            throw new SyscallException("open", name(components), (int) -fd);
        }
        List<String> parents = components.subList(0, components.size() - 1);
        try (Fd parent = directory(parents, true);
                Arena arena = Arena.ofConfined()) {
            long made =
                    sys.mkdirat(
                            parent.value(),
                            NativeStrings.of(arena, components.getLast()).address(),
                            0755);
            // A dangling symbolic link of that name: nothing is made through it.
            SyscallException.check(made, "mkdir", name(components));
        }
        return directory(components, false);
    }

    /** Opens a file below the root, following links inside it; -errno as in openat2. */
    private long resolve(String below, int flags, int mode) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment how = arena.allocate(HOW_BYTES, 8);
            how.set(ValueLayout.JAVA_LONG, 0, (flags | Fcntl.O_CLOEXEC) & 0xffffffffL);
            how.set(ValueLayout.JAVA_LONG, 8, mode);
            how.set(ValueLayout.JAVA_LONG, 16, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
            return sys.openat2(
                    root.value(),
                    NativeStrings.of(arena, below.isEmpty() ? "." : below).address(),
                    how.address(),
                    HOW_BYTES);
        }
    }

    /**
     * The content of a regular file, or empty when there is none.
     *
     * @param maxBytes the file must not be longer
     */
    public Optional<byte[]> read(String below, int maxBytes) throws IOException {
        long number =
                resolve(String.join("/", components(below)), Fcntl.O_RDONLY | Fcntl.O_NONBLOCK, 0);
        if (number == -Errno.ENOENT || number == -Errno.ENOTDIR) {
            return Optional.empty();
        }
        try (Fd fd =
                        Fd.adopt(
                                sys,
                                (int) SyscallException.check(number, "open", path + "/" + below));
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(16 << 10);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            while (true) {
                long n =
                        SyscallException.check(
                                sys.read(fd.value(), buffer.address(), buffer.byteSize()),
                                "read",
                                path + "/" + below);
                if (n == 0) {
                    return Optional.of(out.toByteArray());
                }
                out.write(buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), 0, (int) n);
                if (out.size() > maxBytes) {
                    throw new IOException(
                            path + "/" + below + " is longer than " + maxBytes + " bytes");
                }
            }
        }
    }

    /** Makes sure that a directory, or an empty file, lies at a path, to be mounted over. */
    public void makeMountPoint(String below, boolean directory) throws IOException {
        List<String> components = components(below);
        if (components.isEmpty()) {
            throw new IOException("cannot mount over the root directory");
        }
        if (directory) {
            directory(components, true).close();
            return;
        }
        directory(components.subList(0, components.size() - 1), true).close();
        long fd =
                resolve(
                        String.join("/", components),
                        Fcntl.O_RDONLY | Fcntl.O_CREAT | Fcntl.O_NONBLOCK | Fcntl.O_NOCTTY,
                        0644);
        Fd.adopt(sys, (int) SyscallException.check(fd, "create", name(components))).close();
    }

    private String name(List<String> components) {
        return path + "/" + String.join("/", components);
    }

    @Override
    public void close() {
        root.close();
    }
}
