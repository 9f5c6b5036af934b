package io.porthole.perf;

import io.porthole.fuse.FuseReadIn;
import io.porthole.fuse.FuseWriteIn;
import io.porthole.fuse.FuseWriteOut;
import io.porthole.fuse.Opcode;
import io.porthole.linux.Fcntl;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Rows that read and write contents, page by page as a guest's page cache has them. */
final class DataWorkloads {
    private static final int PAGE = GuestSpace.PAGE_BYTES;

    private DataWorkloads() {}

    /** The next block of a slot: at random, or each slot from its own place on. */
    private static long nextBlock(long cursor, boolean random, long blocks) {
        return random
                // A full-period generator modulo 2^32; its upper bits are the better ones.
                ? (cursor * 1664525 + 1013904223) & 0xffffffffL
                : (cursor + 1) % blocks;
    }

    private static long blockOf(long cursor, boolean random, long blocks) {
        return random ? (cursor * blocks) >>> 32 : cursor;
    }

    /** READ of a file whose contents are known; each reply is checked at one place of one page. */
    static final class Read implements Workload {
        private final int bytes;
        private final boolean random;
        private final boolean direct;
        private final long blocks;
        private Message[] messages = {};
        private long node;
        private long handle;

        Read(int bytes, boolean random, boolean direct) {
            this.bytes = bytes;
            this.random = random;
            this.direct = direct;
            this.blocks = Fixture.DATA_BYTES / bytes;
        }

        @Override
        public void setUp(Session session, Slot[] slots) {
            node = session.lookup(Session.ROOT, Fixture.DATA).nodeId();
            handle =
                    session.open(
                            Opcode.OPEN,
                            node,
                            Fcntl.O_RDONLY | Fcntl.O_LARGEFILE | (direct ? Fcntl.O_DIRECT : 0));
            messages = new Message[slots.length];
            for (Slot slot : slots) {
                Message m =
                        Message.reading(
                                        session.space(),
                                        Opcode.READ,
                                        FuseReadIn.BYTES,
                                        session.space().pages(bytes / PAGE))
                                .node(node)
                                .expect(0, bytes);
                FuseReadIn.fh(m.memory(), m.argument(), handle);
                FuseReadIn.size(m.memory(), m.argument(), bytes);
                FuseReadIn.flags(m.memory(), m.argument(), direct ? Fcntl.O_DIRECT : 0);
                messages[slot.index] = m;
                slot.cursor = blocks * slot.index / slots.length;
            }
        }

        @Override
        public void begin(Slot slot) {
            slot.cursor = nextBlock(slot.cursor, random, blocks);
            Message m = messages[slot.index];
            FuseReadIn.offset(
                    m.memory(), m.argument(), blockOf(slot.cursor, random, blocks) * bytes);
            slot.send(m);
        }

        @Override
        public boolean reply(Slot slot) {
            Message m = messages[slot.index];
            long offset = blockOf(slot.cursor, random, blocks) * bytes;
            int page = (int) ((slot.cursor * 31) % m.payload().length);
            long inPage = (slot.cursor * 8) & (PAGE - 1);
            long got = m.memory().get(ValueLayout.JAVA_LONG_UNALIGNED, m.payload()[page] + inPage);
            if (got != Fixture.word(offset + (long) page * PAGE + inPage)) {
                throw new WrongReplyException(
                        "READ of "
                                + bytes
                                + " bytes at "
                                + offset
                                + ": wrong contents in page "
                                + page);
            }
            return true;
        }

        @Override
        public void tearDown(Session session, Slot[] slots) {
            session.release(Opcode.RELEASE, node, handle);
            session.forget(node, 1);
        }
    }

    /**
     * WRITE over a file. Each slot has pages of its own pattern; afterwards every block of the file
     * must be one slot's, whole, or still what it was.
     */
    static final class Write implements Workload {
        private final int bytes;
        private final boolean random;
        private final boolean direct;
        private final long blocks;
        private final Path share;
        private Message[] messages = {};
        private long node;
        private long handle;
        private long run;

        Write(Path share, int bytes, boolean random, boolean direct) {
            this.share = share;
            this.bytes = bytes;
            this.random = random;
            this.direct = direct;
            this.blocks = Fixture.DATA_BYTES / bytes;
        }

        /**
         * What a block written by a slot of this run has at {@code offset} bytes from its start.
         */
        private long word(int slot, long offset) {
            return (run + slot) * 0x9E3779B97F4A7C15L + offset;
        }

        @Override
        public void setUp(Session session, Slot[] slots) {
            run = System.nanoTime() << 8;
            node = session.lookup(Session.ROOT, Fixture.WRITTEN).nodeId();
            handle =
                    session.open(
                            Opcode.OPEN,
                            node,
                            Fcntl.O_WRONLY | Fcntl.O_LARGEFILE | (direct ? Fcntl.O_DIRECT : 0));
            messages = new Message[slots.length];
            for (Slot slot : slots) {
                Message m =
                        Message.writing(
                                        session.space(),
                                        Opcode.WRITE,
                                        FuseWriteIn.BYTES,
                                        session.space().pages(bytes / PAGE))
                                .node(node);
                MemorySegment memory = m.memory();
                for (int page = 0; page < m.payload().length; page++) {
                    for (int at = 0; at < PAGE; at += 8) {
                        memory.set(
                                ValueLayout.JAVA_LONG_UNALIGNED,
                                m.payload()[page] + at,
                                word(slot.index, (long) page * PAGE + at));
                    }
                }
                FuseWriteIn.fh(memory, m.argument(), handle);
                FuseWriteIn.size(memory, m.argument(), bytes);
                FuseWriteIn.flags(
                        memory, m.argument(), Fcntl.O_WRONLY | (direct ? Fcntl.O_DIRECT : 0));
                messages[slot.index] = m;
                slot.cursor = blocks * slot.index / slots.length;
            }
        }

        @Override
        public void begin(Slot slot) {
            slot.cursor = nextBlock(slot.cursor, random, blocks);
            Message m = messages[slot.index];
            FuseWriteIn.offset(
                    m.memory(), m.argument(), blockOf(slot.cursor, random, blocks) * bytes);
            slot.send(m);
        }

        @Override
        public boolean reply(Slot slot) {
            Message m = messages[slot.index];
            int written = FuseWriteOut.size(m.memory(), m.replyBody());
            if (written != bytes) {
                throw new WrongReplyException("WRITE of " + bytes + " bytes wrote " + written);
            }
            return true;
        }

        @Override
        public void tearDown(Session session, Slot[] slots) throws IOException {
            session.release(Opcode.RELEASE, node, handle);
            session.forget(node, 1);
            long mine = 0;
            ByteBuffer block = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
            try (FileChannel file =
                    FileChannel.open(share.resolve(Fixture.WRITTEN), StandardOpenOption.READ)) {
                for (long b = 0; b < blocks; b++) {
                    block.clear();
                    while (block.hasRemaining()) {
                        if (file.read(block, b * bytes + block.position()) < 0) {
                            throw new WrongReplyException("WRITE shortened the file");
                        }
                    }
                    mine += check(block, slots.length) ? 1 : 0;
                }
            }
            if (mine == 0) {
                throw new WrongReplyException("WRITE: nothing of what was written is in the file");
            }
        }

        /** Whether this run wrote the block; throws if it is not all of one piece. */
        private boolean check(ByteBuffer block, int slots) {
            long first = block.getLong(0);
            for (int slot = 0; slot < slots; slot++) {
                if (first == word(slot, 0)) {
                    for (int at = 8; at < bytes; at += 8) {
                        if (block.getLong(at) != word(slot, at)) {
                            throw new WrongReplyException(
                                    "WRITE: a block of " + bytes + " bytes is torn at " + at);
                        }
                    }
                    return true;
                }
            }
            return false;
        }
    }
}
