package io.porthole.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * An owned, connected unix stream socket that carries descriptors beside bytes (unix(7)).
 *
 * <p>One thread may send while another receives. To end a receive from another thread, {@link
 * #shutdown} and then, when that thread is out of the call, {@link #close}.
 */
public final class UnixSocket implements AutoCloseable {
    /** The most descriptors in one message; the kernel's own limit (SCM_MAX_FD) is 253. */
    public static final int MAX_FDS = 64;

    private final Syscalls syscalls;
    private final Fd fd;

    private UnixSocket(Syscalls syscalls, Fd fd) {
        this.syscalls = syscalls;
        this.fd = fd;
    }

    /** Who is at the other end, as of the time it connected. */
    public record Peer(int pid, int uid, int gid) {}

    /** Takes over a connected socket. */
    public static UnixSocket adopt(Fd fd) {
        return adopt(Syscalls.host(), fd);
    }

    public static UnixSocket adopt(Syscalls syscalls, Fd fd) {
        return new UnixSocket(syscalls, fd);
    }

    public static UnixSocket connect(String path) throws SyscallException {
        Syscalls syscalls = Syscalls.host();
        Fd fd = open(syscalls);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = SockaddrUn.of(arena, path);
            long result = syscalls.connect(fd.value(), address.address(), (int) SockaddrUn.BYTES);
            SyscallException.check(result, "connect to", path);
            return new UnixSocket(syscalls, fd);
        } catch (SyscallException e) {
            fd.close();
            throw e;
        }
    }

    /** Two sockets connected to each other. */
    public static List<UnixSocket> pair() throws SyscallException {
        Syscalls syscalls = Syscalls.host();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fds = arena.allocate(ValueLayout.JAVA_INT, 2);
            int type = Sockets.SOCK_STREAM | Sockets.SOCK_CLOEXEC;
            long result = syscalls.socketpair(Sockets.AF_UNIX, type, 0, fds.address());
            SyscallException.check(result, "socketpair", null);
            return List.of(
                    adopt(syscalls, Fd.adopt(fds.getAtIndex(ValueLayout.JAVA_INT, 0))),
                    adopt(syscalls, Fd.adopt(fds.getAtIndex(ValueLayout.JAVA_INT, 1))));
        }
    }

    static Fd open(Syscalls syscalls) throws SyscallException {
        int type = Sockets.SOCK_STREAM | Sockets.SOCK_CLOEXEC;
        long number = syscalls.socket(Sockets.AF_UNIX, type, 0);
        return Fd.adopt(syscalls, (int) SyscallException.check(number, "socket", null));
    }

    public Fd fd() {
        return fd;
    }

    public Peer peer() throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment cred = arena.allocate(Ucred.LAYOUT);
            MemorySegment size = arena.allocateFrom(ValueLayout.JAVA_INT, (int) Ucred.BYTES);
            long result =
                    syscalls.getsockopt(
                            fd.value(),
                            Sockets.SOL_SOCKET,
                            Sockets.SO_PEERCRED,
                            cred.address(),
                            size.address());
            SyscallException.check(result, "SO_PEERCRED of", fd);
            return new Peer(Ucred.pid(cred, 0), Ucred.uid(cred, 0), Ucred.gid(cred, 0));
        }
    }

    /** Sends all of {@code data}. */
    public void send(MemorySegment data) throws SyscallException {
        sendWithFds(data, List.of());
    }

    /**
     * Sends all of {@code data} (native memory, at least one byte) with {@code fds}, which stay the
     * caller's. They travel with the first byte.
     */
    public void sendWithFds(MemorySegment data, List<Fd> fds) throws SyscallException {
        if (fds.size() > MAX_FDS) {
            throw new IllegalArgumentException(fds.size() + " descriptors, at most " + MAX_FDS);
        }
        int[] numbers = new int[fds.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = fds.get(i).value();
        }
        sendNumbers(data, numbers);
    }

    /**
     * As {@link #sendWithFds}, with one descriptor that is known by its number, which stays the
     * caller's; -1 for none.
     */
    public void sendWithFd(MemorySegment data, int number) throws SyscallException {
        sendNumbers(data, number < 0 ? new int[0] : new int[] {number});
    }

    private void sendNumbers(MemorySegment data, int[] fds) throws SyscallException {
        if (!data.isNative() || data.byteSize() == 0) {
            throw new IllegalArgumentException("send needs at least one byte of native memory");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment iov = arena.allocate(Iovec.LAYOUT);
            MemorySegment message = arena.allocate(Msghdr.LAYOUT);
            MemorySegment control = rights(arena, fds);
            long sent = 0;
            while (sent < data.byteSize()) {
                Iovec.set(iov, 0, data.address() + sent, data.byteSize() - sent);
                // A stream socket may take a part; the descriptors went with its first byte.
                MemorySegment rest = sent == 0 ? control : MemorySegment.NULL;
                Msghdr.set(message, 0, iov.address(), 1, rest.address(), rest.byteSize());
                long result = syscalls.sendmsg(fd.value(), message.address(), Sockets.MSG_NOSIGNAL);
                sent += SyscallException.check(result, "sendmsg on", fd);
            }
        }
    }

    private static MemorySegment rights(Arena arena, int[] fds) {
        if (fds.length == 0) {
            return MemorySegment.NULL;
        }
        long bytes = (long) fds.length * Integer.BYTES;
        MemorySegment control = arena.allocate(Cmsghdr.space(bytes), 8);
        Cmsghdr.set(control, 0, Cmsghdr.length(bytes), Sockets.SOL_SOCKET, Sockets.SCM_RIGHTS);
        long at = Cmsghdr.BYTES;
        for (int one : fds) {
            control.set(ValueLayout.JAVA_INT_UNALIGNED, at, one);
            at += Integer.BYTES;
        }
        return control;
    }

    /** Receives what is there, waiting for at least one byte; 0 is the end of the stream. */
    public long recv(MemorySegment buffer) throws SyscallException {
        List<Fd> unasked = new ArrayList<>();
        long received = recvWithFds(buffer, unasked);
        unasked.forEach(Fd::close);
        return received;
    }

    /**
     * Receives up to {@code buffer.byteSize()} bytes into native memory, waiting for at least one,
     * and adds the descriptors that came with them, close-on-exec, to {@code fdsOut}, whose owner
     * the caller becomes.
     *
     * @return bytes received; 0 is the end of the stream
     * @throws SyscallException on an error, which includes more descriptors than {@link #MAX_FDS}
     *     or than this process may open (EMFILE): those that came are closed, {@code fdsOut} is as
     *     it was
     */
    public long recvWithFds(MemorySegment buffer, List<Fd> fdsOut) throws SyscallException {
        if (!buffer.isNative() || buffer.byteSize() == 0) {
            throw new IllegalArgumentException("receive needs at least one byte of native memory");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment iov = arena.allocate(Iovec.LAYOUT);
            MemorySegment message = arena.allocate(Msghdr.LAYOUT);
            MemorySegment control =
                    arena.allocate(Cmsghdr.space((long) MAX_FDS * Integer.BYTES), 8);
            Iovec.set(iov, 0, buffer.address(), buffer.byteSize());
            Msghdr.set(message, 0, iov.address(), 1, control.address(), control.byteSize());
            long received =
                    syscalls.recvmsg(fd.value(), message.address(), Sockets.MSG_CMSG_CLOEXEC);
            SyscallException.check(received, "recvmsg on", fd);
            List<Fd> came = new ArrayList<>();
            collect(control, Msghdr.controlBytes(message, 0), came);
            if ((Msghdr.flags(message, 0) & Sockets.MSG_CTRUNC) != 0) {
                came.forEach(Fd::close);
                // The kernel cuts the list short for either reason and tells neither apart.
                throw new SyscallException(
                        "descriptors were lost: more than "
                                + MAX_FDS
                                + " in one message, or no free descriptor; recvmsg on",
                        fd,
                        Errno.EMFILE);
            }
            fdsOut.addAll(came);
            return received;
        }
    }

    private void collect(MemorySegment control, long usedBytes, List<Fd> came) {
        long at = 0;
        while (at + Cmsghdr.BYTES <= usedBytes) {
            long length = Cmsghdr.lengthBytes(control, at);
            if (length < Cmsghdr.BYTES || length > usedBytes - at) {
                return; // the kernel writes no such header; do not follow it anywhere
            }
            if (Cmsghdr.level(control, at) == Sockets.SOL_SOCKET
                    && Cmsghdr.type(control, at) == Sockets.SCM_RIGHTS) {
                for (long one = Cmsghdr.BYTES; one + Integer.BYTES <= length; one += 4) {
                    int number = control.get(ValueLayout.JAVA_INT_UNALIGNED, at + one);
                    came.add(Fd.adopt(syscalls, number));
                }
            }
            at += Cmsghdr.space(length - Cmsghdr.BYTES);
        }
    }

    /** Makes a send or receive that waits longer than this fail with EAGAIN. */
    public void patience(int millis) throws SyscallException {
        try (Arena arena = Arena.ofConfined()) {
            // struct timeval: seconds and microseconds.
            MemorySegment time =
                    arena.allocateFrom(ValueLayout.JAVA_LONG, millis / 1000, millis % 1000 * 1000L);
            for (int option : new int[] {Sockets.SO_RCVTIMEO, Sockets.SO_SNDTIMEO}) {
                long result =
                        syscalls.setsockopt(
                                fd.value(),
                                Sockets.SOL_SOCKET,
                                option,
                                time.address(),
                                (int) time.byteSize());
                SyscallException.check(result, "set the timeout of", fd);
            }
        }
    }

    /** Waits until there is something to receive or the stream ended; false when time ran out. */
    public boolean awaitReadable(int timeoutMillis) throws SyscallException {
        return Waiting.readable(syscalls, fd, timeoutMillis);
    }

    /** Ends both directions; a receive in another thread returns 0. Harmless when already ended. */
    public void shutdown() {
        if (fd.isOpen()) {
            syscalls.shutdown(fd.value(), Sockets.SHUT_RDWR);
        }
    }

    @Override
    public void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return "unix socket " + fd;
    }
}
