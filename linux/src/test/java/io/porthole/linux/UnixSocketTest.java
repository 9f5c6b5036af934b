package io.porthole.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class UnixSocketTest {
    @TempDir Path dir;
    private Arena arena;
    private List<String> fdsBefore;

    @BeforeEach
    void open() throws Exception {
        arena = Arena.ofConfined();
        EventFd.create(0).close(); // binds the calls, so that jffi's own descriptors are counted
        fdsBefore = Proc.openFds();
    }

    @AfterEach
    void noDescriptorIsLeftOpen() {
        arena.close();
        assertEquals(fdsBefore, Proc.openFds());
    }

    private MemorySegment bytes(byte... values) {
        return arena.allocateFrom(ValueLayout.JAVA_BYTE, values);
    }

    @Test
    void descriptorsArriveWithTheBytesAndReferToTheSameFile() throws Exception {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket left = pair.get(0);
                UnixSocket right = pair.get(1);
                EventFd first = EventFd.create(0);
                EventFd second = EventFd.create(EventFd.EFD_NONBLOCK)) {
            left.sendWithFds(bytes((byte) 1, (byte) 2, (byte) 3), List.of(first.fd(), second.fd()));
            MemorySegment buffer = arena.allocate(16);
            List<Fd> came = new ArrayList<>();

            assertEquals(3, right.recvWithFds(buffer, came));

            assertArrayEquals(
                    new byte[] {1, 2, 3}, buffer.asSlice(0, 3).toArray(ValueLayout.JAVA_BYTE));
            assertEquals(2, came.size());
            int flags = (int) Syscalls.host().fcntl(came.get(0).value(), Fcntl.F_GETFD, 0);
            assertEquals(Fcntl.FD_CLOEXEC, flags);
            try (EventFd one = EventFd.adopt(came.get(0));
                    EventFd two = EventFd.adopt(came.get(1))) {
                one.signal();
                one.signal();
                assertEquals(2, first.drain());
                assertEquals(-Errno.EAGAIN, two.drain());
            }
        }
    }

    @Test
    void asManyDescriptorsAsPromisedFitInOneMessage() throws Exception {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket left = pair.get(0);
                UnixSocket right = pair.get(1);
                EventFd event = EventFd.create(0)) {
            left.sendWithFds(bytes((byte) 1), Collections.nCopies(UnixSocket.MAX_FDS, event.fd()));
            List<Fd> came = new ArrayList<>();
            assertEquals(1, right.recvWithFds(arena.allocate(1), came));
            assertEquals(UnixSocket.MAX_FDS, came.size());
            came.forEach(Fd::close);
        }
    }

    @Test
    void lostDescriptorsAreAnErrorAndThoseThatCameAreClosed() throws Exception {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket left = pair.get(0);
                UnixSocket right = pair.get(1);
                EventFd event = EventFd.create(0)) {
            sendTooManyFds(left, event.fd().value(), UnixSocket.MAX_FDS + 5);
            int before = Proc.openFdCount();
            List<Fd> came = new ArrayList<>();

            SyscallException e =
                    assertThrows(
                            SyscallException.class,
                            () -> right.recvWithFds(arena.allocate(1), came));

            assertTrue(e.getMessage().contains("descriptors were lost"), e.getMessage());
            assertTrue(came.isEmpty());
            assertEquals(before, Proc.openFdCount());
        }
    }

    /** What UnixSocket refuses to send, by hand. */
    private void sendTooManyFds(UnixSocket socket, int fd, int count) throws Exception {
        MemorySegment iov = arena.allocate(Iovec.LAYOUT);
        Iovec.set(iov, 0, bytes((byte) 1).address(), 1);
        long dataBytes = count * 4L;
        MemorySegment control = arena.allocate(Cmsghdr.space(dataBytes), 8);
        Cmsghdr.set(control, 0, Cmsghdr.length(dataBytes), Sockets.SOL_SOCKET, Sockets.SCM_RIGHTS);
        for (int i = 0; i < count; i++) {
            control.set(ValueLayout.JAVA_INT, Cmsghdr.BYTES + i * 4L, fd);
        }
        MemorySegment message = arena.allocate(Msghdr.LAYOUT);
        Msghdr.set(message, 0, iov.address(), 1, control.address(), control.byteSize());
        assertEquals(1, Syscalls.host().sendmsg(socket.fd().value(), message.address(), 0));
    }

    @Test
    void plainReceiveClosesDescriptorsThatNobodyAskedFor() throws Exception {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket left = pair.get(0);
                UnixSocket right = pair.get(1);
                EventFd event = EventFd.create(0)) {
            int before = Proc.openFdCount();
            left.sendWithFds(bytes((byte) 7), List.of(event.fd()));
            assertEquals(1, right.recv(arena.allocate(8)));
            assertEquals(before, Proc.openFdCount());
        }
    }

    @Test
    void megabytesArriveUnchangedThroughPartialSends() throws Exception {
        byte[] sent = new byte[4 << 20];
        new Random(42).nextBytes(sent);
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket left = pair.get(0);
                UnixSocket right = pair.get(1)) {
            CompletableFuture<Void> sending =
                    CompletableFuture.runAsync(() -> {
                        try (Arena own = Arena.ofConfined()) {
                            left.send(own.allocateFrom(ValueLayout.JAVA_BYTE, sent));
                            left.shutdown();
                        } catch (SyscallException e) {
                            throw new IllegalStateException(e);
                        }
                    });
            byte[] got = new byte[sent.length];
            MemorySegment buffer = arena.allocate(70_000);
            int at = 0;
            long n;
            while ((n = right.recv(buffer)) > 0) {
                MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, got, at, (int) n);
                at += (int) n;
            }
            sending.get(10, TimeUnit.SECONDS);
            assertEquals(sent.length, at);
            assertArrayEquals(sent, got);
        }
    }

    @Test
    void listenerAcceptsTellsThePeerAndRemovesItsPath() throws Exception {
        Path path = dir.resolve("s");
        try (UnixListener listener = UnixListener.bind(path.toString())) {
            assertFalse(listener.awaitConnection(1));
            try (UnixSocket client = UnixSocket.connect(path.toString())) {
                assertTrue(listener.awaitConnection(1000));
                try (UnixSocket server = listener.accept()) {
                    assertEquals(ProcessHandle.current().pid(), server.peer().pid());
                    assertEquals(Syscalls.host().geteuid(), server.peer().uid());
                    client.send(bytes((byte) 9));
                    assertTrue(server.awaitReadable(1000));
                    assertEquals(1, server.recv(arena.allocate(4)));
                    client.shutdown();
                    assertEquals(0, server.recv(arena.allocate(4)));
                }
            }
        }
        assertFalse(Files.exists(path));
    }

    @Test
    void shutdownEndsAnAcceptInAnotherThread() throws Exception {
        try (UnixListener listener = UnixListener.bind(dir.resolve("s").toString())) {
            CompletableFuture<Throwable> accepting =
                    CompletableFuture.supplyAsync(
                            () -> assertThrows(SyscallException.class, listener::accept));
            Thread.sleep(50);
            listener.shutdown();
            SyscallException e = (SyscallException) accepting.get(10, TimeUnit.SECONDS);
            assertEquals(Errno.EINVAL, e.errno());
        }
    }

    @Test
    void pathInUseIsRefusedAndLeftInPlace() throws Exception {
        Path path = dir.resolve("s");
        try (UnixListener listener = UnixListener.bind(path.toString())) {
            SyscallException e =
                    assertThrows(SyscallException.class, () -> UnixListener.bind(path.toString()));
            assertEquals(Errno.EADDRINUSE, e.errno());
            assertTrue(Files.exists(path));
            assertTrue(listener.fd().isOpen());
        }
    }

    @Test
    void pathTooLongIsToldWithItsLengthAndTheLimit() {
        String path = "/tmp/" + "x".repeat(103);
        SyscallException e = assertThrows(SyscallException.class, () -> UnixListener.bind(path));
        assertTrue(e.getMessage().contains("108 bytes (at most 107)"), e.getMessage());
        assertThrows(SyscallException.class, () -> UnixSocket.connect(path));
        assertThrows(SyscallException.class, () -> UnixSocket.connect(""));
    }

    @Test
    void longestPathWorks() throws Exception {
        // A directory of its own near the root: the temporary one may be deep.
        Path base = Files.createTempDirectory(Path.of("/tmp"), "u");
        String path = base + "/" + "x".repeat(107 - base.toString().length() - 1);
        try (UnixListener listener = UnixListener.bind(path);
                UnixSocket client = UnixSocket.connect(path)) {
            assertTrue(listener.awaitConnection(1000));
            assertTrue(client.fd().isOpen());
        }
        Files.delete(base);
    }

    @Test
    void connectingToNobodyNamesThePathAndTheError() {
        String path = dir.resolve("none").toString();
        SyscallException e = assertThrows(SyscallException.class, () -> UnixSocket.connect(path));
        assertEquals("connect to " + path + ": ENOENT (No such file or directory)", e.getMessage());
    }

    @Test
    void sendToAClosedPeerIsAnErrorAndNoSignal() throws Exception {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket left = pair.get(0)) {
            pair.get(1).close();
            SyscallException e =
                    assertThrows(SyscallException.class, () -> left.send(bytes((byte) 1)));
            assertEquals(Errno.EPIPE, e.errno());
        }
    }
}
