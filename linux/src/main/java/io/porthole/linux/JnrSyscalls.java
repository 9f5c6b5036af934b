package io.porthole.linux;

import static io.porthole.linux.SyscallNumbers.*;

import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import org.jspecify.annotations.Nullable;

/**
 * The running kernel through jnr-ffi.
 *
 * <p>Calls with up to four arguments go through one stub of libc's {@code syscall}; statx, the
 * busiest of those with five, has a stub of its own.
 *
 * <p>jnr-ffi's x86-64 stubs corrupt the sixth integer argument of a function (2.2.17 up to 2.3.7;
 * see docs/adr/0002), and the number counts as one. A method with a {@code Pointer} parameter takes
 * jnr-ffi's generic path, which passes all six. So {@code syscall} with five arguments has its
 * number as a {@code Pointer}; and the calls with six go through libc's function of their name,
 * with one parameter a {@code Pointer} where six remain. {@code HostSyscallsTest} asks the kernel
 * what arrives.
 *
 * <p>The error number is read only after a failure; jnr-ffi saves it per thread.
 */
final class JnrSyscalls extends KernelCalls {
    private static final Narrow LIBC = load(Narrow.class);
    private static final Runtime RUNTIME = Runtime.getRuntime(LIBC);

    /** Serves nearly all calls. */
    public interface Narrow {
        long syscall(long number, long a, long b, long c, long d);

        int statx(int dirFd, long path, int flags, int mask, long buf);
    }

    /** Calls with five arguments or more, bound when the first of them is made. */
    public interface Wide {
        long syscall(Pointer number, long a, long b, long c, long d, long e);

        long mmap(@Nullable Pointer addr, long bytes, int prot, int flags, int fd, long offset);

        long preadv2(int fd, long iov, int count, long offset, int flags);

        long pwritev2(int fd, long iov, int count, long offset, int flags);

        long copy_file_range(
                int inFd,
                long inOffset,
                int outFd,
                long outOffset,
                long n,
                @Nullable Pointer flags);
    }

    private static final class WideHolder {
        static final Wide LIBC = load(Wide.class);

        /** By number; made at the first use, so that later ones allocate nothing. */
        private static final @Nullable Pointer[] NUMBERS = new Pointer[512];

        static Pointer number(int number) {
            Pointer known = NUMBERS[number];
            if (known == null) {
                known = Pointer.wrap(RUNTIME, number);
                NUMBERS[number] = known;
            }
            return known;
        }
    }

    private static <T> T load(Class<T> calls) {
        return LibraryLoader.create(calls).failImmediately().load("c");
    }

    /** The value of a libc function, or -errno. */
    private static long settle(long value) {
        return value == -1 ? -RUNTIME.getLastError() : value;
    }

    @Override
    long once(int number, int count, long a, long b, long c, long d, long e, long f) {
        if (count <= 4) {
            return settle(LIBC.syscall(number, a, b, c, d));
        }
        if (number == STATX) {
            return settle(LIBC.statx((int) a, b, (int) c, (int) d, e));
        }
        if (count == 5) {
            return settle(WideHolder.LIBC.syscall(WideHolder.number(number), a, b, c, d, e));
        }
        return withSix(number, a, b, c, d, e, f);
    }

    private static long withSix(int number, long a, long b, long c, long d, long e, long f) {
        if (number == MMAP) {
            // The kernel's choice (0) allocates nothing; a fixed address costs one small object.
            Pointer where = a == 0 ? null : Pointer.wrap(RUNTIME, a);
            return settle(WideHolder.LIBC.mmap(where, b, (int) c, (int) d, (int) e, f));
        }
        if (number == PREADV2) {
            return settle(WideHolder.LIBC.preadv2((int) a, b, (int) c, d, (int) f));
        }
        if (number == PWRITEV2) {
            return settle(WideHolder.LIBC.pwritev2((int) a, b, (int) c, d, (int) f));
        }
        if (number == COPY_FILE_RANGE) {
            if (f != 0) {
                return -Errno.EINVAL; // as the kernel says; the null below is all that it takes
            }
            return settle(WideHolder.LIBC.copy_file_range((int) a, b, (int) c, d, e, null));
        }
        throw new IllegalArgumentException("no way to pass six arguments to call " + number);
    }
}
