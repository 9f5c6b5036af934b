package io.porthole.virtiofsd.dax;

import io.porthole.fuse.Exchange;
import io.porthole.fuse.FileSystem;
import io.porthole.fuse.FuseRemovemappingOne;
import io.porthole.fuse.FuseSetupmappingIn;
import io.porthole.fuse.Request;
import io.porthole.linux.Errno;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.SharedMemory;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The DAX window of one share: takes requests of the guest on the queues' threads, and has them
 * done in their order by the mapper's thread, which answers them.
 *
 * <p>{@link #isOutgrown} and {@link #isConcerned} are for the hot path: one volatile read where no
 * mapped file can still grow.
 */
public final class DaxWindow implements AutoCloseable {
    private static final int NO_ERROR = 0;
    private static final MemorySegment NO_BODY = MemorySegment.NULL;

    private final Syscalls sys;
    private final DaxOptions options;
    private final TailPages tails;
    private final LinkedBlockingQueue<Task> tasks = new LinkedBlockingQueue<>();
    private final LongAdder reads = new LongAdder();
    private @Nullable DaxFiles files;

    private volatile @Nullable SharedMemory memory;
    private volatile boolean lost;
    private volatile Ranges.Unfinished unfinished = Ranges.Unfinished.NONE;

    // Guarded by this monitor.
    private @Nullable Thread mapper;

    /** What is to be done, and the answer to be given afterwards. */
    private record Task(
            @Nullable Step step, Exchange.@Nullable Deferred answer, MemorySegment body) {}

    @FunctionalInterface
    private interface Step {
        /** Returns 0 or -errno. */
        long run(Ranges ranges, SharedMemory memory);
    }

    /** Ends the mapper. */
    private static final Task END = new Task(null, null, NO_BODY);

    /** With what the window needs of its own: a memory file. */
    public DaxWindow(Syscalls sys, DaxOptions options) throws SyscallException {
        this.sys = sys;
        this.options = options;
        this.tails = new TailPages(sys, rangeCount());
    }

    private int rangeCount() {
        return (int) (options.windowBytes() >>> DaxOptions.RANGE_SHIFT);
    }

    public DaxOptions options() {
        return options;
    }

    /** Whose files are mapped. Once, before the first connection. */
    public void serve(DaxFiles share) {
        files = share;
    }

    // ---- The connection: control thread ----

    /** A front-end connected. */
    public void attach(SharedMemory newMemory) {
        memory = newMemory;
    }

    /** The front-end resets the device, and drops what is mapped by itself. */
    public void lose() {
        lost = true;
    }

    /** It has gone: ends the mapper. Its requests to the front-end fail by now. */
    public void detach() {
        Thread running;
        synchronized (this) {
            running = mapper;
            mapper = null;
        }
        if (running != null) {
            tasks.add(END);
            join(running);
        }
        tasks.clear();
        memory = null;
        lost = false;
        unfinished = Ranges.Unfinished.NONE;
    }

    private static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        detach();
        tails.close();
    }

    // ---- Requests: the queues' threads ----

    /** Whether the front-end has a window for us. */
    public boolean isAvailable() {
        SharedMemory m = memory;
        return m != null && m.available();
    }

    /** SETUPMAPPING; {@link FileSystem#DEFERRED} or -errno. */
    public long setup(Request r, long fileOffset, long bytes, long flags, long windowOffset) {
        if (!isAvailable()) {
            return -Errno.EOPNOTSUPP;
        }
        long mask = DaxOptions.RANGE_BYTES - 1;
        boolean known =
                (flags
                                & ~(FuseSetupmappingIn.FUSE_SETUPMAPPING_FLAG_WRITE
                                        | FuseSetupmappingIn.FUSE_SETUPMAPPING_FLAG_READ))
                        == 0;
        if (fileOffset < 0
                || (fileOffset & mask) != 0
                || fileOffset > Long.MAX_VALUE - DaxOptions.RANGE_BYTES
                || (windowOffset & mask) != 0
                || Long.compareUnsigned(windowOffset, options.windowBytes()) >= 0
                || bytes != DaxOptions.RANGE_BYTES
                || !known) {
            return -Errno.EINVAL;
        }
        int index = (int) (windowOffset >>> DaxOptions.RANGE_SHIFT);
        long nodeId = r.nodeId();
        boolean write = (flags & FuseSetupmappingIn.FUSE_SETUPMAPPING_FLAG_WRITE) != 0;
        return later(r, (all, m) -> all.setup(m, index, nodeId, fileOffset, bytes, write), NO_BODY);
    }

    /** REMOVEMAPPING of several ranges; {@link FileSystem#DEFERRED} or -errno. */
    public long remove(Request r, MemorySegment list, long at, int count) {
        if (!isAvailable()) {
            return -Errno.EOPNOTSUPP;
        }
        int[] indexes = new int[count];
        for (int i = 0; i < count; i++) {
            long one = at + (long) i * FuseRemovemappingOne.BYTES;
            long offset = FuseRemovemappingOne.moffset(list, one);
            if ((offset & DaxOptions.RANGE_BYTES - 1) != 0
                    || Long.compareUnsigned(offset, options.windowBytes()) >= 0
                    || FuseRemovemappingOne.len(list, one) != DaxOptions.RANGE_BYTES) {
                return -Errno.EINVAL;
            }
            indexes[i] = (int) (offset >>> DaxOptions.RANGE_SHIFT);
        }
        return later(
                r,
                (all, m) -> {
                    long result = 0;
                    for (int index : indexes) {
                        result = Math.min(result, all.remove(m, index));
                    }
                    return result;
                },
                NO_BODY);
    }

    /** Whether a file that is now {@code size} bytes long shows what is not mapped yet. */
    public boolean isOutgrown(long nodeId, long size) {
        Ranges.Unfinished list = unfinished;
        return list != Ranges.Unfinished.NONE && list.isOutgrown(nodeId, size);
    }

    /** Whether a change of the file's contents before {@code end} has to be followed up. */
    public boolean isConcerned(long nodeId, long end) {
        Ranges.Unfinished list = unfinished;
        return list != Ranges.Unfinished.NONE && list.isConcerned(nodeId, end);
    }

    /**
     * Brings the mappings of a file up to date and then sends the reply.
     *
     * @param byGuest it is the guest that changed the file
     * @param body of the reply, behind the header
     * @return {@link FileSystem#DEFERRED}
     */
    public long refresh(Request r, long nodeId, boolean byGuest, byte[] body) {
        return later(
                r,
                (all, m) -> {
                    long result = all.refresh(m, nodeId, byGuest);
                    if (result < 0) {
                        // The change itself is done: an error now would be a lie about it.
                        Log.LOG.warn(
                                "a mapping could not follow its file: {}", Errno.describe(-result));
                    }
                    return 0;
                },
                MemorySegment.ofArray(body));
    }

    /** A READ was served: what DAX is to save. */
    public void countRead() {
        reads.increment();
    }

    /** The session has ended: unmaps everything, in its turn. */
    public void reset() {
        synchronized (this) {
            if (mapper == null) {
                return;
            }
        }
        tasks.add(new Task(this::unmapAll, null, NO_BODY));
    }

    /** Answers DESTROY once everything is unmapped. */
    public long whenReset(Request r) {
        synchronized (this) {
            if (mapper == null) {
                return 0;
            }
        }
        return later(r, (all, m) -> 0, NO_BODY);
    }

    private long unmapAll(Ranges all, SharedMemory m) {
        int used = all.used();
        if (lost) {
            lost = false;
            all.forgetAll();
        }
        all.removeAll(m);
        // Tests read this line.
        Log.LOG.info(
                "session ends: {} ranges unmapped, {} pieces left; {} mapped and {} unmapped in"
                        + " all, {} reads",
                used,
                all.pieces(),
                all.mapped(),
                all.unmapped(),
                reads.sumThenReset());
        return 0;
    }

    private long later(Request r, Step step, MemorySegment body) {
        synchronized (this) {
            if (mapper == null) {
                DaxFiles share = files;
                if (share == null) {
                    return -Errno.EOPNOTSUPP;
                }
                Thread thread = new Thread(() -> run(share), "dax-mapper");
                thread.setDaemon(true);
                mapper = thread;
                thread.start();
            }
        }
        tasks.add(new Task(step, r.defer(), body));
        return FileSystem.DEFERRED;
    }

    // ---- The mapper ----

    private void run(DaxFiles share) {
        Ranges all = new Ranges(sys, share, tails, rangeCount());
        boolean fit = false;
        try {
            share.mapperStarted();
            fit = true;
        } catch (SyscallException e) {
            Log.LOG.error("no DAX: {}", e.getMessage());
        }
        while (true) {
            Task task = next();
            if (task.step() == null) {
                break;
            }
            boolean able = fit;
            long result = attempt(() -> able ? perform(task, all) : -Errno.EIO);
            Ranges.Unfinished list = all.unfinished();
            unfinished = list.isEmpty() ? Ranges.Unfinished.NONE : list;
            Exchange.Deferred answer = task.answer();
            if (answer != null) {
                MemorySegment body = result < 0 ? NO_BODY : task.body();
                answer.complete(result < 0 ? (int) -result : NO_ERROR, body);
            }
        }
        all.close();
        if (fit) {
            share.mapperStopped();
        }
    }

    private long perform(Task task, Ranges all) {
        SharedMemory m = memory;
        Step step = task.step();
        return m == null || step == null ? -Errno.EIO : step.run(all, m);
    }

    /** Whatever happens, the mapper lives and the guest gets an answer. */
    private static long attempt(LongSupplier work) {
        try {
            return work.getAsLong();
        } catch (RuntimeException | Error e) {
            Log.LOG.error("mapping failed", e);
            return -Errno.EIO;
        }
    }

    private Task next() {
        while (true) {
            try {
                return tasks.take();
            } catch (InterruptedException e) {
                // Nobody is to interrupt this thread; it ends by a task.
            }
        }
    }

    /** Loads SLF4J at the first message, not at start-up. */
    private static final class Log {
        static final Logger LOG = LoggerFactory.getLogger(DaxWindow.class);
    }
}
