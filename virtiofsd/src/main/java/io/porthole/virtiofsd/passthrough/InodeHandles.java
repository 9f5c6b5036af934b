package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.Fcntl;
import io.porthole.linux.FileHandle;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.StatMode;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Inodes without a descriptor: beyond the budget they are kept as file handles
 * (name_to_handle_at(2)) and opened for the time of a request. That needs CAP_DAC_READ_SEARCH, a
 * file system that can be exported, and one that tells birth times, because such an inode's number
 * may pass to another file once it is deleted.
 */
final class InodeHandles implements AutoCloseable {
    private static final int UNTRIED = -2;
    private static final int UNUSABLE = -1;

    private final Syscalls sys;
    private final int procFd;
    private final PassthroughOptions.FileHandles mode;
    private final HandleStore store;

    /** By mount: a descriptor that is open for more than its path, UNTRIED or UNUSABLE. */
    private volatile int[] mountFds = {};

    /** There is a mount whose inodes need descriptors. */
    private volatile boolean missingSomewhere;

    InodeHandles(Syscalls sys, int procFd, PassthroughOptions.FileHandles mode, Arena arena) {
        this.sys = sys;
        this.procFd = procFd;
        this.mode = mode;
        this.store = new HandleStore(arena);
    }

    /**
     * Whether {@link #keep} may work for what {@code fd} refers to and {@code w.stat} describes.
     */
    boolean usable(Worker w, int mount, int fd) {
        if (mode == PassthroughOptions.FileHandles.NEVER) {
            return false;
        }
        if (!w.stat.hasBirth()) {
            missingSomewhere = true;
            return false;
        }
        return mountFd(w, mount, fd) >= 0;
    }

    /** Whether a mount was met whose inodes need descriptors. */
    boolean areMissingSomewhere() {
        return missingSomewhere;
    }

    /**
     * Keeps the handle of what is {@link #usable}.
     *
     * @return for {@link #open} and {@link #free}, or 0 where only a descriptor will do
     */
    long keep(Worker w, int mount, int fd) {
        FileHandle.handleBytes(w.handle, 0, FileHandle.MAX_HANDLE_SZ);
        long handle = w.handle.address();
        long result =
                sys.nameToHandleAt(
                        fd, w.emptyPath, handle, w.scratch.address(), Fcntl.AT_EMPTY_PATH);
        if (result < 0) {
            return 0;
        }
        int bytes = (int) FileHandle.HEADER_BYTES + FileHandle.handleBytes(w.handle, 0);
        return store.keep(w.handle, bytes);
    }

    /** Returns an O_PATH descriptor, which the caller closes, or -errno. */
    int open(int mount, long kept) {
        return (int)
                sys.openByHandleAt(
                        mountFds[mount],
                        HandleStore.address(kept),
                        Fcntl.O_PATH | Fcntl.O_NOFOLLOW | Fcntl.O_CLOEXEC);
    }

    void free(long kept) {
        store.free(kept);
    }

    /**
     * Whether handles work at all: here, for this process.
     *
     * @param rootFd O_PATH descriptor of a directory
     */
    static boolean work(Syscalls sys, int rootFd) {
        try (Arena arena = Arena.ofConfined()) {
            int flags = Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC;
            long mountFd = sys.openat(rootFd, NativeStrings.of(arena, ".").address(), flags, 0);
            if (mountFd < 0) {
                return false;
            }
            MemorySegment handle = arena.allocate(FileHandle.MAX_BYTES, Integer.BYTES);
            long mountId = arena.allocate(Integer.BYTES, Integer.BYTES).address();
            long empty = arena.allocate(1).address();
            boolean works = works(sys, (int) mountFd, rootFd, empty, handle, mountId);
            sys.close((int) mountFd);
            return works;
        }
    }

    private int mountFd(Worker w, int mount, int fd) {
        int[] known = mountFds;
        int found = mount < known.length ? known[mount] : UNTRIED;
        return found == UNTRIED ? tryMount(w, mount, fd) : found;
    }

    private synchronized int tryMount(Worker w, int mount, int fd) {
        int[] known = mountFds;
        if (mount < known.length && known[mount] != UNTRIED) {
            return known[mount];
        }
        int type = w.stat.type();
        if (type != StatMode.S_IFDIR && type != StatMode.S_IFREG) {
            return UNUSABLE; // Not something to open: the next inode of the mount may be.
        }
        int flags = Fcntl.O_RDONLY | Fcntl.O_CLOEXEC;
        int mountFd = (int) sys.openat(procFd, w.pathOf(fd), flags, 0);
        if (mountFd >= 0 && !works(sys, mountFd, fd, w.emptyPath, w.handle, w.scratch.address())) {
            sys.close(mountFd);
            mountFd = UNUSABLE;
        }
        if (mountFd < 0) {
            missingSomewhere = true;
        }
        int[] grown = known;
        if (mount >= known.length) {
            grown = Arrays.copyOf(known, Math.max(8, 2 * mount));
            Arrays.fill(grown, known.length, grown.length, UNTRIED);
        } else {
            grown = known.clone();
        }
        grown[mount] = Math.max(mountFd, UNUSABLE);
        mountFds = grown;
        return grown[mount];
    }

    private static boolean works(
            Syscalls sys, int mountFd, int fd, long empty, MemorySegment handle, long mountId) {
        FileHandle.handleBytes(handle, 0, FileHandle.MAX_HANDLE_SZ);
        long address = handle.address();
        if (sys.nameToHandleAt(fd, empty, address, mountId, Fcntl.AT_EMPTY_PATH) < 0) {
            return false;
        }
        long opened = sys.openByHandleAt(mountFd, address, Fcntl.O_PATH | Fcntl.O_CLOEXEC);
        if (opened < 0) {
            return false;
        }
        sys.close((int) opened);
        return true;
    }

    @Override
    public void close() {
        int[] known = mountFds;
        mountFds = new int[0];
        for (int fd : known) {
            if (fd >= 0) {
                sys.close(fd);
            }
        }
    }
}
