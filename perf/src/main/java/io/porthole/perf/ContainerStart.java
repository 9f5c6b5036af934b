package io.porthole.perf;

import io.porthole.fuse.FuseAttr;
import io.porthole.fuse.FuseEntryOut;
import io.porthole.fuse.FuseFlushIn;
import io.porthole.fuse.FuseOpenIn;
import io.porthole.fuse.FuseOpenOut;
import io.porthole.fuse.FuseReadIn;
import io.porthole.fuse.FuseReleaseIn;
import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the start of a container asks for: file after file of a real tree is looked up, opened, read
 * from its beginning (up to 256 KiB, 128 KiB at a time), flushed and released; links are read;
 * before every third file a name is looked up that is not there, as a library's search path does.
 * An operation is one file. The driver spares requests as Linux does: FLUSH after ENOSYS or
 * FOPEN_NOFLUSH.
 */
final class ContainerStart implements Workload {
    private static final int CHUNK = 128 << 10;
    private static final long MOST = 2L * CHUNK;

    private static final int MISSING = 0;
    private static final int LOOKUP = 1;
    private static final int LINK = 2;
    private static final int OPEN = 3;
    private static final int READ = 4;
    private static final int FLUSH = 5;
    private static final int RELEASE = 6;

    private final Fixture fixture;
    private int files;
    private long begun;
    private long[] parents = {};
    private byte[][] names = {};
    private byte[][] absent = {};
    private boolean[] links = {};
    private long[] sizes = {};
    private Steps[] steps = {};
    private boolean noFlush;

    /** The messages of one slot. */
    private static final class Steps {
        final Message lookup;
        final Message readlink;
        final Message open;
        final Message read;
        final Message flush;
        final Message release;
        long offset;
        boolean flushWanted;

        Steps(GuestSpace space) {
            lookup = Message.plain(space, Opcode.LOOKUP, 8);
            readlink = Message.reading(space, Opcode.READLINK, 0, space.pages(1)).expect(0, -1);
            open = Message.plain(space, Opcode.OPEN, FuseOpenIn.BYTES);
            FuseOpenIn.flags(open.memory(), open.argument(), Fcntl.O_LARGEFILE);
            read =
                    Message.reading(
                            space,
                            Opcode.READ,
                            FuseReadIn.BYTES,
                            space.pages(CHUNK / GuestSpace.PAGE_BYTES));
            FuseReadIn.size(read.memory(), read.argument(), CHUNK);
            flush = Message.plain(space, Opcode.FLUSH, FuseFlushIn.BYTES).anyOf(-Errno.ENOSYS);
            release = Message.plain(space, Opcode.RELEASE, FuseReleaseIn.BYTES);
        }
    }

    ContainerStart(Fixture fixture) {
        this.fixture = fixture;
    }

    @Override
    public void setUp(Session session, Slot[] slots) throws IOException {
        List<Fixture.TreeFile> tree = fixture.treeFiles();
        files = tree.size();
        parents = new long[files];
        names = new byte[files][];
        absent = new byte[files][];
        links = new boolean[files];
        sizes = new long[files];
        Map<String, Long> directories = new HashMap<>();
        for (int i = 0; i < files; i++) {
            Fixture.TreeFile file = tree.get(i);
            Long parent = directories.get(file.directory());
            if (parent == null) {
                parent = session.walk(file.directory()).nodeId();
                directories.put(file.directory(), parent);
            }
            parents[i] = parent;
            names[i] = file.name().getBytes(StandardCharsets.UTF_8);
            absent[i] = (".wh." + i).getBytes(StandardCharsets.UTF_8);
            links[i] = file.link();
            sizes[i] = file.size();
        }
        steps = new Steps[slots.length];
        for (Slot slot : slots) {
            steps[slot.index] = new Steps(session.space());
            slot.cursor = (long) files * slot.index / slots.length;
        }
    }

    /** Whether as many files were begun as there are; with one slot, each. */
    boolean visitedAll() {
        return begun >= files;
    }

    @Override
    public void begin(Slot slot) {
        begun++;
        slot.cursor = (slot.cursor + 1) % files;
        if (slot.cursor % 3 == 0) {
            slot.phase = MISSING;
            lookup(slot, absent[(int) slot.cursor]).anyOf(-Errno.ENOENT);
        } else {
            lookUpFile(slot);
        }
    }

    private void lookUpFile(Slot slot) {
        slot.phase = LOOKUP;
        lookup(slot, names[(int) slot.cursor]).expect(0, FuseEntryOut.BYTES);
    }

    private Message lookup(Slot slot, byte[] name) {
        Message m = steps[slot.index].lookup;
        slot.send(m.node(parents[(int) slot.cursor]).onlyName(0, name));
        return m;
    }

    @Override
    public boolean reply(Slot slot) {
        Steps step = steps[slot.index];
        int file = (int) slot.cursor;
        switch (slot.phase) {
            case MISSING -> lookUpFile(slot);
            case LOOKUP -> {
                Message m = step.lookup;
                slot.nodeId = FuseEntryOut.nodeId(m.memory(), m.replyBody());
                long size = FuseAttr.size(m.memory(), m.replyBody() + FuseEntryOut.ATTR);
                if (slot.nodeId == 0 || (!links[file] && size != sizes[file])) {
                    throw new WrongReplyException("LOOKUP in the tree: size " + size);
                }
                if (links[file]) {
                    slot.phase = LINK;
                    slot.send(step.readlink.node(slot.nodeId));
                } else {
                    slot.phase = OPEN;
                    slot.send(step.open.node(slot.nodeId));
                }
            }
            case OPEN -> {
                Message m = step.open;
                slot.handle = FuseOpenOut.fh(m.memory(), m.replyBody());
                int flags = FuseOpenOut.openFlags(m.memory(), m.replyBody());
                step.flushWanted = (flags & FuseOpenOut.FOPEN_NOFLUSH) == 0;
                step.offset = 0;
                if (sizes[file] == 0) {
                    flush(slot, step);
                } else {
                    read(slot, step);
                }
            }
            case READ -> {
                step.offset += CHUNK;
                if (step.offset < Math.min(MOST, sizes[file])) {
                    read(slot, step);
                } else {
                    flush(slot, step);
                }
            }
            case FLUSH -> {
                noFlush = noFlush || step.flush.replyError() == -Errno.ENOSYS;
                release(slot, step);
            }
            default -> {
                // After READLINK, or after RELEASE.
                slot.forget(slot.nodeId);
                return true;
            }
        }
        return false;
    }

    private void read(Slot slot, Steps step) {
        slot.phase = READ;
        Message m = step.read.node(slot.nodeId);
        FuseReadIn.fh(m.memory(), m.argument(), slot.handle);
        FuseReadIn.offset(m.memory(), m.argument(), step.offset);
        slot.send(m.expect(0, (int) Math.min(CHUNK, sizes[(int) slot.cursor] - step.offset)));
    }

    private void flush(Slot slot, Steps step) {
        if (noFlush || !step.flushWanted) {
            release(slot, step);
            return;
        }
        slot.phase = FLUSH;
        FuseFlushIn.fh(step.flush.memory(), step.flush.argument(), slot.handle);
        slot.send(step.flush.node(slot.nodeId));
    }

    private static void release(Slot slot, Steps step) {
        slot.phase = RELEASE;
        FuseReleaseIn.fh(step.release.memory(), step.release.argument(), slot.handle);
        slot.send(step.release.node(slot.nodeId));
    }
}
