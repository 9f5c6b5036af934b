package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FuseServer;
import io.porthole.fuse.InitFlags;
import io.porthole.fuse.Opcode;
import io.porthole.fuse.Request;
import io.porthole.fuse.testing.InMemoryExchange;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.LinuxFiles;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.lockboard.LockBoard;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * A guest's kernel, as far as tests need one: it shares a directory, sends FUSE requests as bytes
 * and reads the replies. Each {@link Queue} is a request thread of its own.
 */
final class Guest implements AutoCloseable {
    /** What the kernel offers unless a test says otherwise: all there is. */
    static final long ALL_FLAGS = ((1L << 43) - 1) & ~(1L << 31);

    static final long ROOT = 1;

    private final Fd root;
    private final Fd proc;
    private final List<Queue> queues = new ArrayList<>();
    final PassthroughFileSystem fileSystem;
    final FuseServer server;
    final Queue queue;

    private static final int OPEN_HANDLE = Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC;

    /** Serves what {@code root} refers to, and closes it in the end. */
    Guest(Fd root) throws IOException {
        this(root, PassthroughOptions.builder().xattr(true).build(), Syscalls.host(), ALL_FLAGS);
    }

    Guest(Path directory) throws IOException {
        this(directory, PassthroughOptions.builder().xattr(true).build());
    }

    Guest(Path directory, PassthroughOptions options) throws IOException {
        this(directory, options, Syscalls.host(), ALL_FLAGS);
    }

    Guest(Path directory, PassthroughOptions options, Syscalls sys, long flags) throws IOException {
        this(LinuxFiles.host().open(directory, OPEN_HANDLE, 0), options, sys, flags);
    }

    /** With a lock board, which stays the caller's. */
    Guest(Path directory, PassthroughOptions options, Syscalls sys, @Nullable LockBoard board)
            throws IOException {
        this(LinuxFiles.host().open(directory, OPEN_HANDLE, 0), options, sys, ALL_FLAGS, board);
    }

    /** Serves what {@code root} refers to, and closes it in the end. */
    Guest(Fd root, PassthroughOptions options, Syscalls sys, long flags) throws IOException {
        this(root, options, sys, flags, null);
    }

    private Guest(
            Fd root,
            PassthroughOptions options,
            Syscalls sys,
            long flags,
            @Nullable LockBoard board)
            throws IOException {
        int open = OPEN_HANDLE;
        this.root = root;
        proc = LinuxFiles.host().open(Path.of("/proc/self/fd"), open, 0);
        fileSystem = share(sys, options, board);
        server = new FuseServer(fileSystem);
        queue = newQueue();
        queue.call(
                Opcode.INIT,
                0,
                new Body()
                        .u32(7)
                        .u32(45)
                        .u32(1 << 17)
                        .u32((int) flags)
                        .u32((int) (flags >>> 32))
                        .zeros(44));
    }

    private PassthroughFileSystem share(
            Syscalls sys, PassthroughOptions options, @Nullable LockBoard board)
            throws IOException {
        try {
            return new PassthroughFileSystem(sys, options, root.value(), proc.value(), null, board);
        } catch (IOException e) {
            root.close();
            proc.close();
            throw e;
        }
    }

    Queue newQueue() {
        return newQueue(() -> {});
    }

    /** With something to do on the thread before it serves. */
    Queue newQueue(Runnable before) {
        return add(new Queue(before, false));
    }

    /** One that is as a virtqueue's thread: it has to {@link Queue#rest}. */
    Queue newVirtqueue() {
        return add(new Queue(() -> {}, true));
    }

    private Queue add(Queue created) {
        queues.add(created);
        return created;
    }

    @Override
    public void close() {
        server.endSession();
        for (Queue q : queues) {
            q.stop();
        }
        fileSystem.close();
        root.close();
        proc.close();
    }

    /** An argument, little-endian. */
    static final class Body {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Body u32(int value) {
            for (int i = 0; i < 4; i++) {
                bytes.write(value >>> (8 * i));
            }
            return this;
        }

        Body u64(long value) {
            return u32((int) value).u32((int) (value >>> 32));
        }

        Body zeros(int count) {
            bytes.writeBytes(new byte[count]);
            return this;
        }

        Body raw(byte[] value) {
            bytes.writeBytes(value);
            return this;
        }

        /** A name and its NUL. */
        Body name(String value) {
            return raw(value.getBytes(StandardCharsets.ISO_8859_1)).zeros(1);
        }
    }

    /** A reply: errno (0 for success), and what follows the header. */
    record Reply(int error, ByteBuffer body) {
        Reply ok() {
            if (error != 0) {
                throw new AssertionError("request failed: " + Errno.describe(error));
            }
            return this;
        }

        long u64(int at) {
            return body.getLong(at);
        }

        int u32(int at) {
            return body.getInt(at);
        }

        byte[] bytes() {
            byte[] all = new byte[body.limit()];
            body.get(0, all);
            return all;
        }
    }

    /** A fuse_entry_out. */
    record Entry(Reply reply) {
        long nodeId() {
            return reply.u64(0);
        }

        long entryValid() {
            return reply.u64(16);
        }

        Attr attr() {
            return new Attr(reply, 40);
        }
    }

    /** A fuse_attr. */
    record Attr(Reply reply, int at) {
        long ino() {
            return reply.u64(at);
        }

        long size() {
            return reply.u64(at + 8);
        }

        long mtime() {
            return reply.u64(at + 32);
        }

        int mtimeNanos() {
            return reply.u32(at + 52);
        }

        int mode() {
            return reply.u32(at + 60);
        }

        int links() {
            return reply.u32(at + 64);
        }

        int uid() {
            return reply.u32(at + 68);
        }

        int gid() {
            return reply.u32(at + 72);
        }

        int rdev() {
            return reply.u32(at + 76);
        }

        int flags() {
            return reply.u32(at + 84);
        }
    }

    /** A record of READDIR or READDIRPLUS; nodeId is 0 without attributes. */
    record Dirent(String name, long ino, long offset, int type, long nodeId) {}

    /** One request thread. */
    final class Queue {
        private final InMemoryExchange exchange = new InMemoryExchange(2 << 20);
        private final Request request = new Request(exchange);
        private final ExecutorService thread = Executors.newSingleThreadExecutor();
        private long unique;
        int uid;
        int gid;
        int supplementaryGroup = -1;
        String securityName = "";
        String securityValue = "";

        private Queue(Runnable before, boolean virtqueue) {
            run(() -> {
                before.run();
                if (virtqueue) {
                    fileSystem.queueThreadStarted();
                } else {
                    fileSystem.threadStarted();
                }
                return null;
            });
        }

        /** What the thread does before it waits for requests. */
        void rest() {
            run(() -> {
                fileSystem.threadRests();
                return null;
            });
        }

        /** Runs something on the request thread. */
        <T> T run(Callable<T> task) {
            try {
                return thread.submit(task).get();
            } catch (ExecutionException e) {
                throw new AssertionError(e.getCause());
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        /** Requests that were detached, in the order in which they came. */
        List<InMemoryExchange.Late> late() {
            return exchange.late();
        }

        private void stop() {
            run(() -> {
                fileSystem.threadStopped();
                return null;
            });
            thread.shutdown();
            exchange.close();
        }

        Reply call(Opcode opcode, long nodeId, Body body) {
            return call(opcode, nodeId, body, 1 << 20);
        }

        Reply call(Opcode opcode, long nodeId, Body body, int room) {
            byte[] message = message(opcode, nodeId, body);
            return run(() -> {
                exchange.send(message, room);
                server.dispatch(exchange, request);
                ByteBuffer reply =
                        ByteBuffer.wrap(exchange.replyBytes()).order(ByteOrder.LITTLE_ENDIAN);
                if (!exchange.replied()) {
                    return new Reply(0, reply);
                }
                return new Reply(
                        -reply.getInt(4),
                        reply.slice(16, reply.limit() - 16).order(ByteOrder.LITTLE_ENDIAN));
            });
        }

        byte[] message(Opcode opcode, long nodeId, Body body) {
            byte[] argument = body.bytes.toByteArray();
            Body extension = new Body();
            if (supplementaryGroup != -1) {
                // struct fuse_ext_header, struct fuse_supp_groups.
                extension.u32(16).u32(32).u32(1).u32(supplementaryGroup);
            }
            if (!securityName.isEmpty()) {
                // struct fuse_secctx_header, struct fuse_secctx, name, value; padded to 8 bytes.
                int bytes = 16 + securityName.length() + 1 + securityValue.length();
                int padding = -bytes & 7;
                extension
                        .u32(bytes + padding)
                        .u32(1)
                        .u32(securityValue.length())
                        .u32(0)
                        .name(securityName)
                        .raw(securityValue.getBytes(StandardCharsets.ISO_8859_1))
                        .zeros(padding);
            }
            int extensionBytes = extension.bytes.size();
            if (extensionBytes != 0) {
                int padding = -argument.length & 7;
                argument = new Body().raw(argument).zeros(padding).bytes.toByteArray();
            }
            return new Body()
                    .u32(40 + argument.length + extensionBytes)
                    .u32(opcode.code())
                    .u64(++unique)
                    .u64(nodeId)
                    .u32(uid)
                    .u32(gid)
                    .u32(4711)
                    .u32(extensionBytes / 8)
                    .raw(argument)
                    .raw(extension.bytes.toByteArray())
                    .bytes
                    .toByteArray();
        }

        /**
         * Sends a request {@code count} times without allocating, on the request thread.
         *
         * @return bytes that the thread allocated meanwhile
         */
        long allocatedBytes(byte[] message, int room, int count) {
            return run(() -> {
                var threads =
                        (com.sun.management.ThreadMXBean)
                                java.lang.management.ManagementFactory.getThreadMXBean();
                exchange.send(message, room);
                server.dispatch(exchange, request);
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < count; i++) {
                    exchange.sendAgain();
                    server.dispatch(exchange, request);
                }
                return threads.getCurrentThreadAllocatedBytes() - before;
            });
        }

        Entry lookup(long parent, String name) {
            return new Entry(tryLookup(parent, name).ok());
        }

        Reply tryLookup(long parent, String name) {
            return call(Opcode.LOOKUP, parent, new Body().name(name));
        }

        void forget(long nodeId, long count) {
            call(Opcode.FORGET, nodeId, new Body().u64(count), 0);
        }

        Attr getattr(long nodeId) {
            return new Attr(call(Opcode.GETATTR, nodeId, new Body().zeros(16)).ok(), 16);
        }

        Reply tryOpen(long nodeId, int flags) {
            return call(Opcode.OPEN, nodeId, new Body().u32(flags).u32(0));
        }

        long open(long nodeId, int flags) {
            return tryOpen(nodeId, flags).ok().u64(0);
        }

        byte[] read(long nodeId, long fh, long offset, int size) {
            return tryRead(nodeId, fh, offset, size).ok().bytes();
        }

        Reply tryRead(long nodeId, long fh, long offset, int size) {
            return call(Opcode.READ, nodeId, readBody(fh, offset, size), 16 + size);
        }

        static Body readBody(long fh, long offset, int size) {
            return new Body().u64(fh).u64(offset).u32(size).u32(0).u64(0).u32(0).u32(0);
        }

        Reply write(long nodeId, long fh, long offset, byte[] data, int writeFlags, int flags) {
            return call(Opcode.WRITE, nodeId, writeBody(fh, offset, data, writeFlags, flags));
        }

        static Body writeBody(long fh, long offset, byte[] data, int writeFlags, int flags) {
            return new Body()
                    .u64(fh)
                    .u64(offset)
                    .u32(data.length)
                    .u32(writeFlags)
                    .u64(0)
                    .u32(flags)
                    .u32(0)
                    .raw(data);
        }

        Reply release(long nodeId, long fh) {
            return call(Opcode.RELEASE, nodeId, new Body().u64(fh).zeros(16));
        }

        Reply tryCreate(long parent, String name, int flags, int mode, int umask) {
            return call(
                    Opcode.CREATE,
                    parent,
                    new Body().u32(flags).u32(mode).u32(umask).u32(0).name(name));
        }

        Reply mkdir(long parent, String name, int mode) {
            return call(Opcode.MKDIR, parent, new Body().u32(mode).u32(0).name(name));
        }

        Reply mknod(long parent, String name, int mode, int rdev) {
            return call(
                    Opcode.MKNOD, parent, new Body().u32(mode).u32(rdev).u32(0).u32(0).name(name));
        }

        Reply symlink(long parent, String name, String target) {
            return call(Opcode.SYMLINK, parent, new Body().name(name).name(target));
        }

        Reply link(long nodeId, long newParent, String newName) {
            return call(Opcode.LINK, newParent, new Body().u64(nodeId).name(newName));
        }

        Reply unlink(long parent, String name) {
            return call(Opcode.UNLINK, parent, new Body().name(name));
        }

        Reply rmdir(long parent, String name) {
            return call(Opcode.RMDIR, parent, new Body().name(name));
        }

        Reply rename(long parent, String name, long newParent, String newName, int flags) {
            return call(
                    Opcode.RENAME2,
                    parent,
                    new Body().u64(newParent).u32(flags).u32(0).name(name).name(newName));
        }

        long opendir(long nodeId) {
            return call(Opcode.OPENDIR, nodeId, new Body().u32(0).u32(0)).ok().u64(0);
        }

        List<Dirent> readdir(long nodeId, long fh, long offset, int size, boolean plus) {
            Reply reply =
                    call(
                                    plus ? Opcode.READDIRPLUS : Opcode.READDIR,
                                    nodeId,
                                    readBody(fh, offset, size),
                                    16 + size)
                            .ok();
            List<Dirent> entries = new ArrayList<>();
            ByteBuffer b = reply.body();
            int at = 0;
            while (at < b.limit()) {
                int record = plus ? at + 128 : at;
                int length = b.getInt(record + 16);
                byte[] name = new byte[length];
                b.get(record + 24, name);
                entries.add(
                        new Dirent(
                                new String(name, StandardCharsets.ISO_8859_1),
                                b.getLong(record),
                                b.getLong(record + 8),
                                b.getInt(record + 20),
                                plus ? b.getLong(at) : 0));
                at = (record + 24 + length + 7) & ~7;
            }
            return entries;
        }

        /** Reads on until the end, as readdir(3) does. */
        List<Dirent> readWhole(long nodeId, long fh, int size, boolean plus) {
            List<Dirent> all = new ArrayList<>();
            long offset = 0;
            while (true) {
                List<Dirent> part = readdir(nodeId, fh, offset, size, plus);
                if (part.isEmpty()) {
                    return all;
                }
                all.addAll(part);
                offset = part.getLast().offset();
            }
        }

        Reply releasedir(long nodeId, long fh) {
            return call(Opcode.RELEASEDIR, nodeId, new Body().u64(fh).zeros(16));
        }

        /** SETATTR with {@code valid} and the fields that it names. */
        Reply setattr(long nodeId, int valid, long size, int mode, int uid, int gid) {
            return call(
                    Opcode.SETATTR,
                    nodeId,
                    new Body()
                            .u32(valid)
                            .u32(0)
                            .u64(0)
                            .u64(size)
                            .u64(0)
                            .zeros(24)
                            .zeros(12)
                            .u32(mode)
                            .u32(0)
                            .u32(uid)
                            .u32(gid)
                            .u32(0));
        }

        Reply setxattr(long nodeId, String name, byte[] value, int flags) {
            return call(
                    Opcode.SETXATTR,
                    nodeId,
                    new Body()
                            .u32(value.length)
                            .u32(flags)
                            .raw(
                                    server.session() != null
                                                    && server.session()
                                                            .isEnabled(InitFlags.FUSE_SETXATTR_EXT)
                                            ? new byte[8]
                                            : new byte[0])
                            .name(name)
                            .raw(value));
        }

        Reply getxattr(long nodeId, String name, int size) {
            return call(Opcode.GETXATTR, nodeId, new Body().u32(size).u32(0).name(name));
        }
    }
}
