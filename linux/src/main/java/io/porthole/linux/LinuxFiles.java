package io.porthole.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Files and mounts by name for set-up and control: thin, throwing, allocating. Request paths use
 * {@link Syscalls} with addresses.
 */
public final class LinuxFiles {
    private final Syscalls syscalls;

    public LinuxFiles(Syscalls syscalls) {
        this.syscalls = syscalls;
    }

    /** On the running kernel. */
    public static LinuxFiles host() {
        return new LinuxFiles(Syscalls.host());
    }

    /** Opens close-on-exec; {@code flags}: O_* of {@link Fcntl}. */
    public Fd open(Path path, int flags, int mode) throws SyscallException {
        return openAt(Fcntl.AT_FDCWD, path.toString(), flags, mode);
    }

    public Fd openAt(int dirFd, String path, int flags, int mode) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            long result = syscalls.openat(dirFd, text(arena, path), flags | Fcntl.O_CLOEXEC, mode);
            return Fd.adopt(syscalls, (int) SyscallException.check(result, "open", path));
        }
    }

    public void mkdir(Path path, int mode) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            long result = syscalls.mkdirat(Fcntl.AT_FDCWD, text(arena, path.toString()), mode);
            SyscallException.check(result, "mkdir", path);
        }
    }

    /**
     * mount(2); {@code flags}: MS_* of {@link Mounts}. Source, type and data are null where the
     * kind of mount takes none.
     */
    public void mount(
            @Nullable String source,
            Path target,
            @Nullable String type,
            long flags,
            @Nullable String data)
            throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            long result =
                    syscalls.mount(
                            text(arena, source),
                            text(arena, target.toString()),
                            text(arena, type),
                            flags,
                            text(arena, data));
            SyscallException.check(result, "mount " + (source == null ? "" : source + " "), target);
        }
    }

    /** Makes {@code source} appear at {@code target}; {@code recursive} takes the mounts below. */
    public void bindMount(Path source, Path target, boolean recursive) throws SyscallException {
        int flags = Mounts.MS_BIND | (recursive ? Mounts.MS_REC : 0);
        mount(source.toString(), target, null, flags, null);
    }

    /** {@code flags}: MNT_DETACH, UMOUNT_NOFOLLOW of {@link Mounts}. */
    public void unmount(Path target, int flags) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            long result = syscalls.umount2(text(arena, target.toString()), flags);
            SyscallException.check(result, "unmount", target);
        }
    }

    public void pivotRoot(String newRoot, String putOld) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            long result = syscalls.pivotRoot(text(arena, newRoot), text(arena, putOld));
            SyscallException.check(result, "pivot_root to", newRoot);
        }
    }

    /**
     * Raises the soft limit of open descriptors to {@code wanted} or the hard limit; returns it.
     */
    public long raiseFdLimit(long wanted) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limit = arena.allocate(Rlimit64.LAYOUT);
            int resource = Rlimit64.RLIMIT_NOFILE;
            long got = syscalls.prlimit64(0, resource, 0, limit.address());
            SyscallException.check(got, "read RLIMIT_NOFILE", null);
            long hard = Rlimit64.hard(limit, 0);
            long target = Long.compareUnsigned(wanted, hard) < 0 ? wanted : hard;
            if (Long.compareUnsigned(target, Rlimit64.soft(limit, 0)) <= 0) {
                return Rlimit64.soft(limit, 0);
            }
            Rlimit64.soft(limit, 0, target);
            long set = syscalls.prlimit64(0, resource, limit.address(), 0);
            SyscallException.check(set, "raise RLIMIT_NOFILE to " + target, null);
            return target;
        }
    }

    private static long text(Arena arena, @Nullable String value) {
        return value == null ? 0 : NativeStrings.of(arena, value).address();
    }
}
