package io.porthole.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.linux.Errno;
import io.porthole.linux.MemFd;
import io.porthole.vhostuser.VhostUserServer.AfterDisconnect;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Shared memory regions, both ends over a real socket, with files that are really mapped. */
@Timeout(120)
final class SharedMemoryTest {
    private static final long WINDOW = 8 << 20;
    private static final long WINDOW_AT = 1L << 32;
    private static final long RAM_AT = 0x10_0000;
    private static final int PAGE = 4096;

    /** A device with one region, which hands out its link. */
    private static final class Device extends EchoDevice {
        volatile FrontendLink link;

        Device() {
            super(2);
        }

        @Override
        public long[] sharedMemoryBytes() {
            return new long[] {WINDOW};
        }

        @Override
        public void connected(FrontendLink newLink) {
            super.connected(newLink);
            link = newLink;
        }
    }

    /** Both ends, connected, with a queue that runs. */
    private static final class Pair implements AutoCloseable {
        final Device device = new Device();
        final Rig rig = new Rig(device, AfterDisconnect.WAIT_FOR_NEXT);
        final VhostUserFrontend vmm = rig.connect();
        final SharedWindow window;
        final GuestRam ram;
        final DriverQueue queue;
        final SharedMemory memory;

        Pair() throws Exception {
            vmm.negotiate(VhostUserDevice.DEFAULT_FEATURES);
            window = vmm.provideWindow(WINDOW_AT);
            ram = vmm.addRam(RAM_AT, 1 << 20);
            queue = vmm.startQueue(1, 128, 0, ram);
            memory = device.link.sharedMemory();
            assertTrue(memory.available());
        }

        @Override
        public void close() throws java.io.IOException {
            vmm.close();
            rig.close();
        }
    }

    private static MemFd file(long pages) throws Exception {
        MemFd file = MemFd.create("shared", pages * PAGE);
        try (var mapping = file.map()) {
            for (int i = 0; i < pages; i++) {
                mapping.segment().set(ValueLayout.JAVA_INT, (long) i * PAGE, 1000 + i);
            }
        }
        return file;
    }

    private static CompletableFuture<Long> elsewhere(LongSupplier call) {
        CompletableFuture<Long> result = new CompletableFuture<>();
        Thread thread = new Thread(() -> result.complete(call.getAsLong()), "mapper");
        thread.setDaemon(true);
        thread.start();
        return result;
    }

    private static void until(java.util.function.BooleanSupplier condition) throws Exception {
        for (int i = 0; i < 2000 && !condition.getAsBoolean(); i++) {
            Thread.sleep(5);
        }
        assertTrue(condition.getAsBoolean());
    }

    @Test
    void sizesAreToldAndBytesAreShared() throws Exception {
        try (Pair p = new Pair();
                MemFd file = file(16)) {
            assertEquals(WINDOW, p.vmm.sharedMemoryBytes()[0]);
            int fd = file.fd().value();
            assertEquals(0, p.memory.map(0, fd, 4 * PAGE, 2 << 20, 8 * PAGE, true));
            assertEquals(1004, p.window.segment().get(ValueLayout.JAVA_INT, 2 << 20));
            assertEquals(1, p.memory.mappedPieces());
            p.window.segment().set(ValueLayout.JAVA_INT, (2 << 20) + PAGE, 77);
            try (var mapping = file.map()) {
                assertEquals(77, mapping.segment().get(ValueLayout.JAVA_INT, 5 * PAGE));
            }
            assertEquals(0, p.memory.unmap(0, 2 << 20, 8 * PAGE));
            assertEquals(0, p.window.pieces());
            assertEquals(0, p.memory.mappedPieces());
        }
    }

    @Test
    void refusalsComeBackAndTheChannelLives() throws Exception {
        try (Pair p = new Pair();
                MemFd file = file(4)) {
            int fd = file.fd().value();
            long eio = -Errno.EIO;
            assertEquals(eio, p.memory.map(0, fd, 0, 0, 5 * PAGE, true), "beyond the file");
            assertEquals(eio, p.memory.map(0, fd, 0, WINDOW, PAGE, true), "beyond the window");
            assertEquals(eio, p.memory.map(1, fd, 0, 0, PAGE, true), "no such region");
            assertEquals(0, p.memory.map(0, fd, 0, 0, 4 * PAGE, true));
            assertEquals(eio, p.memory.map(0, fd, 0, PAGE, PAGE, true), "overlap");
            assertEquals(eio, p.memory.unmap(0, 0, PAGE), "not what was mapped");
            assertEquals(1, p.memory.mappedPieces());
            assertEquals(0, p.memory.unmap(0, 0, 4 * PAGE));
        }
    }

    @Test
    void announcedPiecesAreKnownAndNotMappedHere() throws Exception {
        try (Pair p = new Pair();
                MemFd file = file(4)) {
            assertEquals(0, p.memory.map(0, file.fd().value(), 0, 0, 4 * PAGE, true));
            // The window's own mapping; the back-end has none.
            assertEquals(1, Mappings.of("memfd:shared"));
            // A buffer inside the window: the request comes back, and the next one is served.
            p.queue.begin();
            p.queue.readable(WINDOW_AT + 64, 16);
            long out = p.ram.allocate(16, 8);
            p.queue.writable(out, 16);
            int head = p.queue.finish();
            p.queue.submit(head);
            p.queue.publish();
            assertEquals(head, p.queue.await(10_000));
            assertEquals(0, p.queue.usedBytes());
            p.queue.release(head);
            echo(p);
        }
    }

    private static void echo(Pair p) {
        long in = p.ram.allocate(16, 8);
        long out = p.ram.allocate(16, 8);
        p.ram.at(in, 16).set(ValueLayout.JAVA_LONG, 8, 4711);
        p.queue.begin();
        p.queue.readable(in, 16);
        p.queue.writable(out, 16);
        int head = p.queue.finish();
        p.queue.submit(head);
        p.queue.publish();
        assertEquals(head, p.queue.await(10_000));
        assertEquals(4711, p.ram.at(out, 16).get(ValueLayout.JAVA_LONG, 8));
        p.queue.release(head);
    }

    @Test
    void stopIsAnsweredWhileAnAcknowledgementIsAwaited() throws Exception {
        try (Pair p = new Pair();
                MemFd file = file(4)) {
            p.window.hold();
            int fd = file.fd().value();
            CompletableFuture<Long> mapped =
                    elsewhere(() -> p.memory.map(0, fd, 0, 0, 4 * PAGE, true));
            until(() -> p.window.waiting() == 1);
            // Would never return if the back-end waited for its acknowledgement.
            int base = p.vmm.stopQueue(p.queue);
            p.window.resume();
            assertEquals(0, mapped.get(20, TimeUnit.SECONDS));
            p.vmm.startQueue(p.queue, base);
            echo(p);
        }
    }

    @Test
    void nothingIsAskedForWhileTheDeviceIsStopped() throws Exception {
        try (Pair p = new Pair();
                MemFd file = file(4)) {
            int base = p.vmm.stopQueue(p.queue);
            int fd = file.fd().value();
            CompletableFuture<Long> mapped =
                    elsewhere(() -> p.memory.map(0, fd, 0, 0, 4 * PAGE, true));
            Thread.sleep(200);
            assertFalse(mapped.isDone());
            assertEquals(0, p.window.mapRequests());
            p.vmm.startQueue(p.queue, base);
            assertEquals(0, mapped.get(20, TimeUnit.SECONDS));
            assertEquals(1, p.window.mapRequests());
        }
    }

    @Test
    void waitsEndWithTheConnection() throws Exception {
        try (MemFd file = file(4)) {
            Pair p = new Pair();
            p.window.hold();
            int fd = file.fd().value();
            CompletableFuture<Long> mapped =
                    elsewhere(() -> p.memory.map(0, fd, 0, 0, 4 * PAGE, true));
            until(() -> p.window.waiting() == 1);
            p.close();
            assertEquals((long) -Errno.ENOTCONN, mapped.get(20, TimeUnit.SECONDS));
            assertFalse(p.memory.available());
            assertEquals((long) -Errno.ENOTCONN, p.memory.unmap(0, 0, PAGE));
        }
    }

    @Test
    void resetForgetsWhatWasMapped() throws Exception {
        try (Pair p = new Pair();
                MemFd file = file(4)) {
            assertEquals(0, p.memory.map(0, file.fd().value(), 0, 0, 4 * PAGE, true));
            p.vmm.resetDevice();
            assertEquals(0, p.memory.mappedPieces());
        }
    }

    @Test
    void aDeviceWithoutRegionsOffersNone() throws Exception {
        try (Rig rig = Rig.of(1);
                VhostUserFrontend vmm = rig.connect()) {
            assertEquals(0, vmm.getProtocolFeatures() & 1L << VhostUser.PF_SHMEM);
            assertEquals(0, vmm.sharedMemoryBytes()[0]);
        }
    }
}
