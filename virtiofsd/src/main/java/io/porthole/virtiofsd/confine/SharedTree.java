package io.porthole.virtiofsd.confine;

import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.MountAttr;
import io.porthole.linux.Mounts;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.Statx;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A shared directory as a tree of its own: a detached copy of its mount and of those below it
 * (open_tree(2), OPEN_TREE_CLONE), attached nowhere and reached by its descriptor alone. The
 * directory is the top of that tree for the kernel itself: ".." leads nowhere else, and no path
 * leads from one share into another. A process in an empty root can serve it, also one that got the
 * descriptor through a socket.
 *
 * <p>Mounts that the host makes below the directory later do not arrive in the copy.
 */
public final class SharedTree {
    private SharedTree() {}

    /**
     * Copies the mounts; needs CAP_SYS_ADMIN.
     *
     * @param readonly no write gets through, whatever else goes wrong
     * @return O_PATH descriptor of the top
     */
    public static Fd open(Syscalls sys, String dir, boolean readonly) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            int flags = Mounts.OPEN_TREE_CLONE | Mounts.AT_RECURSIVE | Fcntl.O_CLOEXEC;
            long path = NativeStrings.of(arena, dir).address();
            long number = sys.openTree(Fcntl.AT_FDCWD, path, flags);
            SyscallException.check(number, "copy the mount (open_tree) of", dir);
            Fd tree = Fd.adopt(sys, (int) number);
            if (readonly) {
                MemorySegment attributes = arena.allocate(MountAttr.LAYOUT);
                MountAttr.set(attributes, 0, Mounts.MOUNT_ATTR_RDONLY);
                long done =
                        sys.mountSetattr(
                                tree.value(),
                                arena.allocate(1).address(),
                                Fcntl.AT_EMPTY_PATH | Mounts.AT_RECURSIVE,
                                attributes.address(),
                                MountAttr.BYTES);
                if (done < 0) {
                    tree.close();
                    SyscallException.check(done, "mount (read-only)", dir);
                }
            }
            return tree;
        }
    }

    /** The directory in the tree that all see, for processes without a jail. */
    public static Fd openPlain(Syscalls sys, String dir) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            int flags = Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC;
            long path = NativeStrings.of(arena, dir).address();
            long number = sys.openat(Fcntl.AT_FDCWD, path, flags, 0);
            SyscallException.check(number, "open", dir);
            return Fd.adopt(sys, (int) number);
        }
    }

    /** Whether the kernel lets nobody climb out of the directory: its ".." is itself. */
    public static boolean isTop(Syscalls sys, Fd directory) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment here = arena.allocate(Statx.BYTES, 8);
            MemorySegment above = arena.allocate(Statx.BYTES, 8);
            int mask = Statx.STATX_TYPE | Statx.STATX_INO | Statx.STATX_MNT_ID;
            long empty = arena.allocate(1).address();
            long up = NativeStrings.of(arena, "..").address();
            int fd = directory.value();
            return sys.statx(fd, empty, Fcntl.AT_EMPTY_PATH, mask, here.address()) >= 0
                    && sys.statx(fd, up, 0, mask, above.address()) >= 0
                    && Statx.inode(here, 0) == Statx.inode(above, 0)
                    && Statx.mountId(here, 0) == Statx.mountId(above, 0)
                    && Statx.deviceMajor(here, 0) == Statx.deviceMajor(above, 0)
                    && Statx.deviceMinor(here, 0) == Statx.deviceMinor(above, 0);
        }
    }
}
