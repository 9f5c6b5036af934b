package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.FileHandle;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.StatMode;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * File handles (name_to_handle_at(2)), for two purposes. A file is opened by its handle, which is
 * cheaper than to go through /proc. And beyond the budget an inode is kept as a handle instead of a
 * descriptor and opened for the time of a request; that needs a file system that tells birth times,
 * because such an inode's number may pass to another file once it is deleted. Both need
 * CAP_DAC_READ_SEARCH and a file system that can be exported.
 *
 * <p>Handles are opened through a descriptor of their mount, which keeps the host from unmounting
 * it: so it is closed when the last inode of the mount has ended, unless one was kept as a handle.
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

    /** By mount: whether its descriptor stays, because an inode was kept. Never unset. */
    private volatile boolean[] stays = {};

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
        switch (w.stat.type()) {
            case StatMode.S_IFDIR -> met(mount, fd);
            case StatMode.S_IFREG -> metFile(w, mount, fd);
            default -> {} // Not something to open: the next inode of the mount may be.
        }
        return mountFd(mount) >= 0;
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
        int bytes = stays(mount) || makeStay(mount) ? handleOf(w, fd) : 0;
        return bytes == 0 ? 0 : store.keep(w.handle, bytes);
    }

    /** Makes the handle of what {@code fd} refers to in {@code w.handle}: its bytes, or 0. */
    private int handleOf(Worker w, int fd) {
        FileHandle.handleBytes(w.handle, 0, FileHandle.MAX_HANDLE_SZ);
        long handle = w.handle.address();
        long mountId = w.scratch.address();
        long result = sys.nameToHandleAt(fd, w.emptyPath, handle, mountId, Fcntl.AT_EMPTY_PATH);
        return result < 0 ? 0 : (int) FileHandle.HEADER_BYTES + FileHandle.handleBytes(w.handle, 0);
    }

    /**
     * Opens a pinned inode by its handle. {@link RecentHandles} says why a thread's last ones are
     * remembered.
     *
     * @param fd that pins it
     * @param flags as for open(2)
     * @return a descriptor, or -errno: then it is to be tried in another way
     */
    long openPinned(Worker w, int mount, long nodeId, int fd, int flags) {
        int mountFd = mountFd(mount);
        if (mountFd < 0) {
            return -Errno.EOPNOTSUPP;
        }
        RecentHandles recent = w.recentHandles();
        long handle = recent.find(nodeId);
        if (handle == 0) {
            int bytes = handleOf(w, fd);
            if (bytes == 0) {
                return -Errno.EOPNOTSUPP;
            }
            recent.keep(nodeId, w.handle, bytes);
            handle = w.handle.address();
        }
        return sys.openByHandleAt(mountFd, handle, flags);
    }

    /** A directory of a mount was met, through which its handles can be opened. */
    void met(int mount, int fd) {
        if (mode != PassthroughOptions.FileHandles.NEVER && mountFd(mount) == UNTRIED) {
            tryDirectory(mount, fd);
        }
    }

    private synchronized void tryDirectory(int mount, int fd) {
        if (mountFd(mount) == UNTRIED) {
            set(mount, openDirectory(sys, fd));
        }
    }

    /** A file was met: a mount may be of nothing else. */
    private void metFile(Worker w, int mount, int fd) {
        if (mountFd(mount) == UNTRIED) {
            tryFile(w, mount, fd);
        }
    }

    private synchronized void tryFile(Worker w, int mount, int fd) {
        if (mountFd(mount) != UNTRIED) {
            return;
        }
        int flags = Fcntl.O_RDONLY | Fcntl.O_CLOEXEC;
        int mountFd = (int) sys.openat(procFd, w.pathOf(fd), flags, 0);
        if (mountFd >= 0 && !works(sys, mountFd, fd, w.emptyPath, w.handle, w.scratch.address())) {
            sys.close(mountFd);
            mountFd = UNUSABLE;
        }
        set(mount, Math.max(mountFd, UNUSABLE));
    }

    /**
     * The table has no inode of a mount any more. It may have one by now: that one's mount has no
     * descriptor then until a directory of it is {@link #met}.
     *
     * @return a descriptor to close once no request uses it, or -1
     */
    synchronized int left(int mount) {
        int fd = mountFd(mount);
        if (fd < 0 || stays(mount)) {
            return -1;
        }
        set(mount, UNTRIED);
        return fd;
    }

    private boolean stays(int mount) {
        boolean[] known = stays;
        return mount < known.length && known[mount];
    }

    /** Makes a mount's descriptor stay. Returns whether there is one. */
    private synchronized boolean makeStay(int mount) {
        if (mountFd(mount) < 0) {
            return false;
        }
        boolean[] grown = Arrays.copyOf(stays, Math.max(stays.length, mount + 1));
        grown[mount] = true;
        stays = grown;
        return true;
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
        int mountFd = openDirectory(sys, rootFd);
        if (mountFd >= 0) {
            sys.close(mountFd);
        }
        return mountFd >= 0;
    }

    /** Opens a directory for reading if handles work there; else returns UNUSABLE. */
    private static int openDirectory(Syscalls sys, int directory) {
        try (Arena arena = Arena.ofConfined()) {
            int flags = Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC;
            int fd = (int) sys.openat(directory, NativeStrings.of(arena, ".").address(), flags, 0);
            if (fd < 0) {
                return UNUSABLE;
            }
            MemorySegment handle = arena.allocate(FileHandle.MAX_BYTES, Integer.BYTES);
            long mountId = arena.allocate(Integer.BYTES, Integer.BYTES).address();
            long empty = arena.allocate(1).address();
            if (works(sys, fd, directory, empty, handle, mountId)) {
                return fd;
            }
            sys.close(fd);
            return UNUSABLE;
        }
    }

    private int mountFd(int mount) {
        int[] known = mountFds;
        return mount < known.length ? known[mount] : UNTRIED;
    }

    /** Under the lock. */
    private void set(int mount, int mountFd) {
        if (mountFd == UNUSABLE) {
            missingSomewhere = true;
        }
        int[] known = mountFds;
        int[] grown = Arrays.copyOf(known, Math.max(known.length, mount + 1));
        if (grown.length > known.length) {
            Arrays.fill(grown, known.length, grown.length, UNTRIED);
        }
        grown[mount] = mountFd;
        mountFds = grown;
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
