package io.porthole.virtiofsd;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.Sockets;
import io.porthole.linux.StatMode;
import io.porthole.linux.Statx;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.linux.UnixListener;
import io.porthole.linux.UnixSocket;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.cli.UsageException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the VMM connects: a listening unix socket, and beside it a pid file whose lock says that
 * the path is taken. Both files can be removed from inside the jail, because their directory was
 * opened before.
 */
final class Endpoint implements AutoCloseable {
    private static final int UMASK_OWNER_ONLY = 077;
    private static final int UMASK_WITH_GROUP = 007;
    private static final int PID_FILE_MODE = 0644;

    private final Syscalls sys;
    private final Fd listener;
    private final @Nullable Files files;

    /** What a bound endpoint leaves on disk. */
    private record Files(Fd directory, Fd pidFile, String socketName) {}

    private Endpoint(Syscalls sys, Fd listener, @Nullable Files files) {
        this.sys = sys;
        this.listener = listener;
        this.files = files;
    }

    static Endpoint open(Syscalls sys, Options options) throws SyscallException, UsageException {
        return open(sys, options, sys.getpid());
    }

    /**
     * Opens on behalf of another process.
     *
     * @param pid that process, which the pid file is to name
     */
    static Endpoint open(Syscalls sys, Options options, long pid)
            throws SyscallException, UsageException {
        String path = options.socketPath();
        return path == null
                ? inherit(sys, options.listenFd())
                : bind(sys, path, options.socketGroup(), pid);
    }

    /** Takes over what another process has opened: {@link #descriptors} in their order. */
    static Endpoint adopt(Syscalls sys, List<Fd> descriptors, String socketPath)
            throws UsageException {
        Fd listener = descriptors.getFirst();
        checkListening(sys, listener.value(), "the socket of the new share");
        Files files =
                new Files(
                        descriptors.get(1),
                        descriptors.get(2),
                        socketPath.substring(socketPath.lastIndexOf('/') + 1));
        return new Endpoint(sys, listener, files);
    }

    /** Socket, directory and locked pid file of a bound endpoint; they stay its own. */
    List<Fd> descriptors() {
        return files == null ? List.of() : List.of(listener, files.directory, files.pidFile);
    }

    /** Lets go without removing anything: another process has the descriptors now. */
    void leave() {
        descriptors().forEach(Fd::close);
    }

    /** Gives the listening socket to the caller, who closes it. */
    Fd takeListener() {
        return Fd.adopt(sys, listener.release());
    }

    /** Takes a listening socket that the parent process left open as {@code fd}. */
    private static Endpoint inherit(Syscalls sys, int fd) throws UsageException {
        checkListening(sys, fd, "--fd " + fd);
        return new Endpoint(sys, Fd.adopt(sys, fd), null);
    }

    private static void checkListening(Syscalls sys, int fd, String what) throws UsageException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
            MemorySegment bytes = arena.allocate(ValueLayout.JAVA_INT);
            bytes.set(ValueLayout.JAVA_INT, 0, Integer.BYTES);
            long result =
                    sys.getsockopt(
                            fd,
                            Sockets.SOL_SOCKET,
                            Sockets.SO_ACCEPTCONN,
                            value.address(),
                            bytes.address());
            if (result < 0 || value.get(ValueLayout.JAVA_INT, 0) == 0) {
                throw new UsageException(
                        what
                                + " is not a listening socket"
                                + (result < 0 ? ": " + Errno.describe(-result) : ""));
            }
        }
    }

    /**
     * Makes a socket, as {@code --socket-path} does.
     *
     * @param socketGroup who may connect besides the owner, by name or number, or null
     * @param pid what the pid file is to name
     */
    static Endpoint bind(Syscalls sys, String path, @Nullable String socketGroup, long pid)
            throws SyscallException, UsageException {
        int slash = path.lastIndexOf('/');
        String parent = slash < 0 ? "." : slash == 0 ? "/" : path.substring(0, slash);
        String name = path.substring(slash + 1);
        if (name.isEmpty()) {
            throw new UsageException("socket path '" + path + "' ends in '/'");
        }
        Fd directory = null;
        Fd pidFile = null;
        try (Arena arena = Arena.ofConfined()) {
            directory = openDirectory(sys, arena, parent);
            pidFile = lockPidFile(sys, arena, directory, name, path, pid);
            // The lock is ours, so a socket that lies there was left behind by a process that died.
            removeStaleSocket(sys, arena, directory, name, path);
            int group = socketGroup == null ? -1 : GroupFile.find(socketGroup);
            int umask = sys.umask(group < 0 ? UMASK_OWNER_ONLY : UMASK_WITH_GROUP);
            UnixListener bound;
            try {
                bound = UnixListener.bind(path);
            } finally {
                sys.umask(umask);
            }
            // From here on the path is removed through the directory's descriptor only: by name it
            // might mean something else inside the jail.
            Fd listener = Fd.adopt(sys, bound.fd().release());
            Endpoint endpoint = new Endpoint(sys, listener, new Files(directory, pidFile, name));
            directory = null;
            pidFile = null;
            if (group >= 0) {
                try {
                    SyscallException.check(
                            sys.fchownat(
                                    Fcntl.AT_FDCWD,
                                    NativeStrings.of(arena, path).address(),
                                    -1,
                                    group,
                                    Fcntl.AT_SYMLINK_NOFOLLOW),
                            "chown",
                            path);
                } catch (SyscallException e) {
                    endpoint.close();
                    throw e;
                }
            }
            return endpoint;
        } finally {
            if (pidFile != null && directory != null) {
                unlink(sys, directory, name + ".pid");
                pidFile.close();
            }
            if (directory != null) {
                directory.close();
            }
        }
    }

    private static Fd openDirectory(Syscalls sys, Arena arena, String path)
            throws SyscallException {
        return Fd.adopt(
                sys,
                (int)
                        SyscallException.check(
                                sys.openat(
                                        Fcntl.AT_FDCWD,
                                        NativeStrings.of(arena, path).address(),
                                        Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC,
                                        0),
                                "open the socket's directory",
                                path));
    }

    private static Fd lockPidFile(
            Syscalls sys, Arena arena, Fd directory, String name, String path, long owner)
            throws SyscallException, UsageException {
        Fd file =
                Fd.adopt(
                        sys,
                        (int)
                                SyscallException.check(
                                        sys.openat(
                                                directory.value(),
                                                NativeStrings.of(arena, name + ".pid").address(),
                                                Fcntl.O_RDWR
                                                        | Fcntl.O_CREAT
                                                        | Fcntl.O_NOFOLLOW
                                                        | Fcntl.O_CLOEXEC,
                                                PID_FILE_MODE),
                                        "create",
                                        path + ".pid"));
        if (sys.flock(file.value(), Fcntl.LOCK_EX | Fcntl.LOCK_NB) < 0) {
            file.close();
            throw new UsageException(
                    "socket path "
                            + path
                            + " is in use by another virtiofsd (its pid is in "
                            + path
                            + ".pid)");
        }
        byte[] pid = (owner + "\n").getBytes(StandardCharsets.US_ASCII);
        MemorySegment text = arena.allocate(pid.length);
        text.asByteBuffer().put(pid);
        sys.ftruncate(file.value(), 0);
        sys.pwrite(file.value(), text.address(), pid.length, 0);
        return file;
    }

    private static void removeStaleSocket(
            Syscalls sys, Arena arena, Fd directory, String name, String path)
            throws SyscallException, UsageException {
        MemorySegment status = arena.allocate(Statx.BYTES, 8);
        long found =
                sys.statx(
                        directory.value(),
                        NativeStrings.of(arena, name).address(),
                        Fcntl.AT_SYMLINK_NOFOLLOW,
                        Statx.STATX_TYPE,
                        status.address());
        if (found == -Errno.ENOENT) {
            return;
        }
        SyscallException.check(found, "stat", path);
        int mode = Statx.mode(status, 0);
        if ((mode & StatMode.S_IFMT) != StatMode.S_IFSOCK) {
            throw new UsageException(
                    "socket path " + path + " exists and is no socket; it is left alone");
        }
        if (answers(path)) {
            throw new UsageException("socket path " + path + " is in use: something listens there");
        }
        unlink(sys, directory, name);
    }

    private static boolean answers(String path) {
        try {
            UnixSocket.connect(path).close();
            return true;
        } catch (SyscallException e) {
            return false;
        }
    }

    private static void unlink(Syscalls sys, Fd directory, String name) {
        try (Arena arena = Arena.ofConfined()) {
            sys.unlinkat(directory.value(), NativeStrings.of(arena, name).address(), 0);
        }
    }

    /** Stops listening and removes what {@link #open} left on disk; the lock goes last. */
    @Override
    public synchronized void close() {
        listener.close();
        if (files != null && files.directory.isOpen()) {
            unlink(sys, files.directory, files.socketName);
            unlink(sys, files.directory, files.socketName + ".pid");
            files.pidFile.close();
            files.directory.close();
        }
    }
}
