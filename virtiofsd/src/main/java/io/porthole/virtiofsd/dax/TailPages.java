package io.porthole.virtiofsd.dax;

import io.porthole.linux.Errno;
import io.porthole.linux.MemFd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Copies of files' last, partial pages, which cannot be mapped themselves (QEMU wants all of a
 * mapping inside the file): one page of a memory file for each range of the window. The mapper's
 * thread alone uses it.
 */
final class TailPages implements AutoCloseable {
    private final Syscalls sys;
    private final MemFd file;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment page = arena.allocate(DaxOptions.PAGE_BYTES, 8);

    TailPages(Syscalls sys, int ranges) throws SyscallException {
        this.sys = sys;
        this.file = MemFd.create("dax-tails", ranges * DaxOptions.PAGE_BYTES);
    }

    int fd() {
        return file.fd().value();
    }

    /** Where in {@link #fd} the page of a range is. */
    static long offset(int range) {
        return range * DaxOptions.PAGE_BYTES;
    }

    /**
     * Copies a page, zeros behind the file's end.
     *
     * @return the bytes that the file had there, or -errno
     */
    long copy(int range, int fd, long fileOffset) {
        page.fill((byte) 0);
        long done = 0;
        while (done < DaxOptions.PAGE_BYTES) {
            long n =
                    sys.pread(
                            fd,
                            page.address() + done,
                            DaxOptions.PAGE_BYTES - done,
                            fileOffset + done);
            if (n < 0) {
                return n;
            }
            if (n == 0) {
                break;
            }
            done += n;
        }
        long written = sys.pwrite(fd(), page.address(), DaxOptions.PAGE_BYTES, offset(range));
        if (written < 0) {
            return written;
        }
        return written == DaxOptions.PAGE_BYTES ? done : -Errno.EIO;
    }

    @Override
    public void close() {
        file.close();
        arena.close();
    }
}
