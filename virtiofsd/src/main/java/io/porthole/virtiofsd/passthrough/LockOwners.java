package io.porthole.virtiofsd.passthrough;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.FlockRange;
import io.porthole.linux.Statx;
import io.porthole.virtiofsd.lockboard.FileRange;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who has fcntl(2) locks in a share: for each (file, owner) a descriptor of its own, which carries
 * them, and the ranges. Guarded by the monitor of {@link Locks}.
 */
final class LockOwners {
    static final int MAX_OWNERS = 2048;
    static final int MAX_RANGES = 1 << 16;

    record Key(long nodeId, long owner) {}

    /** Locks of one owner on one file, and the descriptor that carries them. */
    static final class Holder {
        final Key key;
        final int fd;
        final boolean readOnly;

        /**
         * The open file of the first lock: its RELEASE ends locks that no FLUSH tells the end of.
         */
        final long fh;

        final LockRanges ranges = new LockRanges();
        int waiting;

        /** What the host calls the file, once somebody has asked; see {@link #identify}. */
        private long device;

        private long inode;
        private boolean identified;

        private Holder(Key key, int fd, boolean readOnly, long fh) {
            this.key = key;
            this.fd = fd;
            this.readOnly = readOnly;
            this.fh = fh;
        }

        /** A range of this file as other shares know it; after {@link #identify} only. */
        FileRange onHost(long start, long end, int type) {
            return new FileRange(device, inode, start, end, type);
        }
    }

    private final Share share;
    private final Map<Key, Holder> holders = new HashMap<>();
    private final Map<Long, List<Holder>> byNode = new HashMap<>();
    private int rangeCount;

    LockOwners(Share share) {
        this.share = share;
    }

    @Nullable Holder find(Key key) {
        return holders.get(key);
    }

    int count() {
        return holders.size();
    }

    boolean isEmpty() {
        return holders.isEmpty();
    }

    /** Whether one more lock may be more than a guest gets. */
    boolean isFull() {
        return rangeCount + 2 > MAX_RANGES;
    }

    /** Those of a file, as of now. */
    List<Holder> ofNode(long nodeId) {
        List<Holder> all = byNode.get(nodeId);
        return all == null ? List.of() : List.copyOf(all);
    }

    List<Holder> all() {
        return List.copyOf(holders.values());
    }

    /** Who else has locks of a file. */
    List<Holder> others(Key key) {
        List<Holder> all = byNode.get(key.nodeId);
        if (all == null) {
            return List.of();
        }
        List<Holder> others = new ArrayList<>(all.size());
        for (Holder h : all) {
            if (h.key.owner != key.owner) {
                others.add(h);
            }
        }
        return others;
    }

    /**
     * Opens the file for an owner that has no lock of it yet.
     *
     * @return 0, or -errno: ENOLCK where the guest has its share of owners
     */
    long add(Worker w, Key key, int handleFd, long fh) {
        long fd = openForOwner(w, handleFd);
        if (fd < 0) {
            return fd;
        }
        long mode = share.sys.fcntl((int) fd, Fcntl.F_GETFL, 0) & Fcntl.O_ACCMODE;
        Holder holder = new Holder(key, (int) fd, mode == Fcntl.O_RDONLY, fh);
        holders.put(key, holder);
        byNode.computeIfAbsent(key.nodeId, n -> new ArrayList<>()).add(holder);
        return 0;
    }

    /**
     * An open file of its own for an owner, able to carry locks of both kinds where the file can be
     * opened so: the owner may lock through several of its open files.
     */
    private long openForOwner(Worker w, int handleFd) {
        if (holders.size() >= MAX_OWNERS) {
            return -Errno.ENOLCK;
        }
        int flags = Fcntl.O_CLOEXEC | Fcntl.O_NONBLOCK;
        long fd = -Errno.EROFS;
        if (!share.options.readonly()) {
            fd = share.sys.openat(share.procFd, w.pathOf(handleFd), flags | Fcntl.O_RDWR, 0);
        }
        if (fd < 0) {
            // A read-only file system, a program that runs, an append-only file.
            fd = share.sys.openat(share.procFd, w.pathOf(handleFd), flags | Fcntl.O_RDONLY, 0);
        }
        return fd == -Errno.EMFILE || fd == -Errno.ENFILE ? -Errno.ENOLCK : fd;
    }

    /** Locks or, with F_UNLCK, unlocks: 0 or -errno. */
    long set(Holder holder, long start, long end, int type, int pid) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment flock = flock(arena, start, end, type);
            long result = share.sys.fcntl(holder.fd, Fcntl.F_OFD_SETLK, flock.address());
            if (result >= 0) {
                int before = holder.ranges.size();
                holder.ranges.set(start, end, type, pid);
                rangeCount += holder.ranges.size() - before;
            }
            return Math.min(result, 0);
        }
    }

    static MemorySegment flock(Arena arena, long start, long end, int type) {
        MemorySegment flock = arena.allocate(FlockRange.LAYOUT);
        FlockRange.type(flock, 0, (short) type);
        FlockRange.start(flock, 0, start);
        FlockRange.lengthBytes(flock, 0, end == Long.MAX_VALUE ? 0 : end - start + 1);
        return flock;
    }

    /** Closes the owner's descriptor, and with it gives up its locks. */
    void end(Holder holder) {
        if (holders.remove(holder.key, holder)) {
            List<Holder> ofNode = byNode.get(holder.key.nodeId);
            if (ofNode != null) {
                ofNode.remove(holder);
                if (ofNode.isEmpty()) {
                    byNode.remove(holder.key.nodeId);
                }
            }
            rangeCount -= holder.ranges.size();
            share.sys.close(holder.fd);
        }
    }

    /** Asks the host which file this is. Returns whether it tells. */
    boolean identify(Holder holder) {
        if (!holder.identified) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment status = arena.allocate(Statx.BYTES, Long.BYTES);
                long empty = arena.allocate(1).address();
                int flags = Fcntl.AT_EMPTY_PATH | Fcntl.AT_STATX_DONT_SYNC;
                holder.identified =
                        share.sys.statx(holder.fd, empty, flags, Statx.STATX_INO, status.address())
                                >= 0;
                holder.device = Statx.device(status, 0);
                holder.inode = Statx.inode(status, 0);
            }
        }
        return holder.identified;
    }

    /** What an owner has in all files, as other shares know it: {@code max} ranges at most. */
    List<FileRange> heldOnHost(long owner, int max) {
        List<FileRange> held = new ArrayList<>();
        for (Holder h : holders.values()) {
            if (h.key.owner == owner && !h.ranges.isEmpty() && identify(h)) {
                h.ranges.forEach(r -> {
                    if (held.size() < max) {
                        held.add(h.onHost(r.start(), r.end(), r.type()));
                    }
                });
            }
        }
        return held;
    }
}
