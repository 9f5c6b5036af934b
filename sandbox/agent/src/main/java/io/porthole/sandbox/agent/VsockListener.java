package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcServer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/** Port 1024 of the guest's vsock (vsock(7)), for hosts that have it: a connection a client. */
final class VsockListener {
    private static final int PORT = 1024;
    private static final int AF_VSOCK = 40;
    private static final int SOCK_STREAM_CLOEXEC = 1 | Libc.O_CLOEXEC;
    private static final int ANY = -1;
    private static final int BACKLOG = 16;

    private final AgentService service;
    private final int listener;

    VsockListener(AgentService service) throws IOException {
        this.service = service;
        listener = check("socket", Libc.callInt("socket", AF_VSOCK, SOCK_STREAM_CLOEXEC, 0));
        try (Arena arena = Arena.ofConfined()) {
            // struct sockaddr_vm: u16 family, u16 reserved, u32 port, u32 cid, u8 flags, u8 zero[3]
            MemorySegment address = arena.allocate(16, 4);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_VSOCK);
            address.set(ValueLayout.JAVA_INT, 4, PORT);
            address.set(ValueLayout.JAVA_INT, 8, ANY);
            check("bind", Libc.callInt("bind", listener, address.address(), 16));
            check("listen", Libc.callInt("listen", listener, BACKLOG));
        }
    }

    /** The device is there, and so is a host behind it. */
    static boolean isPresent() {
        return Files.exists(Path.of("/dev/vsock"));
    }

    void start() {
        Thread.ofPlatform().name("vsock").start(this::run);
    }

    private void run() {
        int flags = Libc.O_NONBLOCK | Libc.O_CLOEXEC;
        while (true) {
            int fd = Libc.callInt("accept4", listener, 0, 0, flags);
            if (fd < 0) {
                Log.error("vsock: accept: " + Libc.describe(-fd), null);
                continue;
            }
            Thread.ofPlatform().daemon().name("link-vsock").start(() -> serve(fd));
        }
    }

    private void serve(int fd) {
        try (FdLink link = new FdLink(fd)) {
            new TtrpcServer(link, service).serveOne();
        } catch (IOException e) {
            Log.error("vsock", e);
        }
    }

    private static int check(String what, int result) throws IOException {
        if (result < 0) {
            throw new IOException("vsock: " + what + ": " + Libc.describe(-result));
        }
        return result;
    }
}
