package io.porthole.virtiofsd.passthrough;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several queues at once, as hostile as they like to each other. */
@Timeout(120)
final class ConcurrencyTest {
    private static final int QUEUES = 4;

    private ServedDirectory directory;
    private Path dir;
    private Guest guest;
    private List<Guest.Queue> queues;

    @BeforeEach
    void share() throws IOException {
        directory = ServedDirectory.inMemory();
        dir = directory.path;
        guest = new Guest(dir);
        queues = new ArrayList<>();
        for (int i = 0; i < QUEUES; i++) {
            queues.add(guest.newVirtqueue());
        }
    }

    @AfterEach
    void end() throws IOException {
        guest.close();
        directory.close();
    }

    private void onEachQueue(BiConsumer<Integer, Guest.Queue> work)
            throws InterruptedException, ExecutionException {
        try (ExecutorService pool = Executors.newFixedThreadPool(QUEUES)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < QUEUES; i++) {
                int index = i;
                Callable<Void> task =
                        () -> {
                            work.accept(index, queues.get(index));
                            return null;
                        };
                all.add(pool.submit(task));
            }
            for (Future<?> one : all) {
                one.get();
            }
        }
        queues.forEach(Guest.Queue::rest);
    }

    @Test
    void lookupsAndForgetsOfOneInodeFromAllQueuesAddUp() throws Exception {
        Files.writeString(dir.resolve("f"), "x");
        long before = ServedDirectory.openDescriptors();
        onEachQueue((index, q) -> {
            for (int i = 0; i < 3000; i++) {
                long node = q.lookup(Guest.ROOT, "f").nodeId();
                assertEquals(1, q.getattr(node).size());
                q.forget(node, 1);
            }
        });
        assertEquals(1, guest.fileSystem.inodeCount());
        assertEquals(before, ServedDirectory.openDescriptors());
    }

    @Test
    void whatIsForgottenIsClosedWhenTheOtherQueuesRest() throws Exception {
        Files.writeString(dir.resolve("f"), "x");
        long before = ServedDirectory.openDescriptors();
        Guest.Queue one = queues.get(0);
        Guest.Queue other = queues.get(1);
        long node = one.lookup(Guest.ROOT, "f").nodeId();
        one.getattr(node);
        other.forget(node, 1);
        assertEquals(before + 1, ServedDirectory.openDescriptors(), "it may be in use");
        other.rest();
        one.rest();
        assertEquals(before, ServedDirectory.openDescriptors());
        node = one.lookup(Guest.ROOT, "f").nodeId();
        one.rest();
        other.forget(node, 1);
        assertEquals(before, ServedDirectory.openDescriptors(), "closed at once");
    }

    @Test
    void filesOfAllQueuesKeepTheirBytes() throws Exception {
        // Every queue opens, writes, reads and closes its own files, while slots and descriptor
        // numbers go round between them: each must read what it wrote.
        long before = ServedDirectory.openDescriptors();
        onEachQueue((index, q) -> {
            Random random = new Random(index);
            for (int i = 0; i < 800; i++) {
                String name = "f" + index + "-" + i % 7;
                byte[] data = new byte[64];
                random.nextBytes(data);
                Reply created = q.tryCreate(Guest.ROOT, name, Fcntl.O_RDWR, 0600, 0).ok();
                long node = created.u64(0);
                long fh = created.u64(128);
                q.write(node, fh, 0, data, 0, 0).ok();
                assertEquals(List.of(box(data)), List.of(box(q.read(node, fh, 0, 64))));
                q.release(node, fh).ok();
                q.forget(node, 1);
                q.unlink(Guest.ROOT, name).ok();
            }
        });
        assertEquals(1, guest.fileSystem.inodeCount());
        assertEquals(0, guest.fileSystem.handleCount());
        assertEquals(before, ServedDirectory.openDescriptors());
    }

    private static String box(byte[] data) {
        return HexFormat.of().formatHex(data);
    }

    @Test
    void handlesReleasedUnderAReaderAreEitherReadOrRefused() throws Exception {
        // A hostile guest releases a handle on one queue while it reads through it on others, and
        // opens other files meanwhile: a read must never see another file's bytes.
        Files.writeString(dir.resolve("mine"), "mine");
        Files.writeString(dir.resolve("other"), "otherotherother");
        Guest.Queue first = queues.get(0);
        long mine = first.lookup(Guest.ROOT, "mine").nodeId();
        long other = first.lookup(Guest.ROOT, "other").nodeId();
        long[] current = {first.open(mine, Fcntl.O_RDONLY)};
        AtomicBoolean stop = new AtomicBoolean();
        int[] seen = new int[2];
        onEachQueue((index, q) -> {
            if (index == 0) {
                for (int i = 0; i < 4000; i++) {
                    long old = current[0];
                    current[0] = q.open(mine, Fcntl.O_RDONLY);
                    q.release(mine, old).ok();
                }
                stop.set(true);
            } else if (index == 1) {
                while (!stop.get()) {
                    q.release(other, q.open(other, Fcntl.O_RDONLY)).ok();
                }
            } else {
                while (!stop.get()) {
                    Reply reply = q.tryRead(mine, current[0], 0, 16);
                    if (reply.error() == 0) {
                        assertEquals("mine", new String(reply.bytes(), UTF_8));
                        seen[0]++;
                    } else {
                        assertEquals(Errno.EBADF, reply.error());
                        seen[1]++;
                    }
                }
            }
        });
        assertTrue(seen[0] > 0);
        assertEquals(1, guest.fileSystem.handleCount());
    }

    @Test
    void inodesForgottenUnderAnotherQueueAreEitherServedOrStale() throws Exception {
        for (int i = 0; i < 8; i++) {
            Files.writeString(dir.resolve("f" + i), "x".repeat(i));
        }
        long before = ServedDirectory.openDescriptors();
        long[] published = new long[8];
        AtomicBoolean stop = new AtomicBoolean();
        onEachQueue((index, q) -> {
            if (index < 2) {
                Random random = new Random(index);
                for (int i = 0; i < 10_000; i++) {
                    int file = random.nextInt(8);
                    long node = q.lookup(Guest.ROOT, "f" + file).nodeId();
                    published[file] = node;
                    q.forget(node, 1);
                }
                stop.set(true);
            } else {
                Random random = new Random(index);
                while (!stop.get()) {
                    int file = random.nextInt(8);
                    Reply reply = q.call(Opcode.GETATTR, published[file], new Body().zeros(16));
                    if (reply.error() == 0) {
                        assertEquals(file, new Guest.Attr(reply, 16).size());
                    } else {
                        assertEquals(Errno.ESTALE, reply.error());
                    }
                }
            }
        });
        assertEquals(1, guest.fileSystem.inodeCount());
        assertEquals(before, ServedDirectory.openDescriptors());
    }

    @Test
    void oneDirectoryHandleReadFromAllQueuesStaysWhole() throws Exception {
        for (int i = 0; i < 1000; i++) {
            Files.createFile(dir.resolve("f" + i));
        }
        Guest.Queue first = queues.get(0);
        long fh = first.opendir(Guest.ROOT);
        onEachQueue((index, q) -> {
            for (int i = 0; i < 10; i++) {
                assertEquals(1002, q.readWhole(Guest.ROOT, fh, 4096, index % 2 == 1).size());
            }
        });
    }
}
