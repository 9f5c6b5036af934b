package io.porthole.virtiofsd.confine;

import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.Mounts;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.cli.Options;
import java.lang.foreign.Arena;

/**
 * The way into the shared directory: afterwards it is the root of every thread of this process.
 *
 * @param root O_PATH descriptor of the shared directory, as seen from inside
 * @param procSelfFd O_PATH descriptor of /proc/self/fd, opened before the way back was cut
 */
public record Jail(Fd root, Fd procSelfFd) implements AutoCloseable {
    private static final int DIRECTORY_HANDLE = Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC;

    /**
     * Enters.
     *
     * @throws SyscallException with what could not be done, on what, and why
     */
    public static Jail enter(Syscalls sys, Options options) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            Fd proc = open(sys, arena, "/proc/self/fd");
            try {
                String dir = options.sharedDir();
                Fd root =
                        switch (options.sandbox()) {
                            case NONE -> open(sys, arena, dir);
                            case CHROOT -> changeRoot(sys, arena, dir);
                            case NAMESPACE -> pivot(sys, arena, dir, options.readonly());
                        };
                return new Jail(root, proc);
            } catch (SyscallException e) {
                proc.close();
                throw e;
            }
        }
    }

    /**
     * Enters a root where there is nothing, for a process whose shares are {@link SharedTree}s
     * opened before.
     */
    public static Jail enterEmpty(Syscalls sys, Options options) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            Fd proc = open(sys, arena, "/proc/self/fd");
            try {
                Fd root =
                        switch (options.sandbox()) {
                            case NONE -> open(sys, arena, "/");
                            case CHROOT -> throw new IllegalArgumentException("one share only");
                            case NAMESPACE -> pivotToNothing(sys, arena);
                        };
                return new Jail(root, proc);
            } catch (SyscallException e) {
                proc.close();
                throw e;
            }
        }
    }

    /** An empty file system, read-only from its beginning, over a directory that every host has. */
    private static Fd pivotToNothing(Syscalls sys, Arena arena) throws SyscallException {
        String place = "/proc";
        stopPropagation(sys, arena);
        long flags = Mounts.MS_RDONLY | Mounts.MS_NOSUID | Mounts.MS_NODEV | Mounts.MS_NOEXEC;
        long type = cString(arena, "tmpfs");
        check(
                sys.mount(type, cString(arena, place), type, flags, cString(arena, "mode=0555")),
                "mount (empty tmpfs)",
                place);
        pivotInto(sys, arena, place);
        return open(sys, arena, "/");
    }

    /**
     * Looks whether there is a directory to share that can be listed, so that the usual mistake is
     * named before anything is made.
     */
    public static void checkShared(Syscalls sys, String dir) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            int flags = Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC;
            long fd = sys.openat(Fcntl.AT_FDCWD, cString(arena, dir), flags, 0);
            check(fd, "share directory", dir);
            sys.close((int) fd);
        }
    }

    private static Fd changeRoot(Syscalls sys, Arena arena, String dir) throws SyscallException {
        try (Fd target = open(sys, arena, dir)) {
            check(sys.fchdir(target.value()), "fchdir", dir);
            check(sys.chroot(cString(arena, ".")), "chroot", dir);
        }
        return open(sys, arena, "/");
    }

    /**
     * Makes the share the root of this mount namespace, which the launcher has made ours. Mounts
     * that the host adds below the share later still arrive, because propagation stays "slave".
     */
    private static Fd pivot(Syscalls sys, Arena arena, String dir, boolean readonly)
            throws SyscallException {
        long dirName = cString(arena, dir);
        stopPropagation(sys, arena);
        check(
                sys.mount(dirName, dirName, 0, Mounts.MS_BIND | Mounts.MS_REC, 0),
                "mount (bind)",
                dir);
        if (readonly) {
            check(
                    sys.mount(
                            0,
                            dirName,
                            0,
                            Mounts.MS_BIND | Mounts.MS_REMOUNT | Mounts.MS_RDONLY,
                            0),
                    "mount (read-only)",
                    dir);
        }
        pivotInto(sys, arena, dir);
        return open(sys, arena, "/");
    }

    /** Mounts made here are seen nowhere else. */
    private static void stopPropagation(Syscalls sys, Arena arena) throws SyscallException {
        check(
                sys.mount(0, cString(arena, "/"), 0, Mounts.MS_SLAVE | Mounts.MS_REC, 0),
                "mount (slave)",
                "/");
    }

    /** Makes the mount at {@code dir} the root, and lets go of all others. */
    private static void pivotInto(Syscalls sys, Arena arena, String dir) throws SyscallException {
        long here = cString(arena, ".");
        try (Fd oldRoot = open(sys, arena, "/");
                Fd newRoot = open(sys, arena, dir)) {
            check(sys.fchdir(newRoot.value()), "fchdir", dir);
            // Both arguments the same: the old root ends up mounted over the new one, from where
            // it is detached (pivot_root(2), "pivot_root(".", ".")").
            check(sys.pivotRoot(here, here), "pivot_root", dir);
            check(sys.fchdir(oldRoot.value()), "fchdir", "the old root");
            check(sys.umount2(here, Mounts.MNT_DETACH), "umount", "the old root");
            check(sys.fchdir(newRoot.value()), "fchdir", dir);
        }
    }

    private static Fd open(Syscalls sys, Arena arena, String path) throws SyscallException {
        return Fd.adopt(
                (int)
                        check(
                                sys.openat(
                                        Fcntl.AT_FDCWD, cString(arena, path), DIRECTORY_HANDLE, 0),
                                "open",
                                path));
    }

    private static long cString(Arena arena, String text) {
        return NativeStrings.of(arena, text).address();
    }

    private static long check(long result, String call, String subject) throws SyscallException {
        return SyscallException.check(result, call, subject);
    }

    @Override
    public void close() {
        root.close();
        procSelfFd.close();
    }
}
