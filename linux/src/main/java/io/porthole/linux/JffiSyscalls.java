package io.porthole.linux;

import static io.porthole.linux.SyscallNumbers.*;

import com.kenai.jffi.CallContext;
import com.kenai.jffi.Invoker;
import com.kenai.jffi.LastError;
import com.kenai.jffi.Library;
import com.kenai.jffi.Type;

/**
 * The running kernel through jffi, the layer below jnr-ffi: native methods that exist already, with
 * longs as arguments, so that nothing is generated at start and little is loaded (docs/adr/0017).
 *
 * <p>jffi passes at most six words. The number of a call is one of them, so what takes six
 * arguments goes through libc's function of its name. jffi saves the error number per thread after
 * each call; it is asked for only after a failure.
 */
final class JffiSyscalls extends KernelCalls {
    private static final Invoker INVOKER = Invoker.getInstance();
    private static final LastError LAST_ERROR = LastError.getInstance();
    private static final CallContext SIX_LONGS =
            new CallContext(
                    Type.SINT64,
                    Type.SINT64,
                    Type.SINT64,
                    Type.SINT64,
                    Type.SINT64,
                    Type.SINT64,
                    Type.SINT64);
    private static final long SYSCALL = address("syscall");

    /** Functions with six arguments, looked up when the first of them is called. */
    private static final class Wide {
        static final long MMAP_ADDRESS = address("mmap");
        static final long PREADV2_ADDRESS = address("preadv2");
        static final long PWRITEV2_ADDRESS = address("pwritev2");
        static final long COPY_FILE_RANGE_ADDRESS = address("copy_file_range");
    }

    private static long address(String function) {
        long address = Library.getDefault().getSymbolAddress(function);
        if (address == 0) {
            throw new UnsatisfiedLinkError("libc has no " + function);
        }
        return address;
    }

    @Override
    long once(int number, int count, long a, long b, long c, long d, long e, long f) {
        // SAFETY: long syscall(long number, ...); a callee that takes fewer arguments than are
        // passed ignores the rest, in the C ABI of x86-64 and arm64 and in the kernel's.
        return count <= 5
                ? settle(INVOKER.invokeN6(SIX_LONGS, SYSCALL, number, a, b, c, d, e))
                : withSix(number, a, b, c, d, e, f);
    }

    private static long withSix(int number, long a, long b, long c, long d, long e, long f) {
        if (number == MMAP) {
            return settle(INVOKER.invokeN6(SIX_LONGS, Wide.MMAP_ADDRESS, a, b, c, d, e, f));
        }
        // libc takes the offset of these two in one piece, the kernel in two halves.
        if (number == PREADV2) {
            return settle(INVOKER.invokeN6(SIX_LONGS, Wide.PREADV2_ADDRESS, a, b, c, d, f, 0));
        }
        if (number == PWRITEV2) {
            return settle(INVOKER.invokeN6(SIX_LONGS, Wide.PWRITEV2_ADDRESS, a, b, c, d, f, 0));
        }
        if (number == COPY_FILE_RANGE) {
            long address = Wide.COPY_FILE_RANGE_ADDRESS;
            return settle(INVOKER.invokeN6(SIX_LONGS, address, a, b, c, d, e, f));
        }
        throw new IllegalArgumentException("no way to pass six arguments to call " + number);
    }

    /** The value of a libc function, or -errno. */
    private static long settle(long value) {
        return value == -1 ? -LAST_ERROR.get() : value;
    }
}
