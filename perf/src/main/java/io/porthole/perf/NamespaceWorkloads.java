package io.porthole.perf;

import io.porthole.fuse.FuseCreateIn;
import io.porthole.fuse.FuseEntryOut;
import io.porthole.fuse.FuseMkdirIn;
import io.porthole.fuse.FuseOpenOut;
import io.porthole.fuse.FuseReleaseIn;
import io.porthole.fuse.FuseRenameIn;
import io.porthole.fuse.Opcode;
import io.porthole.linux.Fcntl;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Rows that change directories. Each slot has names of its own; afterwards nothing is left. */
final class NamespaceWorkloads {
    private static final int O_NEW = Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_EXCL;

    private NamespaceWorkloads() {}

    private static byte[] name(String prefix, Slot slot) {
        return String.format("%s%06d", prefix, slot.index).getBytes(StandardCharsets.UTF_8);
    }

    private static void checkEmpty(Path share) throws IOException {
        try (Stream<Path> left = Files.list(share.resolve(Fixture.SCRATCH))) {
            long count = left.count();
            if (count != 0) {
                throw new WrongReplyException(count + " names left that were removed");
            }
        }
    }

    /** CREATE, RELEASE, UNLINK and FORGET, as creat(), close() and unlink() make them. */
    static final class CreateUnlink implements Workload {
        private final Path share;
        private Message[] creates = {};
        private Message[] releases = {};
        private Message[] unlinks = {};

        CreateUnlink(Path share) {
            this.share = share;
        }

        @Override
        public void setUp(Session session, Slot[] slots) {
            long dir = session.lookup(Session.ROOT, Fixture.SCRATCH).nodeId();
            creates = new Message[slots.length];
            releases = new Message[slots.length];
            unlinks = new Message[slots.length];
            for (Slot slot : slots) {
                byte[] name = name("new", slot);
                Message m =
                        Message.plain(
                                        session.space(),
                                        Opcode.CREATE,
                                        FuseCreateIn.BYTES + name.length + 1)
                                .node(dir)
                                .name(FuseCreateIn.BYTES, name);
                FuseCreateIn.flags(m.memory(), m.argument(), O_NEW | Fcntl.O_LARGEFILE);
                FuseCreateIn.mode(m.memory(), m.argument(), 0100644);
                FuseCreateIn.umask(m.memory(), m.argument(), 022);
                creates[slot.index] = m;
                releases[slot.index] =
                        Message.plain(session.space(), Opcode.RELEASE, FuseReleaseIn.BYTES);
                unlinks[slot.index] =
                        Message.plain(session.space(), Opcode.UNLINK, name.length + 1)
                                .node(dir)
                                .name(0, name);
            }
        }

        @Override
        public void begin(Slot slot) {
            slot.phase = 0;
            slot.send(creates[slot.index]);
        }

        @Override
        public boolean reply(Slot slot) {
            switch (slot.phase++) {
                case 0 -> {
                    Message create = creates[slot.index];
                    slot.nodeId = FuseEntryOut.nodeId(create.memory(), create.replyBody());
                    Message m = releases[slot.index].node(slot.nodeId);
                    FuseReleaseIn.fh(
                            m.memory(),
                            m.argument(),
                            FuseOpenOut.fh(
                                    create.memory(), create.replyBody() + FuseEntryOut.BYTES));
                    slot.send(m);
                }
                case 1 -> slot.send(unlinks[slot.index]);
                default -> {
                    slot.forget(slot.nodeId);
                    return true;
                }
            }
            return false;
        }

        @Override
        public void tearDown(Session session, Slot[] slots) throws IOException {
            checkEmpty(share);
        }
    }

    /** MKDIR, RMDIR and FORGET. */
    static final class MkdirRmdir implements Workload {
        private final Path share;
        private Message[] mkdirs = {};
        private Message[] rmdirs = {};

        MkdirRmdir(Path share) {
            this.share = share;
        }

        @Override
        public void setUp(Session session, Slot[] slots) {
            long dir = session.lookup(Session.ROOT, Fixture.SCRATCH).nodeId();
            mkdirs = new Message[slots.length];
            rmdirs = new Message[slots.length];
            for (Slot slot : slots) {
                byte[] name = name("dir", slot);
                Message m =
                        Message.plain(
                                        session.space(),
                                        Opcode.MKDIR,
                                        FuseMkdirIn.BYTES + name.length + 1)
                                .node(dir)
                                .name(FuseMkdirIn.BYTES, name);
                FuseMkdirIn.mode(m.memory(), m.argument(), 0755);
                FuseMkdirIn.umask(m.memory(), m.argument(), 022);
                mkdirs[slot.index] = m;
                rmdirs[slot.index] =
                        Message.plain(session.space(), Opcode.RMDIR, name.length + 1)
                                .node(dir)
                                .name(0, name);
            }
        }

        @Override
        public void begin(Slot slot) {
            slot.phase = 0;
            slot.send(mkdirs[slot.index]);
        }

        @Override
        public boolean reply(Slot slot) {
            switch (slot.phase++) {
                case 0 -> {
                    Message m = mkdirs[slot.index];
                    slot.nodeId = FuseEntryOut.nodeId(m.memory(), m.replyBody());
                    slot.send(rmdirs[slot.index]);
                }
                default -> {
                    slot.forget(slot.nodeId);
                    return true;
                }
            }
            return false;
        }

        @Override
        public void tearDown(Session session, Slot[] slots) throws IOException {
            checkEmpty(share);
        }
    }

    /** RENAME to and fro of one file a slot. */
    static final class Rename implements Workload {
        private final Path share;
        private Message[][] renames = {};

        Rename(Path share) {
            this.share = share;
        }

        @Override
        public void setUp(Session session, Slot[] slots) throws IOException {
            long dir = session.lookup(Session.ROOT, Fixture.SCRATCH).nodeId();
            renames = new Message[2][slots.length];
            for (Slot slot : slots) {
                byte[] here = name("one", slot);
                byte[] there = name("two", slot);
                Path file = share.resolve(Fixture.SCRATCH).resolve(text(here));
                Files.write(file, new byte[0]);
                // A guest renames what it has looked up; QEMU's daemon insists on it.
                slot.nodeId = session.lookup(dir, text(here)).nodeId();
                renames[0][slot.index] = rename(session, dir, here, there);
                renames[1][slot.index] = rename(session, dir, there, here);
            }
        }

        private static Message rename(Session session, long dir, byte[] from, byte[] to) {
            int names = from.length + to.length + 2;
            Message m =
                    Message.plain(session.space(), Opcode.RENAME, FuseRenameIn.BYTES + names)
                            .node(dir)
                            .name(FuseRenameIn.BYTES, from)
                            .name(FuseRenameIn.BYTES + from.length + 1, to);
            FuseRenameIn.newParent(m.memory(), m.argument(), dir);
            return m;
        }

        private static String text(byte[] name) {
            return new String(name, StandardCharsets.UTF_8);
        }

        @Override
        public void begin(Slot slot) {
            slot.send(renames[slot.phase][slot.index]);
        }

        @Override
        public boolean reply(Slot slot) {
            slot.phase ^= 1;
            return true;
        }

        @Override
        public void tearDown(Session session, Slot[] slots) throws IOException {
            for (Slot slot : slots) {
                session.forget(slot.nodeId, 1);
                Files.delete(
                        share.resolve(Fixture.SCRATCH)
                                .resolve(text(name(slot.phase == 0 ? "one" : "two", slot))));
            }
            checkEmpty(share);
        }
    }
}
