package io.porthole.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Waiting, and the set-up calls with five arguments: what arrives in the kernel. */
@Timeout(60)
class KernelFormsTest {
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLLIN = 1;
    private static final long TMPFS_MAGIC = 0x01021994;

    @TempDir Path dir;
    private final Syscalls linux = Syscalls.host();
    private Arena arena;
    private MemorySegment buffer;

    @BeforeEach
    void open() {
        arena = Arena.ofShared();
        buffer = arena.allocate(4096, 8);
    }

    @AfterEach
    void close() {
        arena.close();
    }

    private long text(String value) {
        return NativeStrings.of(arena, value).address();
    }

    @Test
    void pollWaitsForItsTimeEachTimeAnew() {
        for (int round = 0; round < 3; round++) {
            long start = System.nanoTime();
            assertEquals(0, linux.poll(0, 0, 50));
            long waited = System.nanoTime() - start;
            assertTrue(waited >= TimeUnit.MILLISECONDS.toNanos(50), "waited " + waited + " ns");
        }
        long start = System.nanoTime();
        assertEquals(0, linux.poll(0, 0, 1100));
        long waited = System.nanoTime() - start;
        assertTrue(waited >= TimeUnit.MILLISECONDS.toNanos(1100), "waited " + waited + " ns");
        assertEquals(0, linux.poll(0, 0, 0));
    }

    @Test
    void pollAndEpollTellWhatIsReady() throws Exception {
        try (EventFd event = EventFd.create(0);
                Fd epoll = Fd.adopt((int) linux.epollCreate1(0))) {
            int fd = event.fd().value();
            // struct epoll_event: u32 events, then the data, packed on x86-64 only.
            boolean packed = !System.getProperty("os.arch").equals("aarch64");
            long dataAt = packed ? 4 : 8;
            buffer.set(ValueLayout.JAVA_INT, 0, EPOLLIN);
            buffer.set(ValueLayout.JAVA_LONG_UNALIGNED, dataAt, 0x1234_5678_9abcL);
            assertEquals(0, linux.epollCtl(epoll.value(), EPOLL_CTL_ADD, fd, buffer.address()));
            buffer.fill((byte) 0);
            long start = System.nanoTime();
            assertEquals(0, linux.epollWait(epoll.value(), buffer.address(), 4, 30));
            assertTrue(System.nanoTime() - start >= TimeUnit.MILLISECONDS.toNanos(30));

            event.signal();

            assertEquals(1, linux.epollWait(epoll.value(), buffer.address(), 4, -1));
            assertEquals(EPOLLIN, buffer.get(ValueLayout.JAVA_INT, 0));
            assertEquals(0x1234_5678_9abcL, buffer.get(ValueLayout.JAVA_LONG_UNALIGNED, dataAt));
            PollFd.set(buffer, 0, fd, PollFd.POLLIN);
            assertEquals(1, linux.poll(buffer.address(), 1, -1));
            assertEquals(PollFd.POLLIN, PollFd.returnedEvents(buffer, 0));
            assertEquals(-Errno.EINVAL, linux.epollWait(epoll.value(), buffer.address(), 0, 0));
            assertEquals(-Errno.EBADF, linux.epollWait(-1, buffer.address(), 1, 0));
        }
    }

    @Test
    void socketOptionsAreSetAndRead() throws Exception {
        try (UnixSocket socket = UnixSocket.pair().getFirst()) {
            int fd = socket.fd().value();
            long value = buffer.address();
            buffer.set(ValueLayout.JAVA_INT, 0, 10_000);
            assertEquals(0, linux.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_RCVBUF, value, 4));
            assertEquals(
                    -Errno.EINVAL,
                    linux.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_RCVBUF, value, 2));
            buffer.set(ValueLayout.JAVA_INT, 8, 4);
            assertEquals(
                    0,
                    linux.getsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_RCVBUF, value, value + 8));
            assertEquals(20_000, buffer.get(ValueLayout.JAVA_INT, 0), "the kernel doubles it");
            assertEquals(
                    0, linux.getsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_TYPE, value, value + 8));
            assertEquals(Sockets.SOCK_STREAM, buffer.get(ValueLayout.JAVA_INT, 0));
        }
    }

    @Test
    void prctlPassesAllFive() throws Exception {
        CompletableFuture<String> name = new CompletableFuture<>();
        Thread thread =
                new Thread(() -> {
                    linux.prctl(Prctl.PR_SET_NAME, text("porthole-five"), 0, 0, 0);
                    try {
                        name.complete(Files.readString(Path.of("/proc/thread-self/comm"), UTF_8));
                    } catch (IOException e) {
                        name.completeExceptionally(e);
                    }
                });
        thread.start();
        assertEquals("porthole-five\n", name.get(10, TimeUnit.SECONDS));
        // The kernel refuses each argument that is not 0.
        assertTrue(linux.prctl(Prctl.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) >= 0);
        assertEquals(-Errno.EINVAL, linux.prctl(Prctl.PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
        assertEquals(-Errno.EINVAL, linux.prctl(Prctl.PR_GET_NO_NEW_PRIVS, 0, 1, 0, 0));
        assertEquals(-Errno.EINVAL, linux.prctl(Prctl.PR_GET_NO_NEW_PRIVS, 0, 0, 1, 0));
        assertEquals(-Errno.EINVAL, linux.prctl(Prctl.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 1));
    }

    @Test
    void mountPassesItsTypeFlagsAndData() throws Exception {
        assumeTrue(linux.geteuid() == 0, "mounting needs root");
        CompletableFuture<long[]> results = new CompletableFuture<>();
        long target = text(dir.toString());
        long blocks = buffer.address();
        Thread thread =
                new Thread(() -> {
                    // A mount namespace of this thread's own.
                    long unshared = linux.unshare(Sched.CLONE_FS | Sched.CLONE_NEWNS);
                    long own = linux.mount(0, text("/"), 0, Mounts.MS_REC | Mounts.MS_PRIVATE, 0);
                    long type = text("tmpfs");
                    long mounted =
                            linux.mount(
                                    text("five"), target, type, Mounts.MS_RDONLY, text("size=64k"));
                    long fd = linux.openat(Fcntl.AT_FDCWD, target, Fcntl.O_DIRECTORY, 0);
                    long asked = linux.fstatfs((int) fd, blocks);
                    linux.close((int) fd);
                    long written = linux.mkdirat(Fcntl.AT_FDCWD, text(dir + "/sub"), 0700);
                    long gone = linux.umount2(target, 0);
                    results.complete(new long[] {unshared, own, mounted, asked, written, gone});
                });
        thread.start();
        assertArrayEquals(
                new long[] {0, 0, 0, 0, -Errno.EROFS, 0}, results.get(10, TimeUnit.SECONDS));
        assertEquals(TMPFS_MAGIC, buffer.get(ValueLayout.JAVA_LONG, 0));
        assertEquals(65_536, StatFs.blocks(buffer, 0) * StatFs.blockSize(buffer, 0));
    }
}
