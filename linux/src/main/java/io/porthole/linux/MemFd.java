package io.porthole.linux;

import java.lang.foreign.Arena;

/** An owned anonymous file in memory (memfd_create(2)), to be shared by passing its descriptor. */
public final class MemFd implements AutoCloseable {
    private final Fd fd;
    private final long bytes;

    private MemFd(Fd fd, long bytes) {
        this.fd = fd;
        this.bytes = bytes;
    }

    /**
     * A new file of zeros that can be sealed.
     *
     * @param name what /proc shows, at most 249 bytes
     */
    public static MemFd create(String name, long bytes) throws SyscallException {
        Syscalls syscalls = Syscalls.host();
        try (Arena arena = Arena.ofConfined()) {
            long number =
                    syscalls.memfdCreate(
                            NativeStrings.of(arena, name).address(),
                            Mman.MFD_CLOEXEC | Mman.MFD_ALLOW_SEALING);
            Fd fd = Fd.adopt((int) SyscallException.check(number, "memfd_create", name));
            try {
                SyscallException.check(syscalls.ftruncate(fd.value(), bytes), "ftruncate", name);
            } catch (SyscallException e) {
                fd.close();
                throw e;
            }
            return new MemFd(fd, bytes);
        }
    }

    public Fd fd() {
        return fd;
    }

    public long bytes() {
        return bytes;
    }

    /** Maps all of it, readable and writable; the mapping outlives this descriptor. */
    public Mapping map() throws SyscallException {
        return Mapping.shared(fd, 0, bytes, Mman.PROT_READ | Mman.PROT_WRITE);
    }

    /** {@code seals}: F_SEAL_* of {@link Fcntl}. */
    public void seal(int seals) throws SyscallException {
        SyscallException.check(
                Syscalls.host().fcntl(fd.value(), Fcntl.F_ADD_SEALS, seals), "seal", fd);
    }

    @Override
    public void close() {
        fd.close();
    }
}
