package io.porthole.virtiofsd.confine;

import io.porthole.linux.Prctl;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.cli.Options;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A seccomp filter (seccomp(2)) as a classic BPF program: {@link AllowedCall} passes, threads may
 * be made but not processes, everything else meets the chosen action. It is loaded on all threads
 * at once (SECCOMP_FILTER_FLAG_TSYNC) and cannot be taken off again.
 */
public final class SeccompFilter {
    // linux/bpf_common.h
    private static final int LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private static final int JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    private static final int JUMP_IF_SET = 0x45; // BPF_JMP | BPF_JSET | BPF_K
    private static final int RETURN = 0x06; // BPF_RET | BPF_K

    // struct seccomp_data
    private static final int NR_OFFSET = 0;
    private static final int ARCH_OFFSET = 4;
    private static final int ARG0_LOW_OFFSET = 16;

    // linux/seccomp.h, linux/audit.h
    private static final int RET_KILL_PROCESS = 0x80000000;
    private static final int RET_TRAP = 0x00030000;
    private static final int RET_ERRNO = 0x00050000;
    private static final int RET_LOG = 0x7ffc0000;
    private static final int RET_ALLOW = 0x7fff0000;
    private static final int SET_MODE_FILTER = 1;
    private static final int FLAG_TSYNC = 1;
    private static final int ARCH_X86_64 = 0xc000003e;
    private static final int ARCH_AARCH64 = 0xc00000b7;

    private static final int CLONE_FS = 0x200;
    private static final int CLONE_THREAD = 0x10000;
    private static final int ENOSYS = 38;
    private static final int INSTRUCTION_BYTES = 8;

    private final MemorySegment program;
    private int count;

    private SeccompFilter(Arena arena, int capacity) {
        program = arena.allocate((long) capacity * INSTRUCTION_BYTES, 8);
    }

    /** Loads the filter on every thread of the process; nothing for {@code NONE}. */
    public static void load(Syscalls sys, Options.Seccomp action) throws SyscallException {
        if (action == Options.Seccomp.NONE) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            AllowedCall[] calls = AllowedCall.values();
            SeccompFilter filter = new SeccompFilter(arena, 2 * calls.length + 32);
            filter.build(calls, returnValue(action));
            MemorySegment prog = arena.allocate(16, 8); // struct sock_fprog
            prog.set(ValueLayout.JAVA_SHORT, 0, (short) filter.count);
            prog.set(ValueLayout.JAVA_LONG, 8, filter.program.address());
            SyscallException.check(
                    sys.prctl(Prctl.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl", "no_new_privs");
            SyscallException.check(
                    sys.seccomp(SET_MODE_FILTER, FLAG_TSYNC, prog.address()), "seccomp", "filter");
        }
    }

    private static int returnValue(Options.Seccomp action) {
        return switch (action) {
            case KILL, NONE -> RET_KILL_PROCESS;
            case TRAP -> RET_TRAP;
            case LOG -> RET_LOG;
        };
    }

    private void build(AllowedCall[] calls, int refuse) {
        boolean x86 = System.getProperty("os.arch").equals("amd64");
        emit(LOAD_WORD, 0, 0, ARCH_OFFSET);
        emit(JUMP_IF_EQUAL, 1, 0, x86 ? ARCH_X86_64 : ARCH_AARCH64);
        emit(RETURN, 0, 0, RET_KILL_PROCESS);
        emit(LOAD_WORD, 0, 0, NR_OFFSET);
        for (AllowedCall call : calls) {
            int number = x86 ? call.x86 : call.arm64;
            if (number >= 0) {
                emit(JUMP_IF_EQUAL, 0, 1, number);
                emit(RETURN, 0, 0, RET_ALLOW);
            }
        }
        // clone3 hides its flags behind a pointer: without it, glibc falls back to clone.
        emit(JUMP_IF_EQUAL, 0, 1, 435);
        emit(RETURN, 0, 0, RET_ERRNO | ENOSYS);
        emitIfArgument(x86 ? 56 : 220, CLONE_THREAD, true, refuse);
        emitIfArgument(x86 ? 272 : 97, CLONE_FS, false, refuse);
        emit(RETURN, 0, 0, refuse);
    }

    /** Allows call {@code number} if its first argument has the bit, or is exactly the value. */
    private void emitIfArgument(int number, int value, boolean bit, int refuse) {
        emit(JUMP_IF_EQUAL, 0, 4, number);
        emit(LOAD_WORD, 0, 0, ARG0_LOW_OFFSET);
        emit(bit ? JUMP_IF_SET : JUMP_IF_EQUAL, 0, 1, value);
        emit(RETURN, 0, 0, RET_ALLOW);
        emit(RETURN, 0, 0, refuse);
    }

    /** struct sock_filter: u16 code, u8 jump if true, u8 jump if false, u32 k. */
    private void emit(int code, int ifTrue, int ifFalse, int k) {
        long at = (long) count++ * INSTRUCTION_BYTES;
        program.set(ValueLayout.JAVA_SHORT, at, (short) code);
        program.set(ValueLayout.JAVA_BYTE, at + 2, (byte) ifTrue);
        program.set(ValueLayout.JAVA_BYTE, at + 3, (byte) ifFalse);
        program.set(ValueLayout.JAVA_INT, at + 4, k);
    }
}
