package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FileSystem;
import io.porthole.fuse.FuseFileLock;
import io.porthole.fuse.FuseLkIn;
import io.porthole.fuse.InitFlags;
import io.porthole.fuse.Request;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.FlockRange;
import io.porthole.virtiofsd.lockboard.BoardPlace;
import io.porthole.virtiofsd.passthrough.LockOwners.Holder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Advisory locks of the guest that hold on the host: GETLK, SETLK, SETLKW.
 *
 * <p>A fcntl(2) lock of a guest becomes an open-file-description lock on a descriptor that belongs
 * to (file, lock owner) alone; a flock(2) lock becomes one on the descriptor of the guest's open
 * file. So they exclude other guests, other daemons and the host's processes, and end with the
 * daemon.
 *
 * <p>No request waits on a queue's thread. One that has to wait is detached, and a thread that
 * exists only as long as somebody waits asks for its lock again: at once when a lock of this share
 * is given up, else at intervals of {@link #FIRST_NAP_MILLIS} to {@link #LAST_NAP_MILLIS}. A
 * blocking system call instead could be neither bounded nor called off.
 *
 * <p>Everything is guarded by this object's monitor; descriptors, ranges and waiting requests are
 * bounded, since a guest pays nothing for them. ADR 21 tells what holds and what does not.
 */
final class Locks {
    static final int MAX_WAITING = 1024;
    private static final long FIRST_NAP_MILLIS = 1;
    private static final long LAST_NAP_MILLIS = 25;

    private final Share share;
    private final LockOwners owners;
    private final List<LockWait> waiting = new ArrayList<>();
    private final LockCycles cycles;
    private @Nullable Thread waiter;
    private boolean changed;

    /** Whether there is anything to give up; read without the monitor. */
    private volatile boolean used;

    /**
     * @param board where deadlocks with other shares can be seen, or null
     */
    Locks(Share share, @Nullable BoardPlace board) {
        this.share = share;
        owners = new LockOwners(share);
        cycles = new LockCycles(owners, waiting, board);
    }

    /** GETLK. Writes fuse_lk_out: the lock in the way, or F_UNLCK. */
    synchronized long getlk(Request r, MemorySegment in, long at, MemorySegment out, long outAt) {
        long refused = refuse(in, at);
        if (refused < 0) {
            return refused;
        }
        int type = FuseFileLock.type(in, at + FuseLkIn.LK);
        if (isFlock(in, at) || type == Fcntl.F_UNLCK) {
            return -Errno.EINVAL;
        }
        int handle = handle(r.nodeId(), FuseLkIn.fh(in, at));
        if (handle < 0) {
            return handle;
        }
        long start = FuseFileLock.start(in, at + FuseLkIn.LK);
        long end = FuseFileLock.end(in, at + FuseLkIn.LK);
        LockOwners.Key key = new LockOwners.Key(r.nodeId(), FuseLkIn.owner(in, at));
        for (Holder other : owners.others(key)) {
            LockRanges.Range range = other.ranges.conflict(start, end, type);
            if (range != null) {
                return describe(out, outAt, range.start(), range.end(), range.type(), range.pid());
            }
        }
        // Asked through the owner's own descriptor, or its own locks would be in its way.
        Holder own = owners.find(key);
        int fd = own != null ? own.fd : share.handles.fd(handle);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment flock = LockOwners.flock(arena, start, end, type);
            long result = share.sys.fcntl(fd, Fcntl.F_OFD_GETLK, flock.address());
            if (result < 0) {
                return result;
            }
            int found = FlockRange.type(flock, 0);
            if (found == Fcntl.F_UNLCK) {
                return describe(out, outAt, start, end, found, 0);
            }
            long foundStart = FlockRange.start(flock, 0);
            long bytes = FlockRange.lengthBytes(flock, 0);
            // Process ids of the host are none of the guest's business, and mean nothing to it.
            return describe(
                    out,
                    outAt,
                    foundStart,
                    bytes == 0 ? Long.MAX_VALUE : foundStart + bytes - 1,
                    found,
                    0);
        }
    }

    private static long describe(
            MemorySegment out, long at, long start, long end, int type, int pid) {
        FuseFileLock.start(out, at, start);
        FuseFileLock.end(out, at, end);
        FuseFileLock.type(out, at, type);
        FuseFileLock.pid(out, at, pid);
        return 0;
    }

    /** SETLK and SETLKW: 0, -errno, or {@link FileSystem#DEFERRED}. */
    synchronized long setlk(Worker w, Request r, MemorySegment in, long at, boolean wait) {
        long refused = refuse(in, at);
        if (refused < 0) {
            return refused;
        }
        long fh = FuseLkIn.fh(in, at);
        int handle = handle(r.nodeId(), fh);
        if (handle < 0) {
            return handle;
        }
        int type = FuseFileLock.type(in, at + FuseLkIn.LK);
        if (isFlock(in, at)) {
            return flock(r, fh, share.handles.fd(handle), type, wait);
        }
        long start = FuseFileLock.start(in, at + FuseLkIn.LK);
        long end = FuseFileLock.end(in, at + FuseLkIn.LK);
        int pid = FuseFileLock.pid(in, at + FuseLkIn.LK);
        LockOwners.Key key = new LockOwners.Key(r.nodeId(), FuseLkIn.owner(in, at));
        Holder holder = owners.find(key);
        if (type == Fcntl.F_UNLCK) {
            return holder == null ? 0 : unlock(holder, start, end);
        }
        if (owners.isFull()) {
            return -Errno.ENOLCK;
        }
        if (holder == null) {
            long added = owners.add(w, key, share.handles.fd(handle), fh);
            holder = owners.find(key);
            if (holder == null) {
                return added;
            }
            used = true;
        }
        if (type == Fcntl.F_WRLCK && holder.readOnly) {
            endIfIdle(holder);
            return -Errno.EBADF;
        }
        long result = tryRange(holder, start, end, type, pid);
        if (isConflict(result) && wait) {
            result = waitForRange(r, holder, fh, start, end, type, pid);
        } else if (isConflict(result)) {
            result = -Errno.EAGAIN;
        }
        endIfIdle(holder);
        return result;
    }

    private static boolean isConflict(long result) {
        return result == -Errno.EAGAIN || result == -Errno.EACCES;
    }

    private static boolean isFlock(MemorySegment in, long at) {
        return (FuseLkIn.lkFlags(in, at) & FuseLkIn.FUSE_LK_FLOCK) != 0;
    }

    /** ENOSYS for what INIT has not agreed on, EINVAL for what no kernel sends; else 0. */
    private long refuse(MemorySegment in, long at) {
        if (!share.agreed(
                isFlock(in, at) ? InitFlags.FUSE_FLOCK_LOCKS : InitFlags.FUSE_POSIX_LOCKS)) {
            return -Errno.ENOSYS;
        }
        long start = FuseFileLock.start(in, at + FuseLkIn.LK);
        long end = FuseFileLock.end(in, at + FuseLkIn.LK);
        int type = FuseFileLock.type(in, at + FuseLkIn.LK);
        boolean known = type == Fcntl.F_RDLCK || type == Fcntl.F_WRLCK || type == Fcntl.F_UNLCK;
        return known && start >= 0 && end >= start ? 0 : -Errno.EINVAL;
    }

    private int handle(long nodeId, long fh) {
        int handle = share.handles.slot(fh, nodeId);
        return handle < 0 || share.handles.stream(handle) != null ? -Errno.EBADF : handle;
    }

    // ---- fcntl(2) ----

    private long tryRange(Holder holder, long start, long end, int type, int pid) {
        long owner = holder.key.owner();
        if (!waiting.isEmpty() && isLess(holder, start, end, type)) {
            // Before: what is on the board of it has to be true as long as it is there.
            cycles.changes(owner);
        }
        long result = owners.set(holder, start, end, type, pid);
        if (result >= 0 && !waiting.isEmpty() && cycles.changes(owner)) {
            wakeWaiter();
        }
        return result;
    }

    /**
     * Whether the owner gives up something: by unlocking, or by making a write lock a read lock.
     */
    private static boolean isLess(Holder holder, long start, long end, int type) {
        return type == Fcntl.F_UNLCK
                || (type == Fcntl.F_RDLCK
                        && holder.ranges.conflict(start, end, Fcntl.F_RDLCK) != null);
    }

    private long unlock(Holder holder, long start, long end) {
        long result = tryRange(holder, start, end, Fcntl.F_UNLCK, 0);
        endIfIdle(holder);
        wakeWaiter();
        return result;
    }

    private void endIfIdle(Holder holder) {
        if (holder.ranges.isEmpty() && holder.waiting == 0) {
            end(holder);
        }
    }

    private void end(Holder holder) {
        owners.end(holder);
        used = !owners.isEmpty() || !waiting.isEmpty();
    }

    private long waitForRange(
            Request r, Holder holder, long fh, long start, long end, int type, int pid) {
        if (waiting.size() >= MAX_WAITING) {
            return -Errno.ENOLCK;
        }
        if (cycles.wouldClose(holder, start, end, type)) {
            return -Errno.EDEADLK;
        }
        holder.waiting++;
        add(new LockWait(r.defer(), holder.key.nodeId(), fh, holder, -1, start, end, type, pid));
        return FileSystem.DEFERRED;
    }

    // ---- flock(2) ----

    private long flock(Request r, long fh, int fd, int type, boolean wait) {
        long result = share.sys.flock(fd, operation(type));
        if (type == Fcntl.F_UNLCK) {
            wakeWaiter();
            return result;
        }
        if (!isConflict(result)) {
            // A conversion to a shared lock may let others in.
            wakeWaiter();
            return result;
        }
        if (!wait) {
            return -Errno.EAGAIN;
        }
        if (waiting.size() >= MAX_WAITING) {
            return -Errno.ENOLCK;
        }
        // The same open file under a number that outlives the handle.
        long copy = share.sys.fcntl(fd, Fcntl.F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            return -Errno.ENOLCK;
        }
        add(new LockWait(r.defer(), r.nodeId(), fh, null, (int) copy, 0, Long.MAX_VALUE, type, 0));
        return FileSystem.DEFERRED;
    }

    private static int operation(int type) {
        return switch (type) {
            case Fcntl.F_RDLCK -> Fcntl.LOCK_SH | Fcntl.LOCK_NB;
            case Fcntl.F_WRLCK -> Fcntl.LOCK_EX | Fcntl.LOCK_NB;
            default -> Fcntl.LOCK_UN;
        };
    }

    // ---- What ends locks and waits ----

    /** Whether FLUSH, RELEASE or INTERRUPT may concern a lock; costs one read. */
    boolean inUse() {
        return used;
    }

    /** FLUSH: close(2) ends all fcntl(2) locks of the owner on the file. */
    synchronized void flush(long nodeId, long owner) {
        Holder holder = owners.find(new LockOwners.Key(nodeId, owner));
        if (holder != null) {
            unlock(holder, 0, Long.MAX_VALUE);
        }
    }

    /**
     * RELEASE: the last descriptor of an open file is closed in the guest. What was locked through
     * it and is still there belongs to the open file itself (F_OFD_SETLK in the guest).
     */
    synchronized void release(long nodeId, long fh) {
        for (Iterator<LockWait> i = waiting.iterator(); i.hasNext(); ) {
            LockWait w = i.next();
            if (w.nodeId == nodeId && w.fh == fh) {
                i.remove();
                finish(w, Errno.EBADF);
            }
        }
        for (Holder h : owners.ofNode(nodeId)) {
            if (h.fh == fh) {
                unlock(h, 0, Long.MAX_VALUE);
            }
        }
        // Whoever waits for a flock(2) of this file that ends now.
        wakeWaiter();
    }

    /** INTERRUPT: a process of the guest no longer waits. */
    synchronized void interrupt(long unique) {
        for (Iterator<LockWait> i = waiting.iterator(); i.hasNext(); ) {
            LockWait w = i.next();
            if (w.answer.unique() == unique) {
                i.remove();
                finish(w, Errno.EINTR);
                return;
            }
        }
    }

    /** The session ends: all locks and waits do. */
    synchronized void endAll() {
        List<LockWait> ended = List.copyOf(waiting);
        waiting.clear();
        for (LockWait w : ended) {
            finish(w, Errno.EIO);
        }
        for (Holder h : owners.all()) {
            end(h);
        }
        cycles.end();
        used = false;
        wakeWaiter();
    }

    /** Answers a request that is out of the list already. */
    private void finish(LockWait w, int error) {
        cycles.withdraw(w);
        Holder holder = w.holder;
        if (holder != null) {
            holder.waiting--;
            endIfIdle(holder);
        } else {
            share.sys.close(w.fd);
        }
        used = !owners.isEmpty() || !waiting.isEmpty();
        w.answer.complete(error, MemorySegment.NULL);
    }

    /** Owners with a descriptor. */
    synchronized int ownerCount() {
        return owners.count();
    }

    synchronized int waitingCount() {
        return waiting.size();
    }

    // ---- Waiting ----

    /** Takes a detached request into the list; the waiter answers it. */
    private void add(LockWait wanted) {
        waiting.add(wanted);
        used = true;
        if (waiter == null) {
            Thread t = new Thread(this::serveWaiting, "lock-waiter");
            t.setDaemon(true);
            // It waits for this monitor. Where no thread can be had, there is none to wake.
            t.start();
            waiter = t;
        } else {
            wakeWaiter();
        }
    }

    private void wakeWaiter() {
        if (!waiting.isEmpty() || waiter != null) {
            changed = true;
            notifyAll();
        }
    }

    private synchronized void serveWaiting() {
        long nap = FIRST_NAP_MILLIS;
        while (!waiting.isEmpty()) {
            changed = false;
            if (grantWhatIsFree()) {
                nap = FIRST_NAP_MILLIS;
            }
            boolean more = cycles.tell(this::deadlock);
            if (waiting.isEmpty()) {
                break;
            }
            try {
                // Many that wait are asked less often, so that their number costs no CPU.
                wait(more ? FIRST_NAP_MILLIS : nap + waiting.size() / 32);
            } catch (InterruptedException e) {
                continue;
            }
            nap = changed ? FIRST_NAP_MILLIS : Math.min(nap + 1, LAST_NAP_MILLIS);
        }
        waiter = null;
    }

    private void deadlock(LockWait w) {
        waiting.remove(w);
        finish(w, Errno.EDEADLK);
    }

    /** In the order in which they came. Returns whether anyone was served. */
    private boolean grantWhatIsFree() {
        boolean any = false;
        for (LockWait w : List.copyOf(waiting)) {
            Holder holder = w.holder;
            long result;
            if (holder == null) {
                result = share.sys.flock(w.fd, operation(w.type));
            } else if (owners.isFull()) {
                result = -Errno.ENOLCK;
            } else if (blockedHere(w, holder)) {
                continue;
            } else {
                result = tryRange(holder, w.start, w.end, w.type, w.pid);
            }
            if (!isConflict(result)) {
                waiting.remove(w);
                finish(w, (int) -result);
                any = true;
            }
        }
        return any;
    }

    /** Saves a system call where this daemon knows that the lock is taken. */
    private boolean blockedHere(LockWait w, Holder holder) {
        for (Holder other : owners.others(holder.key)) {
            if (other.ranges.conflict(w.start, w.end, w.type) != null) {
                return true;
            }
        }
        return false;
    }
}
