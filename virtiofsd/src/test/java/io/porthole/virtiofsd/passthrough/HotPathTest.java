package io.porthole.virtiofsd.passthrough;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.porthole.fuse.Opcode;
import io.porthole.linux.Fcntl;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What runs per request allocates nothing once it is compiled. */
final class HotPathTest {
    private static final int WARM_UP = 40_000;
    private static final int MEASURED = 20_000;

    /** The measuring itself, and what the JVM does on its own account. */
    private static final long SLACK_BYTES = 4096;

    private ServedDirectory directory;
    private Guest guest;
    private Guest.Queue q;
    private long node;

    @BeforeEach
    void share() throws IOException {
        directory = ServedDirectory.inMemory();
        Files.write(directory.path.resolve("f"), new byte[65536]);
        guest = new Guest(directory.path);
        q = guest.queue;
        node = q.lookup(Guest.ROOT, "f").nodeId();
    }

    @AfterEach
    void end() throws IOException {
        guest.close();
        directory.close();
    }

    private void assertAllocatesNothing(Opcode opcode, long nodeId, Body body) {
        byte[] message = q.message(opcode, nodeId, body);
        q.allocatedBytes(message, 1 << 16, WARM_UP);
        long bytes = q.allocatedBytes(message, 1 << 16, MEASURED);
        assertTrue(bytes <= SLACK_BYTES, opcode + " allocated " + bytes + " bytes");
    }

    @Test
    void getattrAllocatesNothing() {
        assertAllocatesNothing(Opcode.GETATTR, node, new Body().zeros(16));
    }

    @Test
    void lookupOfAKnownNameAllocatesNothing() {
        assertAllocatesNothing(Opcode.LOOKUP, Guest.ROOT, new Body().name("f"));
        assertEquals(node, q.lookup(Guest.ROOT, "f").nodeId());
    }

    @Test
    void lookupOfAMissingNameAllocatesNothing() {
        assertAllocatesNothing(Opcode.LOOKUP, Guest.ROOT, new Body().name("missing"));
    }

    @Test
    void readAndWriteAllocateNothing() {
        long fh = q.open(node, Fcntl.O_RDWR);
        assertAllocatesNothing(Opcode.READ, node, Guest.Queue.readBody(fh, 0, 4096));
        assertAllocatesNothing(
                Opcode.WRITE, node, Guest.Queue.writeBody(fh, 4096, new byte[4096], 0, 0));
    }

    @Test
    void forgetAllocatesNothing() {
        assertAllocatesNothing(Opcode.FORGET, node, new Body().u64(0));
    }

    @Test
    void readdirplusOfKnownNamesAllocatesNothing() throws IOException {
        for (int i = 0; i < 20; i++) {
            Files.createFile(directory.path.resolve("x" + i));
        }
        long fh = q.opendir(Guest.ROOT);
        byte[] message =
                q.message(Opcode.READDIRPLUS, Guest.ROOT, Guest.Queue.readBody(fh, 0, 8192));
        q.allocatedBytes(message, 1 << 16, WARM_UP / 4);
        long bytes = q.allocatedBytes(message, 1 << 16, MEASURED / 4);
        assertTrue(bytes <= SLACK_BYTES, "allocated " + bytes + " bytes");
    }
}
