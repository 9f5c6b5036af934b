package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FileSystem;
import io.porthole.fuse.FuseAttrOut;
import io.porthole.fuse.FuseEntryOut;
import io.porthole.fuse.FuseSetattrIn;
import io.porthole.fuse.FuseStatxOut;
import io.porthole.fuse.InitNegotiation;
import io.porthole.fuse.Request;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.NativeMemory;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.dax.DaxFiles;
import io.porthole.virtiofsd.dax.DaxWindow;
import io.porthole.virtiofsd.lockboard.LockBoard;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Serves a directory of the host. See the package for containment, threading and ownership.
 *
 * <p>Each operation announces itself to the {@link Reclaimer}, makes the thread the daemon itself
 * (unless it creates something), and hands over to the class of its area.
 */
public final class PassthroughFileSystem implements FileSystem {
    private static final long READ_ONLY = -Errno.EROFS;

    private final Arena arena;
    private final Share share;
    private final Entries entries;
    private final Attributes attributes;
    private final FileIo files;
    private final DirectoryOps directories;
    private final Creation creation;
    private final Xattrs xattrs;
    private final FileFlags flags;
    private final boolean readonly;
    private final @Nullable DaxWindow dax;
    private final MappedSizes sizes;

    /** Per share, because a thread may serve more than one. */
    @SuppressWarnings("ThreadLocalUsage")
    private final ThreadLocal<@Nullable Worker> workers = new ThreadLocal<>();

    /**
     * @param rootFd O_PATH descriptor of the directory to share; stays the caller's
     * @param procFd O_PATH descriptor of /proc/self/fd; stays the caller's
     * @throws SyscallException where {@code rootFd} is no directory that can be looked at
     */
    public PassthroughFileSystem(Syscalls sys, PassthroughOptions options, int rootFd, int procFd)
            throws SyscallException {
        this(sys, options, rootFd, procFd, null, null);
    }

    /**
     * As the other.
     *
     * @param dax a DAX window, which stays the caller's, or null
     * @param board where deadlocks of locks with other shares can be seen; stays the caller's, or
     *     null
     */
    public PassthroughFileSystem(
            Syscalls sys,
            PassthroughOptions options,
            int rootFd,
            int procFd,
            @Nullable DaxWindow dax,
            @Nullable LockBoard board)
            throws SyscallException {
        share = new Share(sys, options, rootFd, procFd, board);
        this.dax = dax;
        sizes = new MappedSizes(dax);
        share.dax = dax;
        entries = new Entries(share);
        attributes = new Attributes(share, entries);
        files = new FileIo(share);
        arena = Arena.ofShared();
        MemorySegment dot = arena.allocate(2);
        dot.set(ValueLayout.JAVA_BYTE, 0, (byte) '.');
        directories = new DirectoryOps(share, entries, dot.address());
        creation = new Creation(share, entries, files, dot.address());
        xattrs = new Xattrs(share);
        flags = new FileFlags(share);
        readonly = options.readonly();
        if (dax != null) {
            dax.serve(new MappedFiles(this));
        }
    }

    /**
     * Makes the calling thread a request thread: its own working directory and umask, no
     * supplementary groups. Once per thread, before its first request; the thread is of no use for
     * relative paths afterwards.
     *
     * @throws SyscallException where the kernel refuses
     */
    public void threadStarted() throws SyscallException {
        startThread(false);
    }

    /**
     * As {@link #threadStarted}, for a thread that calls {@link #threadRests} whenever it is about
     * to wait for requests: it has less to do for each of them.
     */
    public void queueThreadStarted() throws SyscallException {
        startThread(true);
    }

    private void startThread(boolean stays) throws SyscallException {
        if (workers.get() == null) {
            workers.set(new Worker(share.sys, share.reclaimer, share.procFd, stays));
        }
    }

    /** The calling thread will not serve its next request at once. */
    public void threadRests() {
        Worker w = workers.get();
        if (w != null) {
            share.reclaimer.rest(w.presence);
        }
    }

    /** The calling thread serves no more requests. */
    public void threadStopped() {
        Worker w = workers.get();
        if (w != null) {
            workers.remove();
            w.credentials.self();
            w.close();
        }
    }

    /** Inodes that the guest knows, the root among them. */
    public int inodeCount() {
        return share.inodes.count();
    }

    /** Those of them that are pinned by a descriptor. */
    public int pinnedInodeCount() {
        return share.inodes.pinnedCount();
    }

    /** Files and directories that the guest has open. */
    public int handleCount() {
        return share.handles.count();
    }

    /** Requests for a lock that wait. */
    public int waitingLockCount() {
        Locks locks = share.locks;
        return locks == null ? 0 : locks.waitingCount();
    }

    /** Owners of locks, each with a descriptor, counted once per file. */
    public int lockOwnerCount() {
        Locks locks = share.locks;
        return locks == null ? 0 : locks.ownerCount();
    }

    /** What the calling thread has for itself. */
    private Worker worker() {
        Worker w = workers.get();
        if (w == null) {
            throw new IllegalStateException(
                    Thread.currentThread() + " serves requests without threadStarted()");
        }
        return w;
    }

    /** Begins a request in which the thread takes on a caller's identity itself. */
    private Worker enter(Request r) {
        Worker w;
        if (r.companion() instanceof Worker known && known.isOf(share.reclaimer)) {
            w = known;
        } else {
            w = worker();
            r.companion(w);
        }
        share.reclaimer.enter(w.presence);
        return w;
    }

    /** Begins a request that the daemon does as itself. */
    private Worker enterAsSelf(Request r) {
        Worker w = enter(r);
        w.credentials.self();
        return w;
    }

    /** Begins a request that only looks and reads. */
    private Worker enterToRead(Request r) {
        Worker w = enter(r);
        share.identityToRead(w);
        return w;
    }

    /** Ends an operation that shows the guest an inode by a fuse_entry_out. */
    private long shownEntry(Worker w, Request r, long result, MemorySegment out, long at) {
        return dax == null
                ? result
                : sizes.shown(
                        w.stat.size(),
                        r,
                        result,
                        FuseEntryOut.nodeId(out, at),
                        out,
                        at,
                        FuseEntryOut.BYTES);
    }

    private long shownAttr(Worker w, Request r, long nodeId, long result, long out) {
        return sizes.shown(
                w.attributes.size(), r, result, nodeId, NativeMemory.ALL, out, FuseAttrOut.BYTES);
    }

    private void leave(Worker w) {
        w.requestEnded();
        share.reclaimer.leave(w.presence);
    }

    @Override
    public void init(InitNegotiation init) {
        SessionFlags.agree(init, share.options, readonly);
        if (!init.isRefused()) {
            share.begin(init);
        }
    }

    @Override
    public void destroy() {
        Worker w = workers.get();
        share.forgetAll(w == null ? null : w.presence);
        if (dax != null) {
            dax.reset();
        }
    }

    @Override
    public long destroyed(Request r) {
        return dax == null ? 0 : dax.whenReset(r);
    }

    @Override
    public long setupMapping(
            Request r, long fh, long fileOffset, long bytes, long flags, long windowOffset) {
        return dax == null ? ENOSYS : dax.setup(r, fileOffset, bytes, flags, windowOffset);
    }

    @Override
    public long removeMappings(Request r, MemorySegment ranges, long at, int count) {
        return dax == null ? ENOSYS : dax.remove(r, ranges, at, count);
    }

    /** Opens a file for the mapper; see {@link DaxFiles#open}. */
    long openForMapping(long nodeId) {
        Worker w = worker();
        share.reclaimer.enter(w.presence);
        w.credentials.self();
        try {
            return files.openForMapping(w, nodeId);
        } finally {
            leave(w);
        }
    }

    /** No request may be under way. */
    @Override
    public void close() {
        share.close();
        arena.close();
    }

    @Override
    public long lookup(Request r, long nameAddr, int nameBytes, MemorySegment out, long at) {
        Worker w = enterToRead(r);
        try {
            long result = entries.lookup(w, r, nameAddr, nameBytes, out, at);
            return shownEntry(w, r, result, out, at);
        } finally {
            leave(w);
        }
    }

    @Override
    public void forget(Request r, long nodeId, long count) {
        Worker w = enter(r);
        try {
            share.inodes.forget(nodeId, count, w.presence);
        } finally {
            leave(w);
        }
    }

    @Override
    public long getattr(Request r, long out) {
        Worker w = enterToRead(r);
        try {
            long nodeId = r.nodeId();
            long result = attributes.getattr(w, nodeId, out);
            return dax == null ? result : shownAttr(w, r, nodeId, result, out);
        } finally {
            leave(w);
        }
    }

    @Override
    public long setattr(Request r, MemorySegment args, long argsAt, MemorySegment out, long at) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enterAsSelf(r);
        try {
            long nodeId = r.nodeId();
            long result = attributes.setattr(w, nodeId, args, argsAt, out, at);
            boolean resized = (FuseSetattrIn.valid(args, argsAt) & FuseSetattrIn.FATTR_SIZE) != 0;
            return !resized || sizes.isSettled(result, nodeId, w.attributes.size())
                    ? result
                    : sizes.settle(r, nodeId, MappedSizes.body(out, at, FuseAttrOut.BYTES));
        } finally {
            leave(w);
        }
    }

    @Override
    public long readlink(Request r, MemorySegment out, long at, int maxBytes) {
        Worker w = enterToRead(r);
        try {
            return attributes.readlink(w, r.nodeId(), out, at, maxBytes);
        } finally {
            leave(w);
        }
    }

    @Override
    public long symlink(
            Request r, long nameAddr, int nameBytes, long targetAddr, MemorySegment out, long at) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enter(r);
        try {
            return creation.symlink(w, r, nameAddr, nameBytes, targetAddr, out, at);
        } finally {
            leave(w);
        }
    }

    @Override
    public long mknod(
            Request r,
            long nameAddr,
            int nameBytes,
            int mode,
            int rdev,
            int umask,
            MemorySegment out,
            long at) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enter(r);
        try {
            return creation.mknod(w, r, nameAddr, nameBytes, mode, rdev, umask, out, at);
        } finally {
            leave(w);
        }
    }

    @Override
    public long mkdir(
            Request r,
            long nameAddr,
            int nameBytes,
            int mode,
            int umask,
            MemorySegment out,
            long at) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enter(r);
        try {
            return creation.mkdir(w, r, nameAddr, nameBytes, mode, umask, out, at);
        } finally {
            leave(w);
        }
    }

    @Override
    public long unlink(Request r, long nameAddr, int nameBytes) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enterAsSelf(r);
        try {
            return creation.unlink(w, r.nodeId(), nameAddr, 0);
        } finally {
            leave(w);
        }
    }

    @Override
    public long rmdir(Request r, long nameAddr, int nameBytes) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enterAsSelf(r);
        try {
            return creation.unlink(w, r.nodeId(), nameAddr, Fcntl.AT_REMOVEDIR);
        } finally {
            leave(w);
        }
    }

    @Override
    public long rename(
            Request r,
            long nameAddr,
            int nameBytes,
            long newParent,
            long newNameAddr,
            int newNameBytes,
            int flags) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enterAsSelf(r);
        try {
            return creation.rename(w, r.nodeId(), nameAddr, newParent, newNameAddr, flags);
        } finally {
            leave(w);
        }
    }

    @Override
    public long link(
            Request r, long oldNodeId, long nameAddr, int nameBytes, MemorySegment out, long at) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enterAsSelf(r);
        try {
            long result = creation.link(w, oldNodeId, r.nodeId(), nameAddr, out, at);
            return shownEntry(w, r, result, out, at);
        } finally {
            leave(w);
        }
    }

    @Override
    public long open(Request r, int flags, int openFlags, MemorySegment out, long at) {
        Worker w = enterAsSelf(r);
        try {
            return files.open(w, r.nodeId(), flags, openFlags, r.uid(), out, at);
        } finally {
            leave(w);
        }
    }

    @Override
    public long create(
            Request r,
            long nameAddr,
            int nameBytes,
            int flags,
            int mode,
            int umask,
            int openFlags,
            MemorySegment out,
            long entryAt,
            long openAt) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enter(r);
        try {
            return creation.create(
                    w, r, nameAddr, nameBytes, flags, mode, umask, openFlags, out, entryAt, openAt);
        } finally {
            leave(w);
        }
    }

    @Override
    public long tmpfile(
            Request r,
            int flags,
            int mode,
            int umask,
            int openFlags,
            MemorySegment out,
            long entryAt,
            long openAt) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enter(r);
        try {
            return creation.tmpfile(w, r, flags, mode, umask, out, entryAt, openAt);
        } finally {
            leave(w);
        }
    }

    @Override
    public long statx(
            Request r,
            int getattrFlags,
            long fh,
            int statxFlags,
            int mask,
            MemorySegment out,
            long at) {
        Worker w = enterToRead(r);
        try {
            long result = attributes.statx(w, r.nodeId(), statxFlags, out, at);
            return sizes.shown(w.stat.size(), r, result, r.nodeId(), out, at, FuseStatxOut.BYTES);
        } finally {
            leave(w);
        }
    }

    @Override
    public long read(Request r, long fh, long offset, int bytes, int readFlags, int flags) {
        Worker w = enterToRead(r);
        try {
            if (dax != null) {
                dax.countRead();
            }
            return files.read(r, fh, offset, bytes);
        } finally {
            leave(w);
        }
    }

    @Override
    public long write(Request r, long fh, long offset, int bytes, int writeFlags, int flags) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enterAsSelf(r);
        try {
            long written = files.write(w, r, fh, offset, bytes, writeFlags, flags);
            boolean append = (flags & Fcntl.O_APPEND) != 0;
            return sizes.isSettled(written, r.nodeId(), append ? Long.MAX_VALUE : offset + written)
                    ? written
                    : sizes.settle(r, r.nodeId(), MappedSizes.count(written));
        } finally {
            leave(w);
        }
    }

    @Override
    public long flush(Request r, long fh, long lockOwner) {
        Worker w = enterToRead(r);
        try {
            return files.flush(r.nodeId(), fh, lockOwner);
        } finally {
            leave(w);
        }
    }

    @Override
    public long release(Request r, long fh, int flags, int releaseFlags, long lockOwner) {
        Worker w = enterToRead(r);
        try {
            return files.release(w, r.nodeId(), fh, releaseFlags);
        } finally {
            leave(w);
        }
    }

    @Override
    public long fsync(Request r, long fh, boolean dataOnly) {
        Worker w = enterAsSelf(r);
        try {
            return files.fsync(r.nodeId(), fh, dataOnly);
        } finally {
            leave(w);
        }
    }

    @Override
    public long opendir(Request r, int flags, MemorySegment out, long at) {
        Worker w = enterToRead(r);
        try {
            return directories.opendir(w, r.nodeId(), out, at);
        } finally {
            leave(w);
        }
    }

    @Override
    public long readdir(
            Request r,
            long fh,
            long offset,
            boolean plus,
            MemorySegment out,
            long at,
            int maxBytes) {
        Worker w = enterToRead(r);
        try {
            return directories.readdir(w, r.nodeId(), fh, offset, plus, out, at, maxBytes);
        } finally {
            leave(w);
        }
    }

    @Override
    public long releasedir(Request r, long fh, int flags) {
        Worker w = enterToRead(r);
        try {
            return files.release(w, r.nodeId(), fh);
        } finally {
            leave(w);
        }
    }

    @Override
    public long fsyncdir(Request r, long fh, boolean dataOnly) {
        Worker w = enterAsSelf(r);
        try {
            return files.fsync(r.nodeId(), fh, dataOnly);
        } finally {
            leave(w);
        }
    }

    @Override
    public long statfs(Request r, MemorySegment out, long at) {
        Worker w = enterToRead(r);
        try {
            return attributes.statfs(w, r.nodeId(), out, at);
        } finally {
            leave(w);
        }
    }

    @Override
    public long access(Request r, int mask) {
        Worker w = enterToRead(r);
        try {
            return attributes.access(w, r, mask);
        } finally {
            leave(w);
        }
    }

    @Override
    public long setxattr(
            Request r,
            long nameAddr,
            int nameBytes,
            long valueAddr,
            int valueBytes,
            int flags,
            int setxattrFlags) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enterAsSelf(r);
        try {
            return xattrs.set(
                    w, r, nameAddr, nameBytes, valueAddr, valueBytes, flags, setxattrFlags);
        } finally {
            leave(w);
        }
    }

    @Override
    public long getxattr(
            Request r, long nameAddr, int nameBytes, MemorySegment out, long at, int maxBytes) {
        Worker w = enterAsSelf(r);
        try {
            return xattrs.get(w, r, nameAddr, nameBytes, out, at, maxBytes);
        } finally {
            leave(w);
        }
    }

    @Override
    public long listxattr(Request r, MemorySegment out, long at, int maxBytes) {
        Worker w = enterAsSelf(r);
        try {
            return xattrs.list(w, r, out, at, maxBytes);
        } finally {
            leave(w);
        }
    }

    @Override
    public long removexattr(Request r, long nameAddr, int nameBytes) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enterAsSelf(r);
        try {
            return xattrs.remove(w, r, nameAddr, nameBytes);
        } finally {
            leave(w);
        }
    }

    @Override
    public long getlk(Request r, MemorySegment lock, long lockAt, MemorySegment out, long at) {
        Locks locks = share.locks;
        if (locks == null) {
            return -Errno.ENOSYS;
        }
        Worker w = enterAsSelf(r);
        try {
            return locks.getlk(r, lock, lockAt, out, at);
        } finally {
            leave(w);
        }
    }

    @Override
    public long setlk(Request r, MemorySegment lock, long lockAt, boolean wait) {
        Locks locks = share.locks;
        if (locks == null) {
            return -Errno.ENOSYS;
        }
        Worker w = enterAsSelf(r);
        try {
            return locks.setlk(w, r, lock, lockAt, wait);
        } finally {
            leave(w);
        }
    }

    @Override
    public void interrupt(Request r, long unique) {
        Locks locks = share.locks;
        if (locks != null && locks.inUse()) {
            locks.interrupt(unique);
        }
    }

    @Override
    public long ioctl(
            Request r,
            long fh,
            int ioctlFlags,
            int command,
            long argument,
            long inAddr,
            int inBytes,
            MemorySegment out,
            long at,
            int maxBytes) {
        Worker w = enterAsSelf(r);
        try {
            return flags.serve(w, r, fh, command, inAddr, inBytes, out, at, maxBytes);
        } finally {
            leave(w);
        }
    }

    @Override
    public long fallocate(Request r, long fh, long offset, long lengthBytes, int mode) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enterAsSelf(r);
        try {
            long result = files.fallocate(w, r.nodeId(), fh, offset, lengthBytes, mode, r.uid());
            return sizes.isSettled(result, r.nodeId(), Long.MAX_VALUE)
                    ? result
                    : sizes.settle(r, r.nodeId(), new byte[0]);
        } finally {
            leave(w);
        }
    }

    @Override
    public long lseek(Request r, long fh, long offset, int whence) {
        Worker w = enterToRead(r);
        try {
            return files.lseek(r.nodeId(), fh, offset, whence);
        } finally {
            leave(w);
        }
    }

    @Override
    public long copyFileRange(
            Request r,
            long inFh,
            long inOffset,
            long outNodeId,
            long outFh,
            long outOffset,
            long bytes,
            long flags) {
        if (readonly) {
            return READ_ONLY;
        }
        Worker w = enterAsSelf(r);
        try {
            long copied =
                    files.copyFileRange(
                            w,
                            r.uid(),
                            r.nodeId(),
                            inFh,
                            inOffset,
                            outNodeId,
                            outFh,
                            outOffset,
                            bytes,
                            flags);
            return sizes.isSettled(copied, outNodeId, outOffset + copied)
                    ? copied
                    : sizes.settle(r, outNodeId, MappedSizes.count(copied));
        } finally {
            leave(w);
        }
    }

    @Override
    public long syncfs(Request r) {
        Worker w = enterAsSelf(r);
        try {
            return files.syncfs(w, r.nodeId());
        } finally {
            leave(w);
        }
    }
}
