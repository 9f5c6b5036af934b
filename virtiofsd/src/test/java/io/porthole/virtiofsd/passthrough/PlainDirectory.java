package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;

/**
 * The same operations as a {@link Guest}'s, made on a directory with nothing in between: the
 * reference that a share is compared with. Paths are walked name by name and follow no links, as
 * the guest's do. Results are errnos, 0 for success.
 */
final class PlainDirectory implements AutoCloseable {
    private static final int WALK =
            Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW | Fcntl.O_CLOEXEC;

    /** What is done with the directory that holds the last name. */
    private interface Step {
        long at(int dirFd, long name);
    }

    private final Syscalls sys = Syscalls.host();
    private final Arena arena = Arena.ofShared();
    private final int root;

    PlainDirectory(Path path) {
        root = (int) sys.openat(Fcntl.AT_FDCWD, text(path.toString()), WALK, 0);
        if (root < 0) {
            throw new IllegalStateException(Errno.describe(root));
        }
    }

    private long text(String text) {
        return NativeStrings.of(arena, text).address();
    }

    private int in(List<String> path, Step step) {
        int fd = root;
        for (String name : path.subList(0, path.size() - 1)) {
            int below = (int) sys.openat(fd, text(name), WALK, 0);
            if (fd != root) {
                sys.close(fd);
            }
            if (below < 0) {
                return -below;
            }
            fd = below;
        }
        long result = step.at(fd, text(path.getLast()));
        if (fd != root) {
            sys.close(fd);
        }
        return (int) Math.max(0, -result);
    }

    int mkdir(List<String> path, int mode) {
        return in(path, (dir, name) -> sys.mkdirat(dir, name, mode));
    }

    int symlink(List<String> path, String target) {
        return in(path, (dir, name) -> sys.symlinkat(text(target), dir, name));
    }

    int unlink(List<String> path, boolean directory) {
        int flags = directory ? Fcntl.AT_REMOVEDIR : 0;
        return in(path, (dir, name) -> sys.unlinkat(dir, name, flags));
    }

    int rename(List<String> path, List<String> to, int flags) {
        int[] inner = {0};
        int outer =
                in(
                        path,
                        (dir, name) -> {
                            inner[0] =
                                    in(
                                            to,
                                            (newDir, newName) ->
                                                    sys.renameat2(
                                                            dir, name, newDir, newName, flags));
                            return 0;
                        });
        return outer != 0 ? outer : inner[0];
    }

    int link(List<String> path, List<String> to) {
        int[] inner = {0};
        int outer =
                in(
                        path,
                        (dir, name) -> {
                            inner[0] =
                                    in(
                                            to,
                                            (newDir, newName) ->
                                                    sys.linkat(dir, name, newDir, newName, 0));
                            return 0;
                        });
        return outer != 0 ? outer : inner[0];
    }

    int create(List<String> path, int mode, byte[] content) {
        int flags = Fcntl.O_CREAT | Fcntl.O_EXCL | Fcntl.O_RDWR | Fcntl.O_CLOEXEC;
        return in(
                path,
                (dir, name) -> {
                    long fd = sys.openat(dir, name, flags, mode);
                    return fd < 0 ? fd : writeAndClose((int) fd, 0, content);
                });
    }

    int write(List<String> path, long offset, byte[] content) {
        int flags = Fcntl.O_WRONLY | Fcntl.O_NOFOLLOW | Fcntl.O_CLOEXEC;
        return in(
                path,
                (dir, name) -> {
                    long fd = sys.openat(dir, name, flags, 0);
                    return fd < 0 ? fd : writeAndClose((int) fd, offset, content);
                });
    }

    private long writeAndClose(int fd, long offset, byte[] content) {
        MemorySegment data = arena.allocate(Math.max(1, content.length));
        MemorySegment.copy(content, 0, data, ValueLayout.JAVA_BYTE, 0, content.length);
        long written = sys.pwrite(fd, data.address(), content.length, offset);
        sys.close(fd);
        return written;
    }

    int truncate(List<String> path, long size) {
        int flags = Fcntl.O_WRONLY | Fcntl.O_NOFOLLOW | Fcntl.O_CLOEXEC;
        return in(
                path,
                (dir, name) -> {
                    long fd = sys.openat(dir, name, flags, 0);
                    if (fd < 0) {
                        return fd;
                    }
                    long result = sys.ftruncate((int) fd, size);
                    sys.close((int) fd);
                    return result;
                });
    }

    int chmod(List<String> path, int mode) {
        int flags = Fcntl.O_RDONLY | Fcntl.O_NOFOLLOW | Fcntl.O_CLOEXEC;
        return in(
                path,
                (dir, name) -> {
                    long fd = sys.openat(dir, name, flags, 0);
                    if (fd < 0) {
                        return fd;
                    }
                    long result = sys.fchmod((int) fd, mode);
                    sys.close((int) fd);
                    return result;
                });
    }

    @Override
    public void close() {
        sys.close(root);
        arena.close();
    }
}
