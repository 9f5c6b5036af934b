package io.porthole.vhostuser;

import io.porthole.linux.EventFd;
import io.porthole.linux.Fd;
import io.porthole.linux.MemFd;
import io.porthole.linux.Sockets;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.linux.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A front-end that sends any bytes. What must hold: the session ends by a named error or because
 * the front-end goes, in bounded time, and leaves no descriptor, mapping or thread.
 */
public final class MessageFuzz {
    private MessageFuzz() {}

    /**
     * What Jazzer calls. The input is a sequence of messages: request, flags, payload bytes,
     * descriptors to send along (2 bits each: none, memory, event), payload.
     */
    public static void fuzzerTestOneInput(byte[] input) throws Exception {
        long fdsBefore = Fd.openCount();
        long mappingsBefore = Mappings.ofGuestRam();
        EchoDevice device = new EchoDevice(2);
        List<UnixSocket> pair = UnixSocket.pair();
        BackendSession session =
                new BackendSession(device, Syscalls.host(), new MessageChannel(pair.get(1)), 0);
        AtomicReference<Throwable> ended = new AtomicReference<>();
        Thread control = ControlThread.start(session, ended);
        try (MemFd ram = MemFd.create("guest-ram", 1 << 20);
                EventFd event = EventFd.create(EventFd.EFD_NONBLOCK);
                Arena arena = Arena.ofConfined();
                UnixSocket peer = pair.get(0)) {
            send(input, peer, ram, event, arena.allocate(1024, 8));
            Syscalls.host().shutdown(peer.fd().value(), Sockets.SHUT_WR);
            MemorySegment replies = arena.allocate(8192, 8);
            try {
                while (peer.recv(replies) > 0) {
                    // Only drained.
                }
            } catch (SyscallException e) {
                // It has hung up.
            }
        }
        control.join(20_000);
        if (control.isAlive()) {
            throw new AssertionError("the session hangs");
        }
        if (ended.get() != null && !(ended.get() instanceof ProtocolException)) {
            throw new AssertionError("ended by something unforeseen", ended.get());
        }
        if (Fd.openCount() != fdsBefore) {
            throw new AssertionError("descriptors: " + fdsBefore + " -> " + Fd.openCount());
        }
        if (Mappings.ofGuestRam() != mappingsBefore) {
            throw new AssertionError("a mapping is left");
        }
    }

    private static void send(
            byte[] input, UnixSocket peer, MemFd ram, EventFd event, MemorySegment message) {
        int at = 0;
        while (at + 4 <= input.length) {
            int request = input[at] & 0xff;
            int flags = input[at + 1] & 0xff;
            int bytes = Math.min(input[at + 2] & 0xff, input.length - at - 4);
            int kinds = input[at + 3] & 0xff;
            at += 4;
            List<Fd> fds = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                switch ((kinds >>> (2 * i)) & 3) {
                    case 1 -> fds.add(ram.fd());
                    case 2 -> fds.add(event.fd());
                    default -> {}
                }
            }
            message.set(Virtio.INT, 0, request);
            message.set(Virtio.INT, 4, flags);
            message.set(Virtio.INT, 8, bytes);
            MemorySegment.copy(input, at, message, ValueLayout.JAVA_BYTE, 12, bytes);
            at += bytes;
            try {
                peer.sendWithFds(message.asSlice(0, VhostUser.HEADER_BYTES + bytes), fds);
            } catch (SyscallException e) {
                return;
            }
        }
    }

    /** Each request once, as a front-end would send it, alone and after the usual set-up. */
    static byte[][] seeds() {
        byte[][] all = new byte[50][];
        for (int request = 0; request < all.length; request++) {
            java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
            message(out, 16, 0, 0x29, 0xa2, 0, 0, 0, 0, 0, 0);
            message(out, 2, 0, 0, 0, 0, 0x70, 1, 0, 0, 0);
            byte[] region = new byte[40];
            region[10] = 0x10; // guest address 0x10_0000
            region[18] = 0x10; // 1 MiB
            region[26] = 0x10;
            message(out, 37, 1, ints(region));
            message(out, request, request % 3, ints(region));
            message(out, 8, 0, 0, 0, 0, 0, 16, 0, 0, 0);
            message(out, request, 2, 0, 0, 0, 0, 1, 0, 0, 0);
            all[request] = out.toByteArray();
        }
        return all;
    }

    private static int[] ints(byte[] bytes) {
        int[] all = new int[bytes.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = bytes[i];
        }
        return all;
    }

    private static void message(
            java.io.ByteArrayOutputStream out, int request, int kinds, int... payload) {
        out.write(request);
        out.write(9);
        out.write(payload.length);
        out.write(kinds);
        for (int b : payload) {
            out.write(b);
        }
    }

    /** Puts the seeds into the directory that is named, for {@code dev/fuzz}. */
    public static void main(String[] args) throws java.io.IOException {
        byte[][] seeds = seeds();
        for (int i = 0; i < seeds.length; i++) {
            java.nio.file.Files.write(java.nio.file.Path.of(args[0], "seed-" + i), seeds[i]);
        }
    }
}
