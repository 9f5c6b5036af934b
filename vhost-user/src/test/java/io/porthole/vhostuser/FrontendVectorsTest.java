package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.porthole.linux.Fd;
import io.porthole.linux.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the front-end sends, byte by byte: both ends of this library must not err together. */
@Timeout(60)
final class FrontendVectorsTest {
    private static byte[] bytes(int... values) {
        byte[] b = new byte[values.length];
        for (int i = 0; i < b.length; i++) {
            b[i] = (byte) values[i];
        }
        return b;
    }

    private static byte[] receive(UnixSocket socket, int count, int fdCount) throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(count);
            List<Fd> fds = new ArrayList<>();
            assertEquals(count, socket.recvWithFds(buffer, fds));
            fds.forEach(Fd::close);
            assertEquals(fdCount, fds.size());
            return buffer.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    @Test
    void messagesOfASetUp() throws Exception {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket backEnd = pair.get(1);
                VhostUserFrontend vmm = VhostUserFrontend.over(pair.get(0));
                GuestRam ram = GuestRam.create(0x1_0000_0000L, 0x20000)) {
            vmm.setFeatures(Virtio.F_VERSION_1);
            assertArrayEquals(
                    bytes(
                            2, 0, 0, 0, // SET_FEATURES
                            1, 0, 0, 0, // version 1
                            8, 0, 0, 0, // a u64
                            0, 0, 0, 0, 1, 0, 0, 0), // bit 32
                    receive(backEnd, 20, 0));

            vmm.setMemoryTable(List.of(ram));
            byte[] table = receive(backEnd, 52, 1);
            MemorySegment user = MemorySegment.ofArray(table);
            assertEquals(ram.userAddr(), user.get(Virtio.LONG, 12 + 24));
            user.set(Virtio.LONG, 12 + 24, 0x1122_3344_5566_7788L);
            assertArrayEquals(
                    bytes(
                            5, 0, 0, 0, // SET_MEM_TABLE
                            1, 0, 0, 0, // version 1
                            40, 0, 0, 0, // payload
                            1, 0, 0, 0, // regions
                            0, 0, 0, 0, // padding
                            0, 0, 0, 0, 1, 0, 0, 0, // guest address
                            0, 0, 2, 0, 0, 0, 0, 0, // size
                            0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, // user address
                            0, 0, 0, 0, 0, 0, 0, 0), // mmap offset
                    table);

            DriverQueue queue = vmm.startQueue(1, 16, 0, ram);
            assertArrayEquals(
                    bytes(
                            8, 0, 0, 0, // SET_VRING_NUM
                            1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, // queue
                            16, 0, 0, 0), // size
                    receive(backEnd, 20, 0));
            assertArrayEquals(
                    bytes(
                            10, 0, 0, 0, // SET_VRING_BASE
                            1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, // queue
                            0, 0, 0, 0), // next available
                    receive(backEnd, 20, 0));
            byte[] addresses = receive(backEnd, 52, 0);
            assertArrayEquals(
                    bytes(9, 0, 0, 0, 1, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
                    java.util.Arrays.copyOf(addresses, 20));
            MemorySegment a = MemorySegment.ofArray(addresses);
            assertEquals(queue.descUserAddr(), a.get(Virtio.LONG, 20));
            assertEquals(queue.usedUserAddr(), a.get(Virtio.LONG, 28));
            assertEquals(queue.availUserAddr(), a.get(Virtio.LONG, 36));
            assertEquals(0, a.get(Virtio.LONG, 44)); // log address
            for (int request : new int[] {13, 14, 12}) { // CALL, ERR, KICK
                assertArrayEquals(
                        bytes(request, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
                        receive(backEnd, 20, 1));
            }
        }
    }

    @Test
    void aWrongReplyIsNoticed() throws Exception {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket backEnd = pair.get(1);
                VhostUserFrontend vmm = VhostUserFrontend.over(pair.get(0));
                Arena arena = Arena.ofConfined()) {
            byte[] reply = bytes(15, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
            backEnd.send(arena.allocate(20).copyFrom(MemorySegment.ofArray(reply)));
            ProtocolException e = assertThrows(ProtocolException.class, vmm::getFeatures);
            assertEquals(ProtocolException.Kind.OUT_OF_ORDER, e.kind());
        }
    }
}
