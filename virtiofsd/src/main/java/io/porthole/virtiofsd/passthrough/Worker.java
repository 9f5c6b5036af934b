package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.Fcntl;
import io.porthole.linux.FileHandle;
import io.porthole.linux.Mapping;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.mapping.XattrMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * What one request thread has for itself: its identity, its scratch memory, and its announcement to
 * the {@link Reclaimer}.
 *
 * <p>The thread has its own working directory, /proc/self/fd, so that a descriptor's number is a
 * relative path that leads to what the descriptor refers to. Calls that take nothing but a path
 * (truncate, the xattr calls) need it.
 */
final class Worker implements AutoCloseable {
    private static final int CLONE_FS = 0x200;
    private static final int KEPT_DIRECTORIES = 8;

    /** XATTR_LIST_MAX of linux/limits.h. */
    private static final int XATTR_LIST_BYTES = 1 << 16;

    final Reclaimer.Participant presence;
    final ThreadCredentials credentials;
    final Stat stat;
    final OpenStat attributes;

    /** NUL: the path of calls with AT_EMPTY_PATH. */
    final long emptyPath;

    /** For struct timespec[2], two off_t, or a struct statfs. */
    final MemorySegment scratch;

    /** For streams that got no buffer of their own. */
    final MemorySegment directoryBuffer;

    /** A struct file_handle with room for any. */
    final MemorySegment handle;

    /** Directories that are not pinned, kept open because more of their names will follow. */
    private final long[] keptIds = new long[KEPT_DIRECTORIES];

    private final int[] keptFds = new int[KEPT_DIRECTORIES];
    private int oldestKept;

    /** Descriptors of inodes that are not pinned, until the request ends. */
    private final int[] temporary = new int[4];

    private int temporaries;

    private @Nullable RecentHandles recentHandles;
    private @Nullable MemorySegment xattrName;
    private @Nullable MemorySegment xattrList;

    private final Syscalls sys;
    private final Arena arena = Arena.ofShared();
    private final Reclaimer reclaimer;

    /** Whose it is; null once it is closed. */
    private @Nullable Thread thread = Thread.currentThread();

    private final MemorySegment number;
    private final long numberAddress;

    /**
     * Sets the calling thread up.
     *
     * @param procFd O_PATH descriptor of /proc/self/fd
     * @param stays as of {@link Reclaimer#join}
     */
    Worker(Syscalls sys, Reclaimer reclaimer, int procFd, boolean stays) throws SyscallException {
        this.sys = sys;
        this.reclaimer = reclaimer;
        SyscallException.check(sys.unshare(CLONE_FS), "unshare", "CLONE_FS");
        SyscallException.check(sys.fchdir(procFd), "fchdir", "/proc/self/fd");
        credentials = new ThreadCredentials(sys, arena);
        stat = new Stat(arena);
        attributes = new OpenStat(arena);
        emptyPath = arena.allocate(1).address();
        scratch = arena.allocate(128, 8);
        directoryBuffer = Mapping.zeroed(arena, DirectoryStream.BUFFER_BYTES);
        handle = arena.allocate(FileHandle.MAX_BYTES, Integer.BYTES);
        number = arena.allocate(16);
        numberAddress = number.address();
        presence = reclaimer.join(stays);
    }

    /**
     * The path of a descriptor relative to /proc/self/fd: its number.
     *
     * @return address of a NUL-terminated string, valid until the next call
     */
    long pathOf(int fd) {
        int at = 15;
        number.set(ValueLayout.JAVA_BYTE, at, (byte) 0);
        int rest = fd;
        do {
            number.set(ValueLayout.JAVA_BYTE, --at, (byte) ('0' + rest % 10));
            rest /= 10;
        } while (rest != 0);
        return numberAddress + at;
    }

    /** Fills {@link #stat} with what {@code fd} refers to. */
    long statFd(Syscalls sys, int fd) {
        return sys.statx(fd, emptyPath, Fcntl.AT_EMPTY_PATH, Stat.MASK, stat.address());
    }

    /** The descriptor of a directory that {@link #keepDirectory} was given, or -1. */
    int keptDirectory(long nodeId) {
        for (int i = 0; i < KEPT_DIRECTORIES; i++) {
            if (keptIds[i] == nodeId) {
                return keptFds[i];
            }
        }
        return -1;
    }

    /** Takes over the descriptor of a directory, and closes the one that was kept longest. */
    void keepDirectory(long nodeId, int fd) {
        int i = oldestKept;
        if (keptIds[i] != 0) {
            sys.close(keptFds[i]);
        }
        keptIds[i] = nodeId;
        keptFds[i] = fd;
        // No request uses more than three directories, so none loses what it uses.
        oldestKept = (i + 1) % KEPT_DIRECTORIES;
    }

    /** Takes over a descriptor and closes it when the request ends. */
    void closeAtEnd(int fd) {
        temporary[temporaries++] = fd;
    }

    void requestEnded() {
        while (temporaries > 0) {
            sys.close(temporary[--temporaries]);
        }
    }

    RecentHandles recentHandles() {
        RecentHandles recent = recentHandles;
        if (recent == null) {
            recent = new RecentHandles(arena);
            recentHandles = recent;
        }
        return recent;
    }

    /**
     * The host's name of an extended attribute.
     *
     * @param at of the guest's name in {@code in}, with a NUL behind its {@code nameBytes}
     * @return address of a NUL-terminated string, valid until the next call; or -errno
     */
    long hostName(XattrMap map, MemorySegment in, long at, int nameBytes) {
        MemorySegment room = xattrName;
        if (room == null) {
            room = arena.allocate(XattrMap.NAME_ROOM_BYTES);
            xattrName = room;
        }
        int result = map.toHost(in, at, nameBytes, room);
        return result == 0 ? in.address() + at : result < 0 ? result : room.address();
    }

    /** Room for the longest list of names that there can be. */
    MemorySegment xattrList() {
        MemorySegment room = xattrList;
        if (room == null) {
            room = Mapping.zeroed(arena, XATTR_LIST_BYTES);
            xattrList = room;
        }
        return room;
    }

    private void closeKept() {
        requestEnded();
        for (int i = 0; i < KEPT_DIRECTORIES; i++) {
            if (keptIds[i] != 0) {
                sys.close(keptFds[i]);
                keptIds[i] = 0;
            }
        }
    }

    /** Whether it is the calling thread's, for the share that has this reclaimer. */
    boolean isOf(Reclaimer share) {
        return reclaimer == share && thread == Thread.currentThread();
    }

    @Override
    public void close() {
        thread = null;
        closeKept();
        reclaimer.quit(presence);
        arena.close();
    }
}
