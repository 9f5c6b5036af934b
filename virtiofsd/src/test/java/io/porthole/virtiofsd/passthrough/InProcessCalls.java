package io.porthole.virtiofsd.passthrough;

import static io.porthole.linux.Fcntl.O_CREAT;
import static io.porthole.linux.Fcntl.O_RDONLY;
import static io.porthole.linux.Fcntl.O_RDWR;
import static io.porthole.linux.Fcntl.O_TRUNC;

import io.porthole.fuse.Opcode;
import io.porthole.linux.Errno;
import io.porthole.virtiofsd.passthrough.Guest.Attr;
import io.porthole.virtiofsd.passthrough.Guest.Body;
import io.porthole.virtiofsd.passthrough.Guest.Reply;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * System calls as a guest's kernel turns them into requests, as far as the in-process checks need
 * them: paths are walked by LOOKUP, results written to a transcript as {@code posix.h} tells.
 */
final class InProcessCalls {
    /** An open file. */
    record File(long nodeId, long fh) {}

    private final Guest.Queue q;
    private final long root;
    private final List<String> transcript = new ArrayList<>();

    InProcessCalls(Guest.Queue queue, long root) {
        q = queue;
        this.root = root;
    }

    String transcript() {
        return String.join(" ", transcript);
    }

    void say(Object what) {
        transcript.add(String.valueOf(what));
    }

    private static String errno(int error) {
        return Errno.name(error);
    }

    /** Writes "OK" or errno's name. */
    Reply step(Reply reply) {
        say(reply.error() == 0 ? "OK" : errno(reply.error()));
        return reply;
    }

    /** Where a path leads; -errno if it leads nowhere. */
    long walk(String path) {
        long at = root;
        for (String name : path.split("/", -1)) {
            if (name.isEmpty() || name.equals(".")) {
                continue;
            }
            Reply found = q.tryLookup(at, name);
            if (found.error() != 0) {
                return -found.error();
            }
            at = found.u64(0);
            if (at == 0) {
                return -Errno.ENOENT; // a negative entry
            }
        }
        return at;
    }

    private long parent(String path) {
        int slash = path.lastIndexOf('/');
        return slash < 0 ? root : walk(path.substring(0, slash));
    }

    private static String last(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private static Reply failure(long error) {
        return new Reply((int) -error, ByteBuffer.allocate(0));
    }

    /** An open that creates; the reply is fuse_entry_out and fuse_open_out. */
    Reply create(String path, int flags, int mode) {
        long parent = parent(path);
        return parent < 0
                ? failure(parent)
                : q.tryCreate(parent, last(path), flags | O_CREAT, mode, 022);
    }

    static File created(Reply reply) {
        return new File(reply.u64(0), reply.u64(128));
    }

    Reply tryOpen(String path, int flags) {
        long node = walk(path);
        return node < 0 ? failure(node) : q.tryOpen(node, flags);
    }

    File open(String path, int flags) {
        long node = walk(path);
        return new File(node, q.open(node, flags));
    }

    /** A file of mode 0644 with this content. */
    void make(String path, String content) {
        Reply reply = create(path, O_RDWR | O_TRUNC, 0644).ok();
        File file = created(reply);
        pwrite(file, content, 0);
        q.release(file.nodeId(), file.fh());
    }

    Reply write(File file, String content, long at) {
        return q.write(
                file.nodeId(),
                file.fh(),
                at,
                content.getBytes(StandardCharsets.ISO_8859_1),
                0,
                O_RDWR);
    }

    private void pwrite(File file, String content, long at) {
        write(file, content, at).ok();
    }

    /** Writes the count written, or errno's name. */
    void value(Reply written) {
        say(written.error() == 0 ? written.u32(0) : errno(written.error()));
    }

    String read(File file, long at, int bytes) {
        return new String(q.read(file.nodeId(), file.fh(), at, bytes), StandardCharsets.ISO_8859_1);
    }

    /** Writes a file's content in quotes, or errno's name. */
    void show(String path) {
        Reply opened = tryOpen(path, O_RDONLY);
        if (opened.error() != 0) {
            say(errno(opened.error()));
            return;
        }
        File file = new File(walk(path), opened.u64(0));
        say("'" + read(file, 0, 255) + "'");
        q.release(file.nodeId(), file.fh());
    }

    Attr look(String path) {
        return q.getattr(walk(path));
    }

    Attr look(File file) {
        return q.getattr(file.nodeId());
    }

    void access(String path) {
        long node = walk(path);
        say(node < 0 ? errno((int) -node) : "OK");
    }

    Reply mkdir(String path, int mode) {
        return q.call(Opcode.MKDIR, parent(path), new Body().u32(mode).u32(022).name(last(path)));
    }

    Reply mknod(String path, int mode, int device) {
        return q.call(
                Opcode.MKNOD,
                parent(path),
                new Body().u32(mode).u32(device).u32(022).u32(0).name(last(path)));
    }

    Reply symlink(String target, String path) {
        return q.symlink(parent(path), last(path), target);
    }

    Reply readlink(String path) {
        return q.call(Opcode.READLINK, walk(path), new Body());
    }

    Reply link(String path, String to) {
        long node = walk(path);
        return node < 0 ? failure(node) : q.link(node, parent(to), last(to));
    }

    Reply unlink(String path) {
        return q.unlink(parent(path), last(path));
    }

    Reply rmdir(String path) {
        return q.rmdir(parent(path), last(path));
    }

    Reply rename(String from, String to, int flags) {
        return q.rename(parent(from), last(from), parent(to), last(to), flags);
    }

    Reply truncate(String path, long size) {
        return q.setattr(walk(path), 1 << 3, size, 0, 0, 0);
    }

    Reply chmod(String path, int mode) {
        return q.setattr(walk(path), 1, 0, mode, 0, 0);
    }

    Reply chown(String path, int uid, int gid) {
        int valid = (uid == -1 ? 0 : 1 << 1) | (gid == -1 ? 0 : 1 << 2);
        return q.setattr(walk(path), valid, 0, 0, uid, gid);
    }

    /** Sets both times, and writes the step and what then is there, as the program's set(). */
    void times(String path, long atime, int atimeNanos, long mtime, int mtimeNanos) {
        step(
                q.call(
                        Opcode.SETATTR,
                        walk(path),
                        new Body()
                                .u32(1 << 4 | 1 << 5)
                                .u32(0)
                                .zeros(24)
                                .u64(atime)
                                .u64(mtime)
                                .u64(0)
                                .u32(atimeNanos)
                                .u32(mtimeNanos)
                                .u32(0)
                                .zeros(20)));
        Attr now = look(path);
        say("%d.%09d".formatted(now.reply().u64(now.at() + 24), now.reply().u32(now.at() + 48)));
        say("%d.%09d".formatted(now.mtime(), now.mtimeNanos()));
    }

    Reply fallocate(File file, int mode, long at, long bytes) {
        return q.call(
                Opcode.FALLOCATE,
                file.nodeId(),
                new Body().u64(file.fh()).u64(at).u64(bytes).u32(mode).u32(0));
    }

    /** Writes the new place, or errno's name. */
    void lseek(File file, long at, int whence) {
        Reply reply =
                q.call(
                        Opcode.LSEEK,
                        file.nodeId(),
                        new Body().u64(file.fh()).u64(at).u32(whence).u32(0));
        say(reply.error() == 0 ? reply.u64(0) : errno(reply.error()));
    }

    Reply copy(File from, long at, File to, long toAt, long bytes) {
        return q.call(
                Opcode.COPY_FILE_RANGE,
                from.nodeId(),
                new Body()
                        .u64(from.fh())
                        .u64(at)
                        .u64(to.nodeId())
                        .u64(to.fh())
                        .u64(toAt)
                        .u64(bytes)
                        .u64(0));
    }

    Reply setxattr(String path, String name, String value, int flags) {
        return q.setxattr(walk(path), name, value.getBytes(StandardCharsets.ISO_8859_1), flags);
    }

    /** Writes the value's length, or errno's name. */
    Reply getxattr(String path, String name, int room) {
        Reply reply = q.getxattr(walk(path), name, room);
        say(
                reply.error() != 0
                        ? errno(reply.error())
                        : room == 0 ? reply.u32(0) : reply.bytes().length);
        return reply;
    }

    Reply removexattr(String path, String name) {
        return q.call(Opcode.REMOVEXATTR, walk(path), new Body().name(name));
    }

    /** The names of a directory, without the two dots. */
    List<String> names(String path) {
        long node = walk(path);
        long fh = q.opendir(node);
        List<String> names = new ArrayList<>();
        for (Guest.Dirent entry : q.readWhole(node, fh, 4096, false)) {
            if (!entry.name().equals(".") && !entry.name().equals("..")) {
                names.add(entry.name());
            }
        }
        q.releasedir(node, fh);
        return names;
    }

    /** So many files in a directory, n0, n1, ... */
    void populate(String path, int from, int to) {
        long node = walk(path);
        for (int i = from; i < to; i++) {
            // Forgotten at once, as by a kernel short of memory: else each has a descriptor.
            q.forget(q.mknod(node, "n" + i, 0100644, 0).ok().u64(0), 1);
        }
    }

    Reply tryOpendir(String path) {
        long node = walk(path);
        return node < 0 ? failure(node) : q.call(Opcode.OPENDIR, node, new Body().zeros(8));
    }
}
