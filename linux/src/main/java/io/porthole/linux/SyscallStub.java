package io.porthole.linux;

import com.kenai.jffi.MemoryIO;
import com.kenai.jffi.NativeMethod;
import com.kenai.jffi.NativeMethods;
import com.kenai.jffi.PageManager;
import java.util.HexFormat;
import java.util.List;

/**
 * A native method whose code is the system call itself: a few instructions that take its arguments
 * from where the JVM puts them to where the kernel wants them (docs/adr/0031). Nothing else lies
 * between but the JVM's own step into native code and back; all six arguments arrive, and the
 * kernel's -errno comes back as it is.
 *
 * <p>Both calling conventions pass a native method's environment and class first, which a system
 * call has no use for.
 */
final class SyscallStub {
    /** System V ABI to syscall(2). The kernel destroys rcx and r11, as whoever is called may. */
    private static final String X86_64 =
            "4889d0" // mov rax, rdx: the number
                    + "4889cf" // mov rdi, rcx
                    + "4c89c6" // mov rsi, r8
                    + "4c89ca" // mov rdx, r9
                    + "4c8b542408" // mov r10, [rsp + 8]
                    + "4c8b442410" // mov r8, [rsp + 16]
                    + "4c8b4c2418" // mov r9, [rsp + 24]
                    + "0f05" // syscall
                    + "c3"; // ret

    /** AAPCS64 to syscall(2). Little-endian words, as instructions always are. */
    private static final String ARM64 =
            "e80302aa" // mov x8, x2: the number
                    + "e00303aa" // mov x0, x3
                    + "e10304aa" // mov x1, x4
                    + "e20305aa" // mov x2, x5
                    + "e30306aa" // mov x3, x6
                    + "e40307aa" // mov x4, x7
                    + "e50340f9" // ldr x5, [sp]
                    + "010000d4" // svc #0
                    + "c0035fd6"; // ret

    static {
        byte[] code = HexFormat.of().parseHex(SyscallNumbers.ARM64 ? ARM64 : X86_64);
        PageManager pages = PageManager.getInstance();
        long page = pages.allocatePages(1, PageManager.PROT_READ | PageManager.PROT_WRITE);
        if (page == 0) {
            throw new OutOfMemoryError("no page for the code of system calls");
        }
        MemoryIO.getInstance().putByteArray(page, code, 0, code.length);
        // Never writable and executable at once. On arm64 this is also what makes the code visible
        // to the instruction caches: the kernel sees to that when a page becomes executable.
        pages.protectPages(page, 1, PageManager.PROT_READ | PageManager.PROT_EXEC);
        NativeMethod call = new NativeMethod(page, "call", "(JJJJJJJ)J");
        NativeMethods.register(SyscallStub.class, List.of(call));
    }

    private SyscallStub() {}

    /**
     * Makes system call {@code number} once. It takes as many of the arguments as it has; the
     * others are of no consequence.
     *
     * @return the kernel's result: {@code >= 0}, or -errno
     */
    static native long call(long number, long a, long b, long c, long d, long e, long f);
}
