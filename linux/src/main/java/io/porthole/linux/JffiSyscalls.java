package io.porthole.linux;

/**
 * The running kernel through a native method of ours that jffi, the layer below jnr-ffi, binds: no
 * class is generated at start and little is loaded (docs/adr/0017), and no call is cheaper
 * (docs/adr/0031).
 */
final class JffiSyscalls extends KernelCalls {
    @Override
    long once(int number, int count, long a, long b, long c, long d, long e, long f) {
        return SyscallStub.call(number, a, b, c, d, e, f);
    }
}
