package io.porthole.sandbox.orchestrator;

import io.porthole.linux.Fcntl;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The master side of a terminal: types keys, reads the screen, sets the size (pty(7)). */
final class Pty implements AutoCloseable {
    private static final long TIOCSPTLCK = 0x40045431;
    private static final long TIOCGPTN = 0x80045430L;
    private static final long TIOCSWINSZ = 0x5414;

    private final Syscalls sys = Syscalls.host();
    private final int master;
    private final Path slave;
    private final StringBuilder screen = new StringBuilder();

    Pty() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            long fd =
                    sys.openat(
                            Fcntl.AT_FDCWD,
                            NativeStrings.of(arena, "/dev/ptmx").address(),
                            Fcntl.O_RDWR | Fcntl.O_NOCTTY | Fcntl.O_CLOEXEC | Fcntl.O_NONBLOCK,
                            0);
            master = (int) SyscallException.check(fd, "open", "/dev/ptmx");
            MemorySegment number = arena.allocate(4, 4);
            SyscallException.check(sys.ioctl(master, TIOCSPTLCK, number.address()), "unlock", null);
            SyscallException.check(sys.ioctl(master, TIOCGPTN, number.address()), "number", null);
            slave = Path.of("/dev/pts/" + number.get(ValueLayout.JAVA_INT, 0));
        }
    }

    Path slave() {
        return slave;
    }

    void resize(int rows, int columns) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(8, 8);
            size.set(ValueLayout.JAVA_SHORT, 0, (short) rows);
            size.set(ValueLayout.JAVA_SHORT, 2, (short) columns);
            SyscallException.check(sys.ioctl(master, TIOCSWINSZ, size.address()), "resize", slave);
        }
    }

    void type(String keys) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = keys.getBytes(StandardCharsets.UTF_8);
            MemorySegment memory = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
            SyscallException.check(
                    sys.write(master, memory.address(), bytes.length), "write", slave);
        }
    }

    /** Reads until the screen contains a text; returns all that was read so far. */
    String await(String text, long millis) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + millis * 1_000_000;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(4096);
            while (screen.indexOf(text) < 0) {
                long n = sys.read(master, buffer.address(), buffer.byteSize());
                if (n > 0) {
                    screen.append(
                            new String(
                                    buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE),
                                    StandardCharsets.UTF_8));
                } else if (System.nanoTime() - deadline > 0) {
                    throw new AssertionError("no \"" + text + "\" on the screen: " + screen);
                } else {
                    Thread.sleep(20);
                }
            }
        }
        return screen.toString();
    }

    @Override
    public void close() {
        sys.close(master);
    }
}
