package io.porthole.vhostuser;

import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.Mapping;
import io.porthole.linux.Mman;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.StatMode;
import io.porthole.linux.Statx;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.ProtocolException.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Maps the memory regions that a front-end describes. */
final class RegionMapping {
    private static final long PAGE_BYTES = 4096;

    private RegionMapping() {}

    /**
     * Maps a region of the guest's memory.
     *
     * @param fd the region's file; may be closed afterwards
     * @param fileOffset where in the file the region begins
     */
    static GuestMemory.Region map(
            Syscalls syscalls, Fd fd, long guestAddr, long bytes, long userAddr, long fileOffset)
            throws ProtocolException {
        if (bytes <= 0 || fileOffset < 0 || bytes > Long.MAX_VALUE - fileOffset - PAGE_BYTES) {
            throw new ProtocolException(
                    Kind.BAD_MEMORY,
                    "memory region of 0x"
                            + Long.toHexString(bytes)
                            + " bytes at file offset 0x"
                            + Long.toHexString(fileOffset));
        }
        long fileBytes = regularFileBytes(syscalls, fd);
        if (fileBytes >= 0 && fileOffset + bytes > fileBytes) {
            // Mapped, its end would be SIGBUS at the first access.
            throw new ProtocolException(
                    Kind.BAD_MEMORY,
                    "memory region ends 0x"
                            + Long.toHexString(fileOffset + bytes - fileBytes)
                            + " bytes behind its file");
        }
        long within = fileOffset & (PAGE_BYTES - 1);
        Mapping mapping;
        try {
            mapping =
                    Mapping.map(
                            syscalls,
                            fd.value(),
                            fileOffset - within,
                            bytes + within,
                            Mman.PROT_READ | Mman.PROT_WRITE,
                            Mman.MAP_SHARED | Mman.MAP_NORESERVE);
        } catch (SyscallException e) {
            throw new ProtocolException(Kind.BAD_MEMORY, String.valueOf(e.getMessage()), e);
        }
        try {
            return new GuestMemory.Region(
                    guestAddr, bytes, userAddr, mapping.address() + within, mapping);
        } catch (IllegalArgumentException e) {
            mapping.close();
            throw new ProtocolException(Kind.BAD_MEMORY, String.valueOf(e.getMessage()), e);
        }
    }

    /** Size of a regular file; -1 for others, such as devices, whose size says nothing. */
    private static long regularFileBytes(Syscalls syscalls, Fd fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = arena.allocate(Statx.BYTES, 8);
            long r =
                    syscalls.statx(
                            fd.value(),
                            NativeStrings.of(arena, "").address(),
                            Fcntl.AT_EMPTY_PATH,
                            Statx.STATX_TYPE | Statx.STATX_SIZE,
                            stat.address());
            boolean regular = r >= 0 && (Statx.mode(stat, 0) & StatMode.S_IFMT) == StatMode.S_IFREG;
            return regular ? Statx.size(stat, 0) : -1;
        }
    }
}
