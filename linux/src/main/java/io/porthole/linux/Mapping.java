package io.porthole.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * An owned mapping of a file or of anonymous memory (mmap(2)).
 *
 * <p>The segment belongs to a shared arena: any thread may use it, and an access after {@link
 * #close} throws instead of touching memory that is gone. That does not hold for addresses given to
 * system calls; whoever passes those has to be quiet before the mapping closes.
 */
public final class Mapping implements AutoCloseable {
    private final Arena arena;
    private final MemorySegment segment;

    private Mapping(Arena arena, MemorySegment segment) {
        this.arena = arena;
        this.segment = segment;
    }

    /**
     * Maps {@code bytes} of a file, shared with everyone who maps it.
     *
     * @param offset in bytes, a multiple of the page size
     * @param protection PROT_* of {@link Mman}
     */
    public static Mapping shared(Fd fd, long offset, long bytes, int protection)
            throws SyscallException {
        return map(Syscalls.host(), fd.value(), offset, bytes, protection, Mman.MAP_SHARED);
    }

    /** Zeroed memory of this process alone, readable and writable, page-aligned. */
    public static Mapping anonymous(long bytes) throws SyscallException {
        return map(
                Syscalls.host(),
                -1,
                0,
                bytes,
                Mman.PROT_READ | Mman.PROT_WRITE,
                Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS);
    }

    /**
     * Zeroed memory, page-aligned, that lives as long as {@code arena}. For what is larger than a
     * few hundred bytes: {@link Arena#allocate} writes its zeros word by word, in code that no
     * compiler has seen at start, and makes every page resident; here a page is, once it is used.
     */
    @SuppressWarnings("restricted") // reinterpret: see SAFETY below
    public static MemorySegment zeroed(Arena arena, long bytes) {
        Syscalls sys = Syscalls.host();
        long address =
                sys.mmap(
                        0,
                        bytes,
                        Mman.PROT_READ | Mman.PROT_WRITE,
                        Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS,
                        -1,
                        0);
        if (address < 0) {
            throw new OutOfMemoryError("mmap of " + bytes + " bytes: " + Errno.describe(-address));
        }
        // SAFETY: as in map.
        return MemorySegment.ofAddress(address)
                .reinterpret(bytes, arena, gone -> sys.munmap(address, bytes));
    }

    /** The general form; {@code flags}: MAP_* without MAP_FIXED. */
    @SuppressWarnings("restricted") // reinterpret: see SAFETY below
    public static Mapping map(
            Syscalls syscalls, int fd, long offset, long bytes, int protection, int flags)
            throws SyscallException {
        if (bytes <= 0) {
            throw new IllegalArgumentException("a mapping needs a length above 0, not " + bytes);
        }
        long address =
                SyscallException.check(
                        syscalls.mmap(0, bytes, protection, flags, fd, offset),
                        "mmap of " + bytes + " bytes",
                        fd < 0 ? null : "of fd " + fd);
        Arena arena = Arena.ofShared();
        // SAFETY: the kernel just gave us [address, address + bytes), and only the arena's end
        // unmaps it, after which the segment refuses access.
        MemorySegment segment =
                MemorySegment.ofAddress(address)
                        .reinterpret(bytes, arena, gone -> syscalls.munmap(address, bytes));
        return new Mapping(arena, segment);
    }

    public MemorySegment segment() {
        return segment;
    }

    public long address() {
        return segment.address();
    }

    public long bytes() {
        return segment.byteSize();
    }

    /** Unmaps. Throws IllegalStateException while another thread is inside an access. */
    @Override
    public synchronized void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    @Override
    public String toString() {
        return "mapping 0x" + Long.toHexString(address()) + "+0x" + Long.toHexString(bytes());
    }
}
