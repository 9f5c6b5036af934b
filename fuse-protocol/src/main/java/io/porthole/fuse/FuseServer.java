package io.porthole.fuse;

import static io.porthole.linux.Errno.E2BIG;
import static io.porthole.linux.Errno.EINVAL;
import static io.porthole.linux.Errno.EIO;
import static io.porthole.linux.Errno.ENOSYS;
import static io.porthole.linux.Errno.EPROTO;

import io.porthole.linux.NativeMemory;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves one share: takes requests from any number of queues, checks them, calls the {@link
 * FileSystem} and sends the replies.
 *
 * <p>Safe for use by many threads, each with its own {@link Exchange} and {@link Request}. Nothing
 * allocates on the way of a request, but for INIT, DESTROY, deferred ones and failures.
 */
public final class FuseServer {
    /**
     * Where the argument begins in {@link Exchange#in()}, and the body in {@link Exchange#out()}.
     */
    static final int ARGUMENT = FuseInHeader.BYTES;

    static final int BODY = FuseOutHeader.BYTES;

    /** The kernel takes a reply with an error beyond this for a broken one. */
    private static final long LARGEST_ERRNO = 511;

    private final FileSystem fileSystem;
    private final Operations operations;
    private final @Nullable ServerObserver observer;
    private final ServerCounters counters = new ServerCounters();

    /** What INIT agreed on, or null before INIT and after DESTROY. Written under this monitor. */
    private volatile @Nullable InitNegotiation session;

    /** A server of {@code fileSystem} that nobody observes. The file system stays the caller's. */
    public FuseServer(FileSystem fileSystem) {
        this(fileSystem, null);
    }

    public FuseServer(FileSystem fileSystem, @Nullable ServerObserver observer) {
        this.fileSystem = fileSystem;
        this.operations = new Operations(fileSystem, observer != null);
        this.observer = observer;
    }

    public ServerCounters counters() {
        return counters;
    }

    /** What INIT agreed on; null before INIT and after DESTROY. */
    public @Nullable InitNegotiation session() {
        return session;
    }

    /**
     * Serves the request in {@code x}; when it returns, the request is answered, dropped or
     * deferred. Throws only what the exchange itself throws while the reply is sent.
     *
     * @return as {@link ServerObserver#served} is told
     */
    public long dispatch(Exchange x, Request r) {
        ServerObserver watching = observer;
        if (watching == null) {
            return serve(x, r);
        }
        long start = System.nanoTime();
        r.watch(watching, start);
        long result = serve(x, r);
        watching.served(Opcode.of(r.opcode()), r, x, result, System.nanoTime() - start);
        return result;
    }

    /** The connection is gone: as DESTROY, if there was an INIT. No request may be under way. */
    public synchronized void endSession() {
        if (session != null) {
            session = null;
            fileSystem.destroy();
        }
    }

    private long serve(Exchange x, Request r) {
        long deliveredBytes = x.requestBytes();
        if (deliveredBytes < FuseInHeader.BYTES || x.fetch(FuseInHeader.BYTES) < 0) {
            r.beginWithoutHeader();
            counters.malformed.increment();
            x.replyNothing();
            return -EINVAL;
        }
        // SAFETY: there is a whole header, and it was fetched.
        r.begin(x.header());
        Opcode opcode = Opcode.of(r.opcode());
        long roomBytes = x.replyCapacityBytes();
        if (opcode == null) {
            counters.unknown.increment();
            return roomBytes < BODY ? unanswerable(x) : replyError(x, r, -ENOSYS);
        }
        if (opcode.hasReply() && roomBytes < BODY) {
            return unanswerable(x);
        }
        long result = prepare(x, r, opcode, deliveredBytes, roomBytes);
        if (result < 0) {
            counters.malformed.increment();
        } else {
            result = execute(x, r, opcode, (int) result, roomBytes);
        }
        return finish(x, r, opcode, result);
    }

    /**
     * Checks lengths, completes the scratch copy and points the request's arguments at what follows
     * the fixed one.
     *
     * @return the length of everything behind the header but extensions, or -errno
     */
    private long prepare(
            Exchange x, Request r, Opcode opcode, long deliveredBytes, long roomBytes) {
        long bytes = r.claimedBytes();
        if (bytes != deliveredBytes) {
            return -EINVAL;
        }
        long end = bytes - r.extensionBytes();
        if (end < ARGUMENT + opcode.argumentBytes()) {
            return -EINVAL;
        }
        if (opcode.replyBodyBytes() > roomBytes - BODY && opcode.hasReply()) {
            return -EINVAL;
        }
        if (opcode == Opcode.GETATTR && observer == null) {
            // FileSystem.getattr takes no argument; an observer may show it.
            return 0;
        }
        if (opcode == Opcode.WRITE) {
            // The payload stays where it is; its length fits an int by the check in Operations.
            long error = x.fetch(ARGUMENT + FuseWriteIn.BYTES);
            return error < 0 ? error : Math.min(end - ARGUMENT, Integer.MAX_VALUE);
        }
        if (bytes > Integer.MAX_VALUE) {
            return -E2BIG;
        }
        if (bytes > x.fetchedBytes()) {
            long error = x.fetch((int) bytes);
            if (error < 0) {
                return error;
            }
        }
        r.arguments().reset(x.in(), ARGUMENT + opcode.argumentBytes(), (int) end);
        return end - ARGUMENT;
    }

    /** Runs the operation: body bytes of the reply, {@link FileSystem#DEFERRED}, or -errno. */
    private long execute(Exchange x, Request r, Opcode opcode, int argumentBytes, long roomBytes) {
        try {
            if (opcode == Opcode.INIT) {
                return init(x, argumentBytes, roomBytes - BODY);
            }
            InitNegotiation agreed = session;
            if (agreed == null) {
                return -EIO;
            }
            if (opcode == Opcode.DESTROY) {
                endSession();
                return fileSystem.destroyed(r);
            }
            if (opcode.takesLong()) {
                x.mayTakeLong();
            }
            int fixedBytes = opcode.replyBodyBytes();
            // FileSystem.getattr writes the whole of its reply.
            if (fixedBytes != 0 && opcode != Opcode.GETATTR) {
                zero(x.out(), fixedBytes);
            }
            return operations.run(opcode, agreed, x, r, argumentBytes, roomBytes - BODY);
        } catch (Throwable failure) {
            failed(opcode, r, failure);
            return -EIO;
        }
    }

    /** Sends what {@code result} says, and makes it what an observer is told. */
    private long finish(Exchange x, Request r, Opcode opcode, long result) {
        Exchange.Deferred deferred = r.deferred();
        if (deferred != null) {
            if (result != FileSystem.DEFERRED) {
                // The transport gave the request away: only the handle can answer it now.
                deferred.complete(result < 0 ? errno(result) : EIO, MemorySegment.NULL);
            }
            return result;
        }
        if (!opcode.hasReply()) {
            x.replyNothing();
            return Math.min(result, 0);
        }
        if (result < 0) {
            if (result < -LARGEST_ERRNO) {
                counters.failures.increment();
            }
            return replyError(x, r, -errno(result));
        }
        writeHeader(x, r, BODY + result, 0);
        x.reply(opcode == Opcode.READ ? BODY : (int) (BODY + result), BODY + result);
        return r.dataBytes() >= 0 ? r.dataBytes() : result;
    }

    private static long replyError(Exchange x, Request r, long error) {
        writeHeader(x, r, BODY, error);
        x.reply(BODY, BODY);
        return error;
    }

    private static void writeHeader(Exchange x, Request r, long bytes, long error) {
        // SAFETY: native memory of the exchange's own, longer than that. Two fields to a word.
        long to = x.out().address();
        NativeMemory.setLong(to + FuseOutHeader.LEN, (bytes & 0xffff_ffffL) | error << 32);
        NativeMemory.setLong(to + FuseOutHeader.UNIQUE, r.unique());
    }

    private long unanswerable(Exchange x) {
        counters.unanswerable.increment();
        x.replyNothing();
        return -EINVAL;
    }

    /** A positive errno that the kernel accepts; EIO for what is none. */
    private static int errno(long result) {
        return result >= -LARGEST_ERRNO ? (int) -result : EIO;
    }

    /**
     * INIT. A guest that was reset sends it again without a DESTROY: the old session ends here.
     * After an answer to a newer major version the kernel sends INIT again, too.
     */
    private synchronized long init(Exchange x, int argumentBytes, long roomBytes) {
        InitNegotiation offer = InitNegotiation.decode(x.in(), ARGUMENT, argumentBytes);
        if (!offer.isSupported() && !offer.isNewerMajor()) {
            return -EPROTO;
        }
        if ((offer.isSupported() && argumentBytes < FuseInitIn.COMPAT_BYTES)
                || offer.replyBytes() > roomBytes) {
            return -EINVAL;
        }
        endSession();
        MemorySegment out = x.out();
        zero(out, FuseInitOut.BYTES);
        if (offer.isSupported()) {
            fileSystem.init(offer);
            if (offer.isRefused()) {
                return -EPROTO;
            }
            int bytes = offer.encode(out, BODY);
            session = offer;
            return bytes;
        }
        return offer.encode(out, BODY);
    }

    private static void zero(MemorySegment out, int bodyBytes) {
        NativeMemory.zero(NativeMemory.address(out, BODY, bodyBytes), bodyBytes);
    }

    private void failed(Opcode opcode, Request r, Throwable failure) {
        counters.failures.increment();
        long count = counters.failures();
        // A guest may be able to provoke it at will: the log must not grow with its patience.
        if (count <= 16 || Long.bitCount(count) == 1) {
            Log.LOG.error(
                    "{} unique={} nodeid={} failed in the file system (failure {})",
                    opcode,
                    r.unique(),
                    r.nodeId(),
                    count,
                    failure);
        }
    }

    /** Loads SLF4J at the first message, not at start-up. */
    private static final class Log {
        static final Logger LOG = LoggerFactory.getLogger(FuseServer.class);
    }
}
