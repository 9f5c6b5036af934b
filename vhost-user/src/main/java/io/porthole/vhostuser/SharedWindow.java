package io.porthole.vhostuser;

import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.Mapping;
import io.porthole.linux.Mman;
import io.porthole.linux.StatMode;
import io.porthole.linux.Statx;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.linux.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A shared memory region as a VMM provides it: address space of this process into which the
 * back-end's files are really mapped, so that tests see the bytes that a guest would.
 *
 * <p>It refuses what QEMU 11.1 refuses (overlaps, pieces beyond a file's end, an UNMAP that is no
 * MAP's range) and acknowledges before it announces, as QEMU does. Its thread ends with {@link
 * #close} or with the back-end's end of the channel.
 */
public final class SharedWindow implements AutoCloseable {
    private static final long PAGE_BYTES = 4096;

    private record Piece(long bytes, long fileOffset) {}

    private final Syscalls syscalls = Syscalls.host();
    private final VhostUserFrontend vmm;
    private final UnixSocket socket;
    private final MessageChannel channel;
    private final Mapping memory;
    private final long guestAddr;
    private final Thread thread;

    // Guarded by this monitor.
    private final NavigableMap<Long, Piece> pieces = new TreeMap<>();
    private int mapRequests;
    private int unmapRequests;
    private int refused;
    private boolean held;
    private int waiting;

    private SharedWindow(VhostUserFrontend vmm, UnixSocket socket, Mapping memory, long guestAddr) {
        this.vmm = vmm;
        this.socket = socket;
        this.channel = new MessageChannel(socket);
        this.memory = memory;
        this.guestAddr = guestAddr;
        this.thread = new Thread(this::serve, "shared-window");
        thread.setDaemon(true);
    }

    static SharedWindow serve(VhostUserFrontend vmm, UnixSocket socket, long bytes, long guestAddr)
            throws SyscallException {
        Mapping memory =
                Mapping.map(
                        Syscalls.host(),
                        -1,
                        0,
                        bytes,
                        Mman.PROT_NONE,
                        Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE);
        SharedWindow window = new SharedWindow(vmm, socket, memory, guestAddr);
        window.thread.start();
        return window;
    }

    /**
     * The whole region. An access outside of {@linkplain #mappedBytes mapped pieces} ends this
     * process.
     */
    public MemorySegment segment() {
        return memory.segment();
    }

    /** Whether all of a range is mapped. */
    public synchronized boolean isMapped(long offset, long bytes) {
        long at = offset;
        while (at < offset + bytes) {
            Map.Entry<Long, Piece> piece = pieces.floorEntry(at);
            if (piece == null) {
                return false;
            }
            long end = piece.getKey() + piece.getValue().bytes();
            if (end <= at) {
                return false;
            }
            at = end;
        }
        return true;
    }

    public synchronized int pieces() {
        return pieces.size();
    }

    public synchronized long mappedBytes() {
        return pieces.values().stream().mapToLong(Piece::bytes).sum();
    }

    public synchronized int mapRequests() {
        return mapRequests;
    }

    public synchronized int unmapRequests() {
        return unmapRequests;
    }

    public synchronized int refused() {
        return refused;
    }

    /** Answers no further request until {@link #resume}, as a VMM that is busy with a stop. */
    public synchronized void hold() {
        held = true;
    }

    public synchronized void resume() {
        held = false;
        notifyAll();
    }

    /** Requests that {@link #hold} keeps waiting: 0 or 1. */
    public synchronized int waiting() {
        return waiting;
    }

    private void serve() {
        try {
            while (channel.receive()) {
                awaitResume();
                int request = channel.request();
                switch (request) {
                    case VhostUser.BACKEND_SHMEM_MAP -> map();
                    case VhostUser.BACKEND_SHMEM_UNMAP -> unmap();
                    default -> acknowledge(request, false);
                }
            }
        } catch (ProtocolException e) {
            // The back-end has gone, or is out of step: it sees its channel end.
        } finally {
            channel.shutdown();
        }
    }

    private synchronized void awaitResume() {
        waiting++;
        while (held) {
            try {
                wait();
            } catch (InterruptedException e) {
                held = false;
            }
        }
        waiting--;
    }

    private void acknowledge(int request, boolean done) throws ProtocolException {
        if (!done) {
            synchronized (this) {
                refused++;
            }
        }
        if ((channel.flags() & VhostUser.FLAG_NEED_REPLY) != 0) {
            channel.putLong(0, done ? 0 : 1);
            channel.send(request, VhostUser.FLAG_REPLY, Long.BYTES, List.of());
        }
    }

    private void map() throws ProtocolException {
        long offset = channel.payloadLong(16);
        long bytes = channel.payloadLong(24);
        long fileOffset = channel.payloadLong(8);
        boolean done = false;
        Fd fd = channel.fdCount() == 1 ? channel.takeFd() : null;
        try {
            if (fd != null && channel.payloadLong(0) == 0 && fits(fd, fileOffset, bytes)) {
                synchronized (this) {
                    mapRequests++;
                    done = isFree(offset, bytes) && mapFixed(fd, offset, bytes, fileOffset);
                    if (done) {
                        pieces.put(offset, new Piece(bytes, fileOffset));
                    }
                }
            }
            acknowledge(VhostUser.BACKEND_SHMEM_MAP, done);
            if (done && guestAddr >= 0 && fd != null) {
                vmm.announce(fd, guestAddr + offset, bytes, memory.address() + offset, fileOffset);
            }
        } finally {
            if (fd != null) {
                fd.close();
            }
        }
    }

    /** All of it, in whole pages, lies inside the file; else QEMU refuses or enlarges the file. */
    private boolean fits(Fd fd, long fileOffset, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = arena.allocate(Statx.BYTES, 8);
            long empty = arena.allocate(1).address();
            long result =
                    syscalls.statx(
                            fd.value(),
                            empty,
                            Fcntl.AT_EMPTY_PATH,
                            Statx.STATX_TYPE | Statx.STATX_SIZE,
                            stat.address());
            return result >= 0
                    && (Statx.mode(stat, 0) & StatMode.S_IFMT) == StatMode.S_IFREG
                    && bytes > 0
                    && fileOffset >= 0
                    && (fileOffset & PAGE_BYTES - 1) == 0
                    && bytes <= Statx.size(stat, 0) - fileOffset;
        }
    }

    private synchronized boolean isFree(long offset, long bytes) {
        if (offset < 0
                || (offset & PAGE_BYTES - 1) != 0
                || (bytes & PAGE_BYTES - 1) != 0
                || bytes > memory.bytes()
                || offset > memory.bytes() - bytes) {
            return false;
        }
        Map.Entry<Long, Piece> below = pieces.lowerEntry(offset + bytes);
        return below == null || below.getKey() + below.getValue().bytes() <= offset;
    }

    /** Readable and writable whatever was asked for, because QEMU does so. */
    private boolean mapFixed(@Nullable Fd fd, long offset, long bytes, long fileOffset) {
        return syscalls.mmap(
                        memory.address() + offset,
                        bytes,
                        fd == null ? Mman.PROT_NONE : Mman.PROT_READ | Mman.PROT_WRITE,
                        Mman.MAP_FIXED
                                | (fd == null
                                        ? Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE
                                        : Mman.MAP_SHARED),
                        fd == null ? -1 : fd.value(),
                        fileOffset)
                >= 0;
    }

    private void unmap() throws ProtocolException {
        long offset = channel.payloadLong(16);
        long bytes = channel.payloadLong(24);
        Piece piece;
        synchronized (this) {
            unmapRequests++;
            piece = pieces.get(offset);
            if (piece != null && piece.bytes() == bytes) {
                pieces.remove(offset);
                mapFixed(null, offset, bytes, 0);
            } else {
                piece = null;
            }
        }
        acknowledge(VhostUser.BACKEND_SHMEM_UNMAP, piece != null);
        if (piece != null && guestAddr >= 0) {
            vmm.withdraw(guestAddr + offset, bytes, memory.address() + offset, piece.fileOffset());
        }
    }

    @Override
    public void close() {
        // In this order: a request that was held back gets no answer any more.
        socket.shutdown();
        resume();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        channel.close();
        memory.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
