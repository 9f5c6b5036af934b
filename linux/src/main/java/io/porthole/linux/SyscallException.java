package io.porthole.linux;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A system call failed on the control plane: what was tried, on what, and what the kernel answered.
 * Request paths use the -errno results of {@link Syscalls} instead.
 */
public final class SyscallException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String operation;
    private final int errno;

    /**
     * @param operation what was tried, such as {@code "open"}
     * @param subject what it was tried on, such as a path; null when there is nothing to name
     * @param errno positive, one of {@link Errno}
     */
    public SyscallException(String operation, @Nullable Object subject, int errno) {
        super(operation + (subject == null ? "" : " " + subject) + ": " + Errno.describe(errno));
        this.operation = operation;
        this.errno = errno;
    }

    /** Returns {@code result} when it is no error, and throws otherwise. */
    public static long check(long result, String operation, @Nullable Object subject)
            throws SyscallException {
        if (result < 0) {
            throw new SyscallException(operation, subject, (int) -result);
        }
        return result;
    }

    public String operation() {
        return operation;
    }

    /** Positive, one of {@link Errno}. */
    public int errno() {
        return errno;
    }
}
