package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.EventFd;
import io.porthole.linux.Fd;
import io.porthole.linux.MemFd;
import io.porthole.linux.UnixSocket;
import io.porthole.vhostuser.ProtocolException.Kind;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What goes over the socket, byte by byte, written from the protocol's specification by hand. */
@Timeout(60)
final class MessageVectorsTest {
    private final long fdsBefore = Fd.openCount();
    private final EchoDevice device = new EchoDevice(2);
    private final AtomicReference<Throwable> ended = new AtomicReference<>();
    private UnixSocket peer;
    private Thread control;

    @BeforeEach
    void connect() throws Exception {
        List<UnixSocket> pair = UnixSocket.pair();
        peer = pair.get(0);
        BackendSession session =
                new BackendSession(
                        device,
                        io.porthole.linux.Syscalls.host(),
                        new MessageChannel(pair.get(1)),
                        0);
        control = ControlThread.start(session, ended);
    }

    @AfterEach
    void disconnect() throws Exception {
        peer.close();
        control.join();
        assertEquals(fdsBefore, Fd.openCount(), "descriptors");
    }

    private void send(byte[] bytes, Fd... fds) throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            peer.sendWithFds(
                    arena.allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes)),
                    List.of(fds));
        }
    }

    private byte[] receive(int count) throws Exception {
        ByteArrayOutputStream got = new ByteArrayOutputStream();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(count);
            while (got.size() < count) {
                List<Fd> fds = new ArrayList<>();
                long n = peer.recvWithFds(buffer.asSlice(0, count - got.size()), fds);
                assertEquals(0, fds.size());
                if (n == 0) {
                    break;
                }
                got.write(buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE));
            }
        }
        return got.toByteArray();
    }

    private static byte[] bytes(int... values) {
        byte[] b = new byte[values.length];
        for (int i = 0; i < b.length; i++) {
            b[i] = (byte) values[i];
        }
        return b;
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] p : parts) {
            all.writeBytes(p);
        }
        return all.toByteArray();
    }

    private static byte[] le64(long value) {
        byte[] b = new byte[8];
        for (int i = 0; i < 8; i++) {
            b[i] = (byte) (value >>> (8 * i));
        }
        return b;
    }

    private static byte[] header(int request, int flags, int bytes) {
        return bytes(request, 0, 0, 0, flags, 0, 0, 0, bytes, bytes >> 8, bytes >> 16, bytes >> 24);
    }

    /** Acknowledgements are asked for from here on, and all else is negotiated, too. */
    private void negotiate() throws Exception {
        // CONFIGURE_MEM_SLOTS 15, RESET_DEVICE 13, CONFIG 9, BACKEND_REQ 5, REPLY_ACK 3, MQ 0
        send(join(header(16, 1, 8), le64(0xa229)));
    }

    private void assertAck(int request, long result) throws Exception {
        assertArrayEquals(join(header(request, 5, 8), le64(result)), receive(20));
    }

    /** Sends a message that wants an acknowledgement, and expects a refusal. */
    private void refused(int request, byte[] payload, Fd... fds) throws Exception {
        send(join(header(request, 9, payload.length), payload), fds);
        assertAck(request, 1);
    }

    private void accepted(int request, byte[] payload, Fd... fds) throws Exception {
        send(join(header(request, 9, payload.length), payload), fds);
        assertAck(request, 0);
    }

    /** Waits for the back-end to end the connection. Returns why. */
    private Kind end() throws Exception {
        assertEquals(0, receive(1).length, "the connection ends");
        control.join();
        Throwable t = ended.get();
        assertNotNull(t);
        return ((ProtocolException) t).kind();
    }

    @Test
    void getFeatures() throws Exception {
        send(
                bytes(
                        1, 0, 0, 0, // GET_FEATURES
                        1, 0, 0, 0, // version 1
                        0, 0, 0, 0)); // no payload
        assertArrayEquals(
                bytes(
                        1, 0, 0, 0, // GET_FEATURES
                        5, 0, 0, 0, // version 1, reply
                        8, 0, 0, 0, // a u64
                        0, 0, 0, 0x70, // PROTOCOL_FEATURES 30, EVENT_IDX 29, INDIRECT_DESC 28
                        1, 0, 0, 0), // VERSION_1 32
                receive(20));
    }

    @Test
    void getProtocolFeatures() throws Exception {
        send(bytes(15, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
        assertArrayEquals(
                bytes(
                        15, 0, 0, 0, // GET_PROTOCOL_FEATURES
                        5, 0, 0, 0, // version 1, reply
                        8, 0, 0, 0, // a u64
                        0x29, // BACKEND_REQ 5, REPLY_ACK 3, MQ 0
                        0xa2, // CONFIGURE_MEM_SLOTS 15, RESET_DEVICE 13, CONFIG 9
                        0, 0, 0, 0, 0, 0),
                receive(20));
    }

    @Test
    void getQueueNum() throws Exception {
        send(bytes(17, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
        assertArrayEquals(
                bytes(17, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0), receive(20));
    }

    @Test
    void getMaxMemSlots() throws Exception {
        negotiate();
        send(bytes(36, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
        assertArrayEquals(join(header(36, 5, 8), le64(VhostUser.MAX_MEM_SLOTS)), receive(20));
    }

    @Test
    void getConfig() throws Exception {
        negotiate();
        send(
                bytes(
                        24, 0, 0, 0, // GET_CONFIG
                        1, 0, 0, 0, // version 1
                        16, 0, 0, 0, // payload
                        5, 0, 0, 0, // offset
                        4, 0, 0, 0, // size
                        0, 0, 0, 0, // flags
                        0, 0, 0, 0)); // room for the answer
        assertArrayEquals(
                bytes(
                        24, 0, 0, 0, // GET_CONFIG
                        5, 0, 0, 0, // version 1, reply
                        16, 0, 0, 0, // payload
                        5, 0, 0, 0, // offset
                        4, 0, 0, 0, // size
                        0, 0, 0, 0, // flags
                        'c', 'o', 'n', 'f'),
                receive(28));
    }

    @Test
    void getConfigBeyondTheEndIsAReplyWithoutPayload() throws Exception {
        negotiate();
        send(join(header(24, 1, 16), bytes(17, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
        assertArrayEquals(header(24, 5, 0), receive(12));
    }

    @Test
    void getVringBase() throws Exception {
        send(
                bytes(
                        10, 0, 0, 0, // SET_VRING_BASE
                        1, 0, 0, 0, // version 1
                        8, 0, 0, 0, // payload
                        1, 0, 0, 0, // queue
                        0x34, 0x12, 0, 0)); // next available index
        send(
                bytes(
                        11, 0, 0, 0, // GET_VRING_BASE
                        1, 0, 0, 0, // version 1
                        8, 0, 0, 0, // payload
                        1, 0, 0, 0, // queue
                        0, 0, 0, 0));
        assertArrayEquals(
                bytes(
                        11, 0, 0, 0, // GET_VRING_BASE
                        5, 0, 0, 0, // version 1, reply
                        8, 0, 0, 0, // payload
                        1, 0, 0, 0, // queue
                        0x34, 0x12, 0, 0), // next available index
                receive(20));
    }

    @Test
    void acknowledgementsAreSentWhenAskedForAndNegotiated() throws Exception {
        send(join(header(3, 9, 0))); // SET_OWNER, need_reply, but REPLY_ACK is not negotiated
        negotiate();
        accepted(3, new byte[0]);
        send(header(3, 1, 0)); // not asked for
        send(header(17, 9, 0)); // GET_QUEUE_NUM has a reply of its own, and only that
        assertArrayEquals(join(header(17, 5, 8), le64(2)), receive(20));
    }

    @Test
    void messagesInPiecesAreTakenTogether() throws Exception {
        for (byte b : header(17, 1, 0)) {
            send(new byte[] {b});
        }
        assertArrayEquals(join(header(17, 5, 8), le64(2)), receive(20));
    }

    @Test
    void messagesAtOnceAreTakenApart() throws Exception {
        send(join(header(17, 1, 0), header(17, 1, 0), header(17, 1, 0)));
        assertEquals(60, receive(60).length);
    }

    @Test
    void whatIsWrongInAMessageIsRefused() throws Exception {
        negotiate();
        refused(2, le64(1L << 34)); // SET_FEATURES: RING_PACKED is not on offer
        refused(16, le64(1L << 22)); // SET_PROTOCOL_FEATURES: nor is SHMEM
        refused(2, bytes(1, 2, 3, 4)); // too short
        refused(8, bytes(2, 0, 0, 0, 128, 0, 0, 0)); // SET_VRING_NUM: no queue 2
        refused(8, bytes(0xff, 0xff, 0xff, 0xff, 128, 0, 0, 0));
        refused(8, bytes(0, 0, 0, 0, 0, 0, 0, 0)); // size 0
        refused(8, bytes(0, 0, 0, 0, 100, 0, 0, 0)); // not a power of two
        refused(8, bytes(0, 0, 0, 0, 0, 0, 1, 0)); // 65536
        refused(10, bytes(0, 0, 0, 0, 0, 0, 1, 0)); // SET_VRING_BASE: 65536
        refused(18, bytes(0, 0, 0, 0, 2, 0, 0, 0)); // SET_VRING_ENABLE: neither 0 nor 1
        refused(12, le64(0)); // SET_VRING_KICK: where is the descriptor?
        refused(13, le64(2 | 1 << 8)); // SET_VRING_CALL: no queue 2
        byte[] addr = join(le64(0), le64(0x1008), le64(0x2000), le64(0x3000), le64(0));
        refused(9, addr); // SET_VRING_ADDR: descriptors not 16-aligned
        refused(99, new byte[0]); // no such message
        refused(39, le64(0)); // SET_STATUS was not offered
        refused(21, new byte[0]); // SET_BACKEND_REQ_FD without one
        accepted(3, new byte[0]); // all the same it goes on
    }

    @Test
    void whatIsWrongWithMemoryIsRefused() throws Exception {
        negotiate();
        try (MemFd ram = MemFd.create("guest-ram", 1 << 20);
                EventFd event = EventFd.create(0)) {
            Fd fd = ram.fd();
            byte[] good = join(le64(0), le64(0), le64(1 << 20), le64(0x10000), le64(0));
            refused(37, good); // ADD_MEM_REG: no descriptor
            refused(37, good, fd, fd); // two
            refused(37, good, event.fd()); // cannot be mapped
            refused(37, join(le64(0), le64(0), le64(0), le64(0), le64(0)), fd); // no bytes
            refused(37, join(le64(0), le64(0), le64(-1), le64(0), le64(0)), fd);
            refused(37, join(le64(0), le64(-4096), le64(8192), le64(0), le64(0)), fd); // wraps
            refused(37, join(le64(0), le64(0), le64(1 << 20), le64(0), le64(4096)), fd); // too long
            refused(37, join(le64(0), le64(0), le64(1 << 20), le64(0), le64(-4096)), fd);
            refused(38, good); // REM_MEM_REG: not there yet
            accepted(37, good, fd);
            refused(37, good, fd); // overlaps
            refused(38, join(le64(0), le64(4096), le64(1 << 20), le64(0x10000), le64(0)));
            assertEquals(1, Mappings.ofGuestRam());
            accepted(38, good, fd); // older front-ends send the descriptor along
            assertEquals(0, Mappings.ofGuestRam());
            byte[] region = join(le64(0), le64(4096), le64(0x10000), le64(0));
            refused(5, join(le64(9), new byte[9 * 32]), fd); // SET_MEM_TABLE: 9 regions
            refused(5, join(le64(2), region, region), fd); // 2 regions, 1 descriptor
            refused(5, join(le64(2), region), fd, fd); // 2 regions, bytes for 1
            refused(5, join(le64(2), region, region), fd, fd); // overlap
            assertEquals(0, Mappings.ofGuestRam());
            accepted(5, join(le64(1), region), fd);
            assertEquals(1, Mappings.ofGuestRam());
        }
    }

    @Test
    void anUnknownMessageWithoutNeedOfAReplyIsIgnored() throws Exception {
        send(join(header(19, 1, 8), le64(0))); // SEND_RARP
        send(header(17, 1, 0));
        assertEquals(20, receive(20).length);
    }

    @Test
    void aRefusalThatCannotBeToldEndsTheConnection() throws Exception {
        send(join(header(8, 1, 8), bytes(9, 0, 0, 0, 128, 0, 0, 0))); // SET_VRING_NUM, no queue 9
        assertEquals(Kind.BAD_QUEUE, end());
    }

    @Test
    void anUnknownQuestionEndsTheConnection() throws Exception {
        send(header(40, 1, 0)); // GET_STATUS: a reply is expected, and there is none
        assertEquals(Kind.UNSUPPORTED, end());
    }

    @Test
    void anotherVersionEndsTheConnection() throws Exception {
        send(bytes(1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0));
        assertEquals(Kind.BAD_VERSION, end());
    }

    @Test
    void aReplyToNothingEndsTheConnection() throws Exception {
        send(header(1, 5, 0));
        assertEquals(Kind.OUT_OF_ORDER, end());
    }

    @Test
    void aPayloadTooLongEndsTheConnection() throws Exception {
        send(header(1, 1, 0xffff_ffff));
        assertEquals(Kind.TOO_LONG, end());
    }

    @Test
    void anEndInsideAMessageIsNamed() throws Exception {
        send(bytes(1, 0, 0));
        peer.shutdown();
        control.join();
        assertEquals(Kind.TRUNCATED, ((ProtocolException) ended.get()).kind());
    }

    @Test
    void anEndInsideAPayloadIsNamed() throws Exception {
        send(join(header(2, 1, 8), bytes(1, 2)));
        peer.shutdown();
        control.join();
        assertEquals(Kind.TRUNCATED, ((ProtocolException) ended.get()).kind());
    }

    @Test
    void anEndBetweenMessagesIsNoError() throws Exception {
        send(header(3, 1, 0));
        peer.shutdown();
        control.join();
        assertNull(ended.get());
    }

    @Test
    void tooManyDescriptorsEndTheConnection() throws Exception {
        try (EventFd event = EventFd.create(0)) {
            Fd[] nine = new Fd[9];
            java.util.Arrays.fill(nine, event.fd());
            send(header(3, 1, 0), nine);
            assertEquals(Kind.TOO_MANY_FDS, end());
        }
    }

    @Test
    void descriptorsThatNobodyAskedForAreClosed() throws Exception {
        try (EventFd event = EventFd.create(0)) {
            for (int i = 0; i < 100; i++) {
                send(header(3, 1, 0), event.fd(), event.fd());
            }
            send(header(17, 1, 0));
            receive(20);
            assertTrue(Fd.openCount() - fdsBefore < 10, "descriptors pile up");
        }
    }
}
