package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.porthole.linux.Errno;
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
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;

/** What holds for every front-end, whatever it sends. */
final class MessageProperties {
    private static final int MESSAGES = 60;

    /**
     * Any sequence of more or less plausible messages is taken or ends in a named error, in bounded
     * time, and leaves no descriptor, mapping or thread.
     */
    @Property(tries = 300, shrinking = ShrinkingMode.OFF)
    void anyFrontEndIsSurvived(@ForAll long seed) throws Exception {
        long fdsBefore = Fd.openCount();
        long mappingsBefore = Mappings.ofGuestRam();
        Random random = new Random(seed);
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
            MemorySegment message = arena.allocate(512, 8);
            MemorySegment replies = arena.allocate(8192, 8);
            if (random.nextInt(4) > 0) {
                setUp(peer, message, ram, event);
            }
            for (int i = 0; i < MESSAGES && control.isAlive(); i++) {
                List<Fd> fds = new ArrayList<>();
                int bytes = fill(message, random, fds, ram, event);
                try {
                    peer.sendWithFds(message.asSlice(0, bytes), fds);
                } catch (SyscallException e) {
                    break; // it has hung up
                }
                event.signal();
            }
            // Nothing more to come, but all that was sent is to be answered.
            Syscalls.host().shutdown(peer.fd().value(), Sockets.SHUT_WR);
            try {
                while (peer.recv(replies) > 0) {
                    // Only drained.
                }
            } catch (SyscallException e) {
                assertEquals(Errno.ECONNRESET, e.errno());
            }
        }
        control.join(10_000);
        assertFalse(control.isAlive(), "the session hangs");
        if (ended.get() != null) {
            assertInstanceOf(ProtocolException.class, ended.get());
        }
        assertEquals(device.opened.get(), device.closed.get());
        assertEquals(1, device.disconnected.get());
        assertEquals(fdsBefore, Fd.openCount(), "descriptors");
        assertEquals(mappingsBefore, Mappings.ofGuestRam(), "mappings");
    }

    /** Two running queues of 16, in memory of zeros. */
    private static void setUp(UnixSocket peer, MemorySegment m, MemFd ram, EventFd event)
            throws SyscallException {
        m.fill((byte) 0);
        m.set(Virtio.LONG, 12, 0xa229L); // all that is offered
        send(peer, m, VhostUser.SET_PROTOCOL_FEATURES, 8, List.of());
        m.set(Virtio.LONG, 12, VhostUserDevice.DEFAULT_FEATURES);
        send(peer, m, VhostUser.SET_FEATURES, 8, List.of());
        m.set(Virtio.LONG, 12, 0);
        region(m, 20, 0, new Random(1));
        send(peer, m, VhostUser.ADD_MEM_REG, 40, List.of(ram.fd()));
        for (int q = 0; q < 2; q++) {
            m.fill((byte) 0);
            m.set(ValueLayout.JAVA_INT_UNALIGNED, 12, q);
            m.set(ValueLayout.JAVA_INT_UNALIGNED, 16, 16);
            send(peer, m, VhostUser.SET_VRING_NUM, 8, List.of());
            m.set(ValueLayout.JAVA_INT_UNALIGNED, 16, 1);
            send(peer, m, VhostUser.SET_VRING_ENABLE, 8, List.of());
            m.set(ValueLayout.JAVA_INT_UNALIGNED, 16, 0);
            m.set(Virtio.LONG, 20, 0x10_0000);
            m.set(Virtio.LONG, 28, 0x10_1000);
            m.set(Virtio.LONG, 36, 0x10_2000);
            send(peer, m, VhostUser.SET_VRING_ADDR, 40, List.of());
            send(peer, m, VhostUser.SET_VRING_KICK, 8, List.of(event.fd()));
        }
    }

    private static void send(UnixSocket peer, MemorySegment m, int request, int bytes, List<Fd> fds)
            throws SyscallException {
        m.set(Virtio.INT, 0, request);
        m.set(Virtio.INT, 4, VhostUser.VERSION);
        m.set(Virtio.INT, 8, bytes);
        peer.sendWithFds(m.asSlice(0, VhostUser.HEADER_BYTES + bytes), fds);
    }

    /** Writes a message of mostly the right shape; returns its length. */
    private static int fill(
            MemorySegment m, Random random, List<Fd> fds, MemFd ram, EventFd event) {
        m.fill((byte) 0);
        int[] known = {1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 21, 24, 25, 34, 36};
        int request =
                switch (random.nextInt(8)) {
                    case 0 -> 37;
                    case 1 -> random.nextBoolean() ? 38 : random.nextInt(50);
                    default -> known[random.nextInt(known.length)];
                };
        int bytes = 8;
        switch (request) {
            case 1, 3, 4, 15, 17, 34, 36 -> bytes = 0;
            case 2 -> m.set(Virtio.LONG, 12, VhostUserDevice.DEFAULT_FEATURES);
            case 16 -> m.set(Virtio.LONG, 12, 0xa229L);
            case 5 -> {
                int count = 1 + random.nextInt(2);
                bytes = 8 + 32 * count;
                m.set(ValueLayout.JAVA_INT_UNALIGNED, 12, count);
                for (int i = 0; i < count; i++) {
                    region(m, 20 + 32L * i, i, random);
                    fds.add(ram.fd());
                }
            }
            case 37, 38 -> {
                bytes = 40;
                region(m, 20, random.nextInt(4), random);
                if (request == 37) {
                    fds.add(ram.fd());
                }
            }
            case 8 -> queueState(m, random, 1 << random.nextInt(10));
            case 10 -> queueState(m, random, random.nextInt(3));
            case 11 -> queueState(m, random, 0);
            case 18 -> queueState(m, random, random.nextInt(2));
            case 9 -> {
                bytes = 40;
                queueState(m, random, 0);
                for (int i = 0; i < 3; i++) {
                    m.set(Virtio.LONG, 20 + 8L * i, 0x10_0000 + random.nextInt(0x8000) * 16L);
                }
            }
            case 12, 13, 14 -> {
                queueState(m, random, 0);
                if (random.nextInt(4) == 0) {
                    m.set(ValueLayout.JAVA_BYTE, 13, (byte) 1); // NOFD
                } else {
                    fds.add(event.fd());
                }
            }
            case 21 -> {
                bytes = 0;
                fds.add(event.fd());
            }
            case 24, 25 -> {
                bytes = 16;
                m.set(ValueLayout.JAVA_INT_UNALIGNED, 12, random.nextInt(20));
                m.set(ValueLayout.JAVA_INT_UNALIGNED, 16, 4);
            }
            default -> {}
        }
        if (random.nextInt(40) == 0) {
            bytes = random.nextInt(100);
        }
        if (random.nextInt(40) == 0) {
            m.set(Virtio.LONG, 12 + 8L * random.nextInt(5), random.nextLong());
        }
        if (random.nextInt(40) == 0) {
            fds.add(random.nextBoolean() ? ram.fd() : event.fd());
        }
        m.set(Virtio.INT, 0, request);
        // Mostly wanting an acknowledgement, so that a refusal does not end it all.
        m.set(Virtio.INT, 4, random.nextInt(300) == 0 ? random.nextInt(16) : 9);
        m.set(Virtio.INT, 8, bytes);
        return VhostUser.HEADER_BYTES + bytes;
    }

    private static void queueState(MemorySegment m, Random random, int value) {
        m.set(ValueLayout.JAVA_INT_UNALIGNED, 12, random.nextInt(20) == 0 ? 7 : random.nextInt(2));
        m.set(ValueLayout.JAVA_INT_UNALIGNED, 16, value);
    }

    private static void region(MemorySegment m, long at, int slot, Random random) {
        long bytes = random.nextInt(10) == 0 ? random.nextLong() : 1 << 20;
        m.set(Virtio.LONG, at, (long) slot << 20);
        m.set(Virtio.LONG, at + 8, bytes);
        m.set(Virtio.LONG, at + 16, (1L + slot) << 20);
        m.set(Virtio.LONG, at + 24, 0);
    }
}
