package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.InitFlags;
import io.porthole.fuse.InitNegotiation;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.StatFs;
import io.porthole.linux.StatMode;
import io.porthole.linux.Statx;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.dax.DaxOptions;
import io.porthole.virtiofsd.dax.DaxWindow;
import io.porthole.virtiofsd.lockboard.LockBoard;
import io.porthole.virtiofsd.mapping.IdMap;
import io.porthole.virtiofsd.mapping.XattrMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The tables of one shared directory, and what its session has agreed on. */
final class Share implements AutoCloseable {
    private static final long INODE_TAG = 1L << 32;
    private static final long HANDLE_TAG = 2L << 32;
    private static final long DESCRIPTOR_TAG = 4L << 32;

    /** Streams that may keep a buffer: 8 MiB. */
    private static final int DIRECTORY_BUFFERS = 256;

    private static final long ST_RDONLY = 1;

    /** Files that may refuse to be opened for writing, which a mapping needs. */
    private static final long FIXED_CONTENTS = Statx.STATX_ATTR_IMMUTABLE | Statx.STATX_ATTR_APPEND;

    final Syscalls sys;
    final int rootFd;
    final int procFd;
    final PassthroughOptions options;
    final Reclaimer reclaimer;
    final InodeTable inodes;
    final HandleTable handles;
    final MountTable mounts = new MountTable();
    final InodeHandles inodeHandles;
    final DirectoryStream.Buffers directoryBuffers;
    final @Nullable Locks locks;
    private final Arena arena = Arena.ofShared();
    final @Nullable XattrMap xattrMap;
    final @Nullable IdMap uids;
    final @Nullable IdMap gids;

    /** The name that stands for security.capability on the host, if it is another one; else 0. */
    private final long capabilityName;

    private volatile long session;
    private volatile int minor;

    /** Set once, before the first session. */
    @Nullable DaxWindow dax;

    private volatile boolean daxAgreed;

    /**
     * @param board where deadlocks of fcntl(2) locks with other shares can be seen, or null
     */
    Share(
            Syscalls sys,
            PassthroughOptions options,
            int rootFd,
            int procFd,
            @Nullable LockBoard board)
            throws SyscallException {
        this.sys = sys;
        this.options = options;
        this.rootFd = rootFd;
        this.procFd = procFd;
        reclaimer = new Reclaimer(this::dispose);
        inodes = new InodeTable(options.maxInodes(), reclaimer, INODE_TAG);
        handles = new HandleTable(options.maxOpenFiles(), reclaimer, HANDLE_TAG);
        inodeHandles = new InodeHandles(sys, procFd, options.fileHandles(), arena);
        directoryBuffers = new DirectoryStream.Buffers(arena, DIRECTORY_BUFFERS);
        locks =
                options.posixLock() || options.flock()
                        ? new Locks(this, board == null ? null : board.place())
                        : null;
        xattrMap = options.xattrMap();
        uids = options.uidMap();
        gids = options.gidMap();
        String plain = XattrMap.CAPABILITY;
        String capability = xattrMap == null ? plain : xattrMap.hostName(plain);
        capabilityName = capability.equals(plain) ? 0 : arena.allocateFrom(capability).address();
        try {
            insertRoot();
        } catch (SyscallException e) {
            arena.close();
            throw e;
        }
    }

    private void insertRoot() throws SyscallException {
        try (Arena scratch = Arena.ofConfined()) {
            Stat stat = new Stat(scratch);
            long empty = scratch.allocate(1).address();
            SyscallException.check(
                    sys.statx(rootFd, empty, Fcntl.AT_EMPTY_PATH, Stat.MASK, stat.address()),
                    "statx",
                    "the shared directory");
            if (stat.type() != StatMode.S_IFDIR) {
                throw new SyscallException("open", "the shared directory", Errno.ENOTDIR);
            }
            if (options.fileHandles() == PassthroughOptions.FileHandles.MANDATORY
                    && !InodeHandles.work(sys, rootFd)) {
                throw new SyscallException(
                        "open_by_handle_at", "the shared directory", Errno.EOPNOTSUPP);
            }
            MemorySegment statfs = scratch.allocate(StatFs.BYTES, Long.BYTES);
            int mount = addMount(stat, rootFd, statfs);
            inodes.insert(stat.ino(), mount, stat.birth(), StatMode.S_IFDIR, rootFd, 0);
            if (mounts.isLocal(mount)) {
                inodeHandles.met(mount, rootFd);
            }
        }
    }

    /** Remembers what INIT has agreed on. */
    void begin(InitNegotiation init) {
        DaxWindow window = dax;
        daxAgreed = false;
        if (window != null && init.offers(InitFlags.FUSE_MAP_ALIGNMENT)) {
            if (window.isAvailable()) {
                init.mapAlignmentLog2(DaxOptions.RANGE_SHIFT);
                init.enable(InitFlags.FUSE_HAS_INODE_DAX);
                daxAgreed = true;
            } else {
                Log.LOG.warn("no DAX: the front-end gives this device no window");
            }
        }
        session = init.enabled();
        minor = init.minor();
    }

    /** Whether the guest is to map an inode that is new to it. */
    boolean isToBeMapped(Stat stat, int mount) {
        DaxWindow window = dax;
        return window != null
                && daxAgreed
                && stat.type() == StatMode.S_IFREG
                && window.options().wants(stat.size())
                && (stat.attributes() & FIXED_CONTENTS) == 0
                && mounts.isWritable(mount)
                && mounts.isLocal(mount);
    }

    /** Whether {@link InitFlags} are part of the session. */
    boolean agreed(long flags) {
        return (session & flags) == flags;
    }

    /** Whether the guest's kernel speaks FUSE 7.{@code least} or newer. */
    boolean isAtLeast(int least) {
        return minor >= least;
    }

    /** The number of the mount that {@code stat} shows, learning it through {@code fd} if new. */
    int mountOf(Stat stat, int fd, MemorySegment scratch) {
        int known = mounts.find(stat.device(), stat.mountId());
        return known >= 0 ? known : addMount(stat, fd, scratch);
    }

    private int addMount(Stat stat, int fd, MemorySegment scratch) {
        boolean known = sys.fstatfs(fd, scratch.address()) >= 0;
        boolean local = known && MountTable.isLocalType(StatFs.type(scratch, 0));
        boolean writable = known && (StatFs.flags(scratch, 0) & ST_RDONLY) == 0;
        return mounts.add(stat.device(), stat.mountId(), local, writable);
    }

    /**
     * The host's user id for one of the guest's: 0 to 2^32 - 1, or -EPERM where it is forbidden.
     */
    long hostUid(int uid) {
        return uids == null ? Integer.toUnsignedLong(uid) : uids.toHost(uid);
    }

    /** As {@link #hostUid}, for groups. */
    long hostGid(int gid) {
        return gids == null ? Integer.toUnsignedLong(gid) : gids.toHost(gid);
    }

    /** What the guest is shown as the owner. */
    int guestUid(int uid) {
        return uids == null ? uid : uids.toGuest(uid);
    }

    int guestGid(int gid) {
        return gids == null ? gid : gids.toGuest(gid);
    }

    /**
     * Takes a file's capabilities away, before its contents or its owner change, where they have
     * another name on the host: its kernel does not know that name for what it is (CVE-2021-20263).
     *
     * @param fd of any kind
     * @return 0 or -errno
     */
    long dropMappedCapability(Worker w, int fd) {
        if (capabilityName == 0) {
            return 0;
        }
        long result = sys.removexattr(w.pathOf(fd), capabilityName);
        return result == -Errno.ENODATA || result == -Errno.EOPNOTSUPP ? 0 : Math.min(result, 0);
    }

    /** The slot of a node id, or -ESTALE. */
    int inode(long nodeId) {
        int slot = inodes.slot(nodeId);
        return slot < 0 ? -Errno.ESTALE : slot;
    }

    /** The descriptor of what the guest has open, or -EBADF. */
    int handleFd(long fh, long nodeId) {
        int handle = handles.slot(fh, nodeId);
        return handle < 0 ? -Errno.EBADF : handles.fd(handle);
    }

    /** The slot of a directory, -ESTALE or -ENOTDIR. */
    int directory(long nodeId) {
        int slot = inodes.slot(nodeId);
        if (slot < 0) {
            return -Errno.ESTALE;
        }
        return inodes.type(slot) == StatMode.S_IFDIR ? slot : -Errno.ENOTDIR;
    }

    /**
     * Makes the thread fit to look and read. Where all files are on this machine it does not matter
     * as whom, so the identity of the last creation may stay.
     */
    void identityToRead(Worker w) {
        if (!mounts.allLocal() || !w.credentials.readsAsAnyone()) {
            w.credentials.self();
        }
    }

    /**
     * A descriptor of an inode, for as long as the request runs: the one that pins it, or one that
     * is opened by handle.
     *
     * @return the descriptor or -errno, -ESTALE where the inode is no more
     */
    int fd(Worker w, int slot) {
        int fd = inodes.fd(slot);
        return fd >= 0 ? fd : openUnpinned(w, slot);
    }

    private int openUnpinned(Worker w, int slot) {
        boolean directory = inodes.type(slot) == StatMode.S_IFDIR;
        long nodeId = inodes.nodeId(slot);
        if (directory) {
            int kept = w.keptDirectory(nodeId);
            if (kept >= 0) {
                return kept;
            }
        }
        int fd = inodeHandles.open(inodes.mount(slot), inodes.handle(slot));
        if (fd < 0) {
            return fd;
        }
        if (directory) {
            w.keepDirectory(nodeId, fd);
        } else {
            w.closeAtEnd(fd);
        }
        return fd;
    }

    private void dispose(long item) {
        int slot = (int) item;
        int fd;
        if ((item & HANDLE_TAG) != 0) {
            fd = handles.release(slot);
        } else if ((item & DESCRIPTOR_TAG) != 0) {
            fd = slot;
        } else {
            long handle = inodes.handle(slot);
            if (handle != 0) {
                inodeHandles.free(handle);
            }
            int mount = inodes.mount(slot);
            long released = inodes.release(slot);
            fd = (int) released;
            if ((released & InodeTable.LAST_OF_MOUNT) != 0) {
                leave(mount);
            }
        }
        if (fd >= 0) {
            sys.close(fd);
        }
    }

    private void leave(int mount) {
        int fd = inodeHandles.left(mount);
        if (fd >= 0) {
            reclaimer.retire(null, DESCRIPTOR_TAG | fd);
        }
    }

    /** Ends every handle and every inode but the root. */
    void forgetAll(Reclaimer.@Nullable Participant self) {
        if (locks != null) {
            locks.endAll();
        }
        handles.removeAll(self);
        inodes.removeAll(self);
        reclaimer.collect();
    }

    @Override
    public void close() {
        forgetAll(null);
        inodeHandles.close();
        arena.close();
    }

    /** Loads SLF4J at the first message, not at start-up. */
    private static final class Log {
        static final Logger LOG = LoggerFactory.getLogger(Share.class);
    }
}
