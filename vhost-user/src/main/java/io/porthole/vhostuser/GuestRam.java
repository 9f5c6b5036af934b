package io.porthole.vhostuser;

import io.porthole.linux.Fd;
import io.porthole.linux.Mapping;
import io.porthole.linux.MemFd;
import io.porthole.linux.SyscallException;
import java.lang.foreign.MemorySegment;

/**
 * A piece of a guest's memory as a VMM holds it: a memfd, mapped here, at a guest address. Owned by
 * who made it; {@link VhostUserFrontend} only shows it to the back-end.
 */
public final class GuestRam implements AutoCloseable {
    private final long guestAddr;
    private final MemFd file;
    private final Mapping mapping;
    private long nextFree;

    private GuestRam(long guestAddr, MemFd file, Mapping mapping) {
        this.guestAddr = guestAddr;
        this.file = file;
        this.mapping = mapping;
    }

    /** {@code bytes} of zeros at {@code guestAddr}, both multiples of 4096. */
    public static GuestRam create(long guestAddr, long bytes) throws SyscallException {
        MemFd file = MemFd.create("guest-ram", bytes);
        try {
            return new GuestRam(guestAddr, file, file.map());
        } catch (SyscallException e) {
            file.close();
            throw e;
        }
    }

    /** Where the guest has it. */
    public long guestAddr() {
        return guestAddr;
    }

    /** Where this process has it, the "user address" of the protocol. */
    public long userAddr() {
        return mapping.address();
    }

    public long bytes() {
        return mapping.bytes();
    }

    Fd fd() {
        return file.fd();
    }

    /** The memory itself; offset 0 is {@link #guestAddr}. */
    public MemorySegment segment() {
        return mapping.segment();
    }

    /** The memory from guest address {@code addr} on, {@code bytes} long. */
    public MemorySegment at(long addr, long bytes) {
        return mapping.segment().asSlice(addr - guestAddr, bytes);
    }

    /** The user address of guest address {@code addr}. */
    public long userAddrOf(long addr) {
        return addr - guestAddr + mapping.address();
    }

    /**
     * Sets memory aside; it is never given back.
     *
     * @param alignment a power of two
     * @return its guest address
     * @throws OutOfMemoryError if the region is used up
     */
    public long allocate(long bytes, long alignment) {
        long at = (nextFree + alignment - 1) & -alignment;
        if (bytes < 0 || bytes > mapping.bytes() - at) {
            throw new OutOfMemoryError(
                    bytes + " bytes of guest memory, " + (mapping.bytes() - at) + " are left");
        }
        nextFree = at + bytes;
        return guestAddr + at;
    }

    @Override
    public void close() {
        mapping.close();
        file.close();
    }
}
