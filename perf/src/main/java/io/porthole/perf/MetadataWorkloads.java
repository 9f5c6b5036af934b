package io.porthole.perf;

import io.porthole.fuse.FuseAttr;
import io.porthole.fuse.FuseAttrOut;
import io.porthole.fuse.FuseDirent;
import io.porthole.fuse.FuseDirentplus;
import io.porthole.fuse.FuseEntryOut;
import io.porthole.fuse.FuseGetattrIn;
import io.porthole.fuse.FuseOpenIn;
import io.porthole.fuse.FuseOpenOut;
import io.porthole.fuse.FuseReadIn;
import io.porthole.fuse.FuseReleaseIn;
import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Rows that read names and attributes. */
final class MetadataWorkloads {
    private MetadataWorkloads() {}

    /** Names of {@link Fixture#MANY} as bytes, in order. */
    static byte[][] manyNames() {
        byte[][] names = new byte[Fixture.MANY_FILES][];
        for (int i = 0; i < names.length; i++) {
            names[i] = Fixture.manyName(i).getBytes(StandardCharsets.UTF_8);
        }
        return names;
    }

    /** A number that no opcode has: the transport and the dispatch alone, answered with ENOSYS. */
    static final class Unknown implements Workload {
        private static final int NO_OPCODE = 4000;
        private Message[] messages = {};

        @Override
        public void setUp(Session session, Slot[] slots) {
            messages = new Message[slots.length];
            for (Slot slot : slots) {
                messages[slot.index] =
                        Message.plain(session.space(), NO_OPCODE, 16, 0, true)
                                .node(Session.ROOT)
                                .expect(-Errno.ENOSYS, 0);
            }
        }

        @Override
        public void begin(Slot slot) {
            slot.send(messages[slot.index]);
        }

        @Override
        public boolean reply(Slot slot) {
            return true;
        }
    }

    /** GETATTR by node, over 32 known files. */
    static final class Getattr implements Workload {
        private static final int FILES = 32;
        private final long[] nodes = new long[FILES];
        private Message[] messages = {};

        @Override
        public void setUp(Session session, Slot[] slots) {
            long many = session.walk(Fixture.MANY).nodeId();
            for (int i = 0; i < FILES; i++) {
                nodes[i] = session.lookup(many, Fixture.manyName(i)).nodeId();
            }
            messages = new Message[slots.length];
            for (Slot slot : slots) {
                messages[slot.index] =
                        Message.plain(session.space(), Opcode.GETATTR, FuseGetattrIn.BYTES);
                slot.cursor = slot.index;
            }
        }

        @Override
        public void begin(Slot slot) {
            slot.cursor = (slot.cursor + 1) % FILES;
            slot.send(messages[slot.index].node(nodes[(int) slot.cursor]));
        }

        @Override
        public boolean reply(Slot slot) {
            Message m = messages[slot.index];
            long size = FuseAttr.size(m.memory(), m.replyBody() + FuseAttrOut.ATTR);
            if (size != Fixture.manySize((int) slot.cursor)) {
                throw new WrongReplyException("GETATTR: size " + size + " of file " + slot.cursor);
            }
            return true;
        }

        @Override
        public void tearDown(Session session, Slot[] slots) {
            for (long node : nodes) {
                session.forget(node, 1);
            }
        }
    }

    /**
     * LOOKUP of existing names in a directory of 1,000.
     *
     * <p>With {@code forget}, each is followed by a FORGET, so that most lookups meet a file that
     * the daemon does not know; without, all are known.
     */
    static final class Lookup implements Workload {
        private final boolean forget;
        private final byte[][] names = manyNames();
        private final long[] known = new long[Fixture.MANY_FILES];
        private final long[] counts = new long[Fixture.MANY_FILES];
        private Message[] lookups = {};

        Lookup(boolean forget) {
            this.forget = forget;
        }

        @Override
        public void setUp(Session session, Slot[] slots) {
            long many = session.walk(Fixture.MANY).nodeId();
            if (!forget) {
                for (int i = 0; i < known.length; i++) {
                    known[i] = session.lookup(many, Fixture.manyName(i)).nodeId();
                    counts[i] = 1;
                }
            }
            lookups = new Message[slots.length];
            for (Slot slot : slots) {
                lookups[slot.index] =
                        Message.plain(session.space(), Opcode.LOOKUP, names[0].length + 1)
                                .node(many);
                slot.cursor = slot.index * 31L;
            }
        }

        @Override
        public void begin(Slot slot) {
            slot.cursor = (slot.cursor + 37) % names.length;
            slot.send(lookups[slot.index].name(0, names[(int) slot.cursor]));
        }

        @Override
        public boolean reply(Slot slot) {
            Message m = lookups[slot.index];
            int file = (int) slot.cursor;
            long size = FuseAttr.size(m.memory(), m.replyBody() + FuseEntryOut.ATTR);
            long node = FuseEntryOut.nodeId(m.memory(), m.replyBody());
            if (size != Fixture.manySize(file) || node == 0) {
                throw new WrongReplyException(
                        "LOOKUP of file " + file + ": node " + node + ", size " + size);
            }
            if (!forget) {
                if (node != known[file]) {
                    throw new WrongReplyException(
                            "LOOKUP of known file "
                                    + file
                                    + ": node "
                                    + node
                                    + ", was "
                                    + known[file]);
                }
                counts[file]++;
                return true;
            }
            slot.forget(node);
            return true;
        }

        @Override
        public void tearDown(Session session, Slot[] slots) {
            for (int i = 0; i < known.length; i++) {
                if (counts[i] > 0) {
                    session.forget(known[i], counts[i]);
                }
            }
        }
    }

    /** LOOKUP of names that do not exist; ENOENT and a negative entry are both right. */
    static final class LookupMissing implements Workload {
        private Message[] messages = {};

        @Override
        public void setUp(Session session, Slot[] slots) {
            long many = session.walk(Fixture.MANY).nodeId();
            messages = new Message[slots.length];
            for (Slot slot : slots) {
                byte[] name =
                        String.format("none%06d", slot.index).getBytes(StandardCharsets.UTF_8);
                Message m =
                        Message.plain(session.space(), Opcode.LOOKUP, name.length + 1)
                                .node(many)
                                .name(0, name);
                session.call(m.anyOf(-Errno.ENOENT));
                messages[slot.index] =
                        m.replyError() == 0
                                ? m.expect(0, FuseEntryOut.BYTES)
                                : m.expect(-Errno.ENOENT, 0);
            }
        }

        @Override
        public void begin(Slot slot) {
            slot.send(messages[slot.index]);
        }

        @Override
        public boolean reply(Slot slot) {
            Message m = messages[slot.index];
            if (m.replyError() == 0 && FuseEntryOut.nodeId(m.memory(), m.replyBody()) != 0) {
                throw new WrongReplyException("LOOKUP of a missing name found something");
            }
            return true;
        }
    }

    /** OPEN and RELEASE of known files. */
    static final class OpenRelease implements Workload {
        private static final int FILES = 32;
        private final long[] nodes = new long[FILES];
        private Message[] opens = {};
        private Message[] releases = {};

        @Override
        public void setUp(Session session, Slot[] slots) {
            long many = session.walk(Fixture.MANY).nodeId();
            for (int i = 0; i < FILES; i++) {
                nodes[i] = session.lookup(many, Fixture.manyName(i)).nodeId();
            }
            opens = new Message[slots.length];
            releases = new Message[slots.length];
            for (Slot slot : slots) {
                Message m = Message.plain(session.space(), Opcode.OPEN, FuseOpenIn.BYTES);
                FuseOpenIn.flags(m.memory(), m.argument(), Fcntl.O_RDONLY | Fcntl.O_LARGEFILE);
                opens[slot.index] = m;
                releases[slot.index] =
                        Message.plain(session.space(), Opcode.RELEASE, FuseReleaseIn.BYTES);
                slot.cursor = slot.index;
            }
        }

        @Override
        public void begin(Slot slot) {
            slot.phase = 0;
            slot.cursor = (slot.cursor + 1) % FILES;
            slot.send(opens[slot.index].node(nodes[(int) slot.cursor]));
        }

        @Override
        public boolean reply(Slot slot) {
            if (slot.phase == 1) {
                return true;
            }
            slot.phase = 1;
            Message open = opens[slot.index];
            Message m = releases[slot.index].node(nodes[(int) slot.cursor]);
            FuseReleaseIn.fh(
                    m.memory(), m.argument(), FuseOpenOut.fh(open.memory(), open.replyBody()));
            slot.send(m);
            return false;
        }

        @Override
        public void tearDown(Session session, Slot[] slots) {
            for (long node : nodes) {
                session.forget(node, 1);
            }
        }
    }

    /**
     * READDIRPLUS of a directory of 1,000 files, from its beginning to its end, 128 KiB at a time.
     */
    static final class Readdirplus implements Workload {
        private static final int PAGES = 32;
        private static final int BYTES = PAGES * GuestSpace.PAGE_BYTES;
        private Message[] messages = {};
        private long[] handles = {};
        private final byte[] entry = new byte[FuseDirentplus.BYTES + 256];
        private final MemorySegment entrySegment = MemorySegment.ofArray(entry);
        private long many;

        @Override
        public void setUp(Session session, Slot[] slots) {
            many = session.walk(Fixture.MANY).nodeId();
            messages = new Message[slots.length];
            handles = new long[slots.length];
            for (Slot slot : slots) {
                handles[slot.index] = session.open(Opcode.OPENDIR, many, Fcntl.O_DIRECTORY);
                Message m =
                        Message.reading(
                                        session.space(),
                                        Opcode.READDIRPLUS,
                                        FuseReadIn.BYTES,
                                        session.space().pages(PAGES))
                                .node(many)
                                .expect(0, -1);
                FuseReadIn.fh(m.memory(), m.argument(), handles[slot.index]);
                FuseReadIn.size(m.memory(), m.argument(), BYTES);
                messages[slot.index] = m;
            }
        }

        @Override
        public void begin(Slot slot) {
            slot.phase = 0;
            Message m = messages[slot.index];
            FuseReadIn.offset(m.memory(), m.argument(), 0);
            slot.send(m);
        }

        @Override
        public boolean reply(Slot slot) {
            Message m = messages[slot.index];
            int bytes = m.replyBytes();
            if (bytes == 0) {
                // "." and ".." may or may not be there.
                if (slot.phase < Fixture.MANY_FILES || slot.phase > Fixture.MANY_FILES + 2) {
                    throw new WrongReplyException("READDIRPLUS: " + slot.phase + " entries");
                }
                return true;
            }
            long next = 0;
            for (int at = 0; at + FuseDirentplus.BYTES <= bytes; ) {
                copy(m, at, FuseDirentplus.BYTES);
                next = FuseDirent.off(entrySegment, FuseDirentplus.DIRENT);
                int name = FuseDirent.namelen(entrySegment, FuseDirentplus.DIRENT);
                if (name <= 0 || name > 255) {
                    throw new WrongReplyException("READDIRPLUS: a name of " + name + " bytes");
                }
                at += (FuseDirentplus.BYTES + name + 7) & ~7;
                slot.phase++;
            }
            FuseReadIn.offset(m.memory(), m.argument(), next);
            slot.send(m);
            return false;
        }

        /** Bytes of the reply lie in pages, in no order. */
        private void copy(Message m, int from, int bytes) {
            int done = 0;
            while (done < bytes) {
                int at = from + done;
                int inPage = at % GuestSpace.PAGE_BYTES;
                int n = Math.min(bytes - done, GuestSpace.PAGE_BYTES - inPage);
                MemorySegment.copy(
                        m.memory(),
                        m.payload()[at / GuestSpace.PAGE_BYTES] + inPage,
                        entrySegment,
                        done,
                        n);
                done += n;
            }
        }

        @Override
        public void tearDown(Session session, Slot[] slots) {
            for (long handle : handles) {
                session.release(Opcode.RELEASEDIR, many, handle);
            }
        }
    }
}
