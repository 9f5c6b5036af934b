package io.porthole.vhostuser;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.Statx;
import io.porthole.linux.Syscalls;
import io.porthole.linux.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The back-end's requests to the front-end (SET_BACKEND_REQ_FD): so far those of {@link
 * SharedMemory}.
 *
 * <p>Two locks: {@code sending}, held by a caller for the whole of its request, and this object's
 * monitor, under which the control thread tells of stop, start and announcements and never waits.
 */
final class BackendRequests implements SharedMemory, AutoCloseable {
    /** How long a front-end may take from its acknowledgement to the region's announcement. */
    private static final long ANNOUNCE_NANOS = 3_000_000_000L;

    private static final long NEEDED =
            1L << VhostUser.PF_SHMEM
                    | 1L << VhostUser.PF_BACKEND_REQ
                    | 1L << VhostUser.PF_REPLY_ACK
                    | 1L << VhostUser.PF_CONFIGURE_MEM_SLOTS;

    /** Where a piece of guest memory lies in a shared memory region. */
    record Place(int region, long regionOffset) {}

    /** A piece that is mapped, or is about to be. */
    private static final class Piece {
        final int region;
        final long regionOffset;
        final long bytes;
        final long fileOffset;
        final long device;
        final long ino;
        boolean announced;

        Piece(int region, long regionOffset, long bytes, long fileOffset, long device, long ino) {
            this.region = region;
            this.regionOffset = regionOffset;
            this.bytes = bytes;
            this.fileOffset = fileOffset;
            this.device = device;
            this.ino = ino;
        }
    }

    private final Syscalls syscalls;
    private final long[] regionBytes;
    private final ReentrantLock sending = new ReentrantLock();

    // Guarded by this monitor.
    private final List<Piece> pieces = new ArrayList<>();
    private @Nullable MessageChannel channel;
    private boolean negotiated;
    private boolean running;
    private boolean closed;

    /** Whether the front-end tells of what it has mapped by ADD_MEM_REG: until it fails to. */
    private boolean announces = true;

    BackendRequests(Syscalls syscalls, long[] regionBytes) {
        this.syscalls = syscalls;
        this.regionBytes = regionBytes;
    }

    int regionCount() {
        return regionBytes.length;
    }

    /** 0 where there is no such region. */
    long regionBytes(int region) {
        return region < regionBytes.length ? regionBytes[region] : 0;
    }

    // ---- Control thread ----

    synchronized void negotiated(long protocolFeatures) {
        negotiated = (protocolFeatures & NEEDED) == NEEDED;
    }

    /** SET_BACKEND_REQ_FD; takes {@code fd} over. A second channel replaces the first. */
    void connect(Fd fd) {
        MessageChannel old;
        synchronized (this) {
            old = channel;
            channel = new MessageChannel(UnixSocket.adopt(syscalls, fd));
        }
        if (old != null) {
            retire(old);
        }
    }

    /** The device stops: no request goes out until {@link #started}. */
    synchronized void stopped() {
        running = false;
        // Who waits for an announcement would get it only after the start.
        notifyAll();
    }

    synchronized void started() {
        running = true;
        notifyAll();
    }

    /** The front-end has unmapped everything by itself. */
    synchronized void forget() {
        pieces.clear();
        notifyAll();
    }

    /**
     * Whether a memory region of the guest is a piece that we asked for, and if so, where it is.
     *
     * @param fd the region's file
     * @param likelyOffset where it would be if its shared memory region has not moved: tells pieces
     *     of the same content apart
     */
    @Nullable Place announced(Fd fd, long bytes, long fileOffset, long likelyOffset) {
        long[] id = new long[2];
        if (!identify(fd.value(), id)) {
            return null;
        }
        synchronized (this) {
            Piece found = null;
            for (Piece p : pieces) {
                if (p.bytes == bytes
                        && p.fileOffset == fileOffset
                        && p.device == id[0]
                        && p.ino == id[1]
                        && (found == null
                                || p.regionOffset == likelyOffset
                                || (!p.announced && found.regionOffset != likelyOffset))) {
                    found = p;
                }
            }
            if (found == null) {
                return null;
            }
            found.announced = true;
            notifyAll();
            return new Place(found.region, found.regionOffset);
        }
    }

    /** Ends every wait with an error. Any thread. */
    void shutdown() {
        MessageChannel c;
        synchronized (this) {
            closed = true;
            c = channel;
            notifyAll();
        }
        if (c != null) {
            c.shutdown();
        }
    }

    @Override
    public void close() {
        shutdown();
        MessageChannel c;
        synchronized (this) {
            c = channel;
            channel = null;
            pieces.clear();
        }
        if (c != null) {
            retire(c);
        }
    }

    private void retire(MessageChannel c) {
        c.shutdown();
        // Once nobody is inside a call that uses it.
        sending.lock();
        try {
            c.close();
        } finally {
            sending.unlock();
        }
    }

    // ---- Any thread ----

    @Override
    public synchronized boolean available() {
        return negotiated && channel != null && !closed;
    }

    @Override
    public synchronized int mappedPieces() {
        return pieces.size();
    }

    @Override
    public long map(
            int region, int fd, long fileOffset, long regionOffset, long bytes, boolean writable) {
        long[] id = new long[2];
        if (!identify(fd, id)) {
            return -Errno.EBADF;
        }
        sending.lock();
        try {
            MessageChannel c = awaitRunning();
            if (c == null) {
                return -Errno.ENOTCONN;
            }
            Piece piece = new Piece(region, regionOffset, bytes, fileOffset, id[0], id[1]);
            synchronized (this) {
                pieces.add(piece);
            }
            long flags = writable ? VhostUser.SHMEM_WRITABLE : 0;
            int request = VhostUser.BACKEND_SHMEM_MAP;
            long result = send(c, request, region, fileOffset, regionOffset, bytes, flags, fd);
            if (result < 0) {
                synchronized (this) {
                    pieces.remove(piece);
                }
                return result;
            }
            awaitAnnouncement(piece);
            return 0;
        } finally {
            sending.unlock();
        }
    }

    @Override
    public long unmap(int region, long regionOffset, long bytes) {
        sending.lock();
        try {
            MessageChannel c = awaitRunning();
            if (c == null) {
                return -Errno.ENOTCONN;
            }
            int request = VhostUser.BACKEND_SHMEM_UNMAP;
            long result = send(c, request, region, 0, regionOffset, bytes, 0, -1);
            if (result >= 0) {
                synchronized (this) {
                    pieces.removeIf(p ->
                            p.region == region
                                    && p.regionOffset == regionOffset
                                    && p.bytes == bytes);
                }
            }
            return result;
        } finally {
            sending.unlock();
        }
    }

    /** Waits while the device is stopped; null if the connection has ended. */
    private synchronized @Nullable MessageChannel awaitRunning() {
        boolean interrupted = false;
        while (!running && !closed) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return closed ? null : channel;
    }

    /** Sends a request and waits for its acknowledgement. */
    private static long send(
            MessageChannel c,
            int request,
            int region,
            long fileOffset,
            long regionOffset,
            long bytes,
            long flags,
            int fd) {
        c.putLong(0, region);
        c.putLong(8, fileOffset);
        c.putLong(16, regionOffset);
        c.putLong(24, bytes);
        c.putLong(32, flags);
        try {
            c.sendBorrowed(request, VhostUser.FLAG_NEED_REPLY, VhostUser.SHMEM_BYTES, fd);
            if (!c.receive()) {
                return -Errno.ENOTCONN;
            }
            if (c.request() != request
                    || (c.flags() & VhostUser.FLAG_REPLY) == 0
                    || c.payloadBytes() != Long.BYTES) {
                // Out of step for good: what follows would be answers to other questions.
                c.shutdown();
                return -Errno.ENOTCONN;
            }
            return c.payloadLong(0) == 0 ? 0 : -Errno.EIO;
        } catch (ProtocolException e) {
            return -Errno.ENOTCONN;
        }
    }

    /**
     * QEMU acknowledges before it has put the piece into the guest's address space; the memory
     * region that it adds here is the last thing that it does.
     */
    private synchronized void awaitAnnouncement(Piece piece) {
        long end = System.nanoTime() + ANNOUNCE_NANOS;
        boolean interrupted = false;
        while (announces && !piece.announced && running && !closed && pieces.contains(piece)) {
            long left = end - System.nanoTime();
            if (left <= 0) {
                announces = false;
                Log.LOG.warn(
                        "the front-end adds no memory region for what it maps: replies to the guest"
                                + " may come before the mapping");
                break;
            }
            try {
                wait(left / 1_000_000 + 1);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Device and inode number of an open file. */
    private boolean identify(int fd, long[] id) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = arena.allocate(Statx.BYTES, 8);
            long empty = arena.allocate(1).address();
            if (syscalls.statx(fd, empty, Fcntl.AT_EMPTY_PATH, Statx.STATX_INO, stat.address())
                    < 0) {
                return false;
            }
            id[0] = Statx.device(stat, 0);
            id[1] = Statx.inode(stat, 0);
            return true;
        }
    }

    /** Loads SLF4J at the first message, not at start-up. */
    private static final class Log {
        static final Logger LOG = LoggerFactory.getLogger(BackendRequests.class);
    }
}
