package io.porthole.sandbox.orchestrator.cli;

import io.porthole.linux.Syscalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The terminal on standard input: its size, and raw mode with a way back (termios(3), {@code
 * asm-generic/termbits.h}).
 */
final class Terminal {
    private static final long TCGETS = 0x5401;
    private static final long TCSETSW = 0x5403;
    private static final long TIOCGWINSZ = 0x5413;
    private static final int TERMIOS_BYTES = 36;
    private static final int C_IFLAG = 0;
    private static final int C_OFLAG = 4;
    private static final int C_CFLAG = 8;
    private static final int C_LFLAG = 12;
    private static final int C_CC = 17;
    private static final int VTIME = 5;
    private static final int VMIN = 6;
    // IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON
    private static final int RAW_IFLAG_OFF = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400;
    private static final int OPOST = 0x1;
    // ISIG ICANON ECHO ECHONL IEXTEN
    private static final int RAW_LFLAG_OFF = 0x1 | 0x2 | 0x8 | 0x40 | 0x8000;
    private static final int CSIZE_PARENB = 0x30 | 0x100;
    private static final int CS8 = 0x30;

    private static final AtomicReference<byte @Nullable []> SAVED = new AtomicReference<>();

    private Terminal() {}

    /** Rows and columns. */
    record Size(int rows, int columns) {}

    /** Whether a standard descriptor is a terminal. Asks no native code: most are not. */
    static boolean is(int fd) {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).toString();
            return target.startsWith("/dev/pts/")
                    || target.startsWith("/dev/tty")
                    || target.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    static @Nullable Size size() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment winsize = arena.allocate(8, 8);
            if (Syscalls.host().ioctl(0, TIOCGWINSZ, winsize.address()) < 0) {
                return null;
            }
            int rows = winsize.get(ValueLayout.JAVA_SHORT, 0) & 0xffff;
            int columns = winsize.get(ValueLayout.JAVA_SHORT, 2) & 0xffff;
            return rows == 0 || columns == 0 ? null : new Size(rows, columns);
        }
    }

    /** Passes every key through, until {@link #restoreAll}. */
    static void raw() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment t = arena.allocate(TERMIOS_BYTES, 8);
            if (Syscalls.host().ioctl(0, TCGETS, t.address()) < 0) {
                throw new IOException("standard input is not a terminal");
            }
            if (SAVED.compareAndSet(null, t.toArray(ValueLayout.JAVA_BYTE))) {
                Runtime.getRuntime().addShutdownHook(new Thread(Terminal::restoreAll));
            }
            clear(t, C_IFLAG, RAW_IFLAG_OFF);
            clear(t, C_OFLAG, OPOST);
            clear(t, C_LFLAG, RAW_LFLAG_OFF);
            clear(t, C_CFLAG, CSIZE_PARENB);
            t.set(ValueLayout.JAVA_INT, C_CFLAG, t.get(ValueLayout.JAVA_INT, C_CFLAG) | CS8);
            t.set(ValueLayout.JAVA_BYTE, C_CC + VMIN, (byte) 1);
            t.set(ValueLayout.JAVA_BYTE, C_CC + VTIME, (byte) 0);
            if (Syscalls.host().ioctl(0, TCSETSW, t.address()) < 0) {
                throw new IOException("cannot change the terminal's mode");
            }
        }
    }

    private static void clear(MemorySegment termios, int offset, int bits) {
        termios.set(
                ValueLayout.JAVA_INT, offset, termios.get(ValueLayout.JAVA_INT, offset) & ~bits);
    }

    /** Gives the terminal back as it was; idempotent. */
    static void restoreAll() {
        byte[] saved = SAVED.getAndSet(null);
        if (saved != null) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment t = arena.allocate(TERMIOS_BYTES, 8);
                MemorySegment.copy(saved, 0, t, ValueLayout.JAVA_BYTE, 0, saved.length);
                Syscalls.host().ioctl(0, TCSETSW, t.address());
            }
        }
    }
}
