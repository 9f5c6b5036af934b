package io.porthole.linux;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** An owned file descriptor. Closing it twice is harmless. */
public final class Fd implements AutoCloseable {
    private static final int GONE = -1;
    private static final AtomicLong OPEN = new AtomicLong();

    private final Syscalls syscalls;
    private final AtomicInteger number;

    private Fd(Syscalls syscalls, int number) {
        if (number < 0) {
            throw new IllegalArgumentException("not a file descriptor: " + number);
        }
        this.syscalls = syscalls;
        this.number = new AtomicInteger(number);
        OPEN.incrementAndGet();
    }

    /** Takes ownership of {@code number}, which the host kernel gave out. */
    public static Fd adopt(int number) {
        return adopt(Syscalls.host(), number);
    }

    /** Takes ownership of {@code number}; {@code syscalls} is used to close it. */
    public static Fd adopt(Syscalls syscalls, int number) {
        return new Fd(syscalls, number);
    }

    /** The descriptor number; throws once closed or released. */
    public int value() {
        int value = number.get();
        if (value == GONE) {
            throw new IllegalStateException("file descriptor is closed");
        }
        return value;
    }

    public boolean isOpen() {
        return number.get() != GONE;
    }

    /** Gives ownership to the caller, who closes the returned number. */
    public int release() {
        int value = number.getAndSet(GONE);
        if (value == GONE) {
            throw new IllegalStateException("file descriptor is closed");
        }
        OPEN.decrementAndGet();
        return value;
    }

    /** A second descriptor of the same open file, close-on-exec. */
    public Fd duplicate() throws SyscallException {
        long copy = syscalls.fcntl(value(), Fcntl.F_DUPFD_CLOEXEC, 0);
        return adopt(syscalls, (int) SyscallException.check(copy, "fcntl(F_DUPFD_CLOEXEC)", this));
    }

    /** How many {@code Fd} of this process are neither closed nor released: for leak tests. */
    public static long openCount() {
        return OPEN.get();
    }

    /** An error of close(2) is dropped: Linux has given the number back in any case. */
    @Override
    public void close() {
        int value = number.getAndSet(GONE);
        if (value != GONE) {
            OPEN.decrementAndGet();
            syscalls.close(value);
        }
    }

    @Override
    public String toString() {
        int value = number.get();
        return value == GONE ? "fd closed" : "fd " + value;
    }
}
