package io.porthole.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The running kernel through java.lang.foreign: one handle of libc's {@code syscall} with seven
 * longs serves every call. More handles would each cost start-up time (docs/adr/0008).
 *
 * <p>The JVM copies errno into a segment after each call, before anything of its own can change it;
 * every thread has its own segment.
 */
final class FfmSyscalls extends KernelCalls {
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final long ERRNO = STATE.byteOffset(PathElement.groupElement("errno"));
    private static final MethodHandle SYSCALL = bind();

    private static final ThreadLocal<MemorySegment> CAPTURED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

    @SuppressWarnings("restricted")
    private static MethodHandle bind() {
        ValueLayout.OfLong word = ValueLayout.JAVA_LONG;
        Linker linker = Linker.nativeLinker();
        // SAFETY: long syscall(long number, ...); a callee that takes fewer arguments than are
        // passed ignores the rest, in the C ABI of x86-64 and arm64 and in the kernel's.
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow("syscall"),
                FunctionDescriptor.of(word, word, word, word, word, word, word, word),
                Linker.Option.captureCallState("errno"));
    }

    @Override
    long once(int number, int count, long a, long b, long c, long d, long e, long f) {
        MemorySegment captured = CAPTURED.get();
        long result;
        try {
            result = (long) SYSCALL.invokeExact(captured, (long) number, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw new AssertionError("a system call does not throw", t);
        }
        return result == -1 ? -captured.get(ValueLayout.JAVA_INT, ERRNO) : result;
    }
}
