package io.porthole.fuse.testing;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.porthole.fuse.Exchange;
import io.porthole.fuse.FuseOutHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * An {@link Exchange} over plain native memory, which is as strict as a guest: a second reply, a
 * reply longer than its room or other than its header says, a byte written behind the room, all
 * throw {@link AssertionError}. Payloads come as an iovec of 4 KiB fragments that do not touch each
 * other, like guest pages.
 *
 * <p>Reused for any number of requests; allocates only in its constructor, in {@link #replyBytes}
 * and in {@link #defer}.
 */
public final class InMemoryExchange implements Exchange, AutoCloseable {
    /** Size of a fragment of request or reply, in bytes. */
    public static final int FRAGMENT_BYTES = 4096;

    private static final int HEADER_BYTES = FuseOutHeader.BYTES;
    private static final int STRIDE_BYTES = FRAGMENT_BYTES + 64;
    private static final byte CANARY = (byte) 0xC5;

    private final Arena arena = Arena.ofShared();
    private final int maxBytes;
    private final MemorySegment in = arena.allocate(IN_SCRATCH_BYTES, 4096);
    private final MemorySegment out = arena.allocate(OUT_SCRATCH_BYTES, 4096);
    private final MemorySegment request;
    private final MemorySegment room;
    private final MemorySegment iov;
    private final List<Late> late = new ArrayList<>();

    private long requestBytes;
    private long roomBytes;
    private int fetchedBytes;
    private boolean inPlace;
    private long replyBytes = -1;
    private boolean ended = true;
    private int longRequests;

    /** For requests and replies of up to {@code maxBytes}. */
    public InMemoryExchange(int maxBytes) {
        int fragments = maxBytes / FRAGMENT_BYTES + 1;
        this.maxBytes = maxBytes;
        this.request = arena.allocate((long) fragments * STRIDE_BYTES, 8);
        this.room = arena.allocate((long) fragments * STRIDE_BYTES, 8);
        this.iov = arena.allocate(16L * (fragments + 1), 8);
        room.fill(CANARY);
        in.fill(CANARY);
        out.fill(CANARY);
    }

    /** Puts a request in place, with {@code roomBytes} for its reply. */
    public void send(byte[] bytes, int roomBytes) {
        if (!ended) {
            throw new AssertionError("the request before was neither answered nor dropped");
        }
        if (bytes.length > maxBytes || roomBytes > maxBytes) {
            throw new IllegalArgumentException("more than " + maxBytes + " bytes");
        }
        for (int i = 0; i < bytes.length; i++) {
            request.set(JAVA_BYTE, place(i), bytes[i]);
        }
        // What earlier replies left behind must not look like a byte out of bounds.
        room.asSlice(0, place(Math.max(roomBytes, this.roomBytes)) + 1).fill(CANARY);
        again(bytes.length, roomBytes);
    }

    /** Puts the request that is there in place once more; does not allocate. */
    public void sendAgain() {
        again(requestBytes, roomBytes);
    }

    private void again(long requestBytes, long roomBytes) {
        this.requestBytes = requestBytes;
        this.roomBytes = roomBytes;
        this.fetchedBytes = 0;
        this.inPlace = false;
        this.replyBytes = -1;
        this.ended = false;
    }

    /** Whether a reply has come. */
    public boolean replied() {
        return replyBytes >= 0;
    }

    /** The reply, header included; empty if there was none. */
    public byte[] replyBytes() {
        byte[] bytes = new byte[(int) Math.max(0, replyBytes)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = room.get(JAVA_BYTE, place(i));
        }
        return bytes;
    }

    /** Whether the request is answered, dropped or deferred. */
    public boolean ended() {
        return ended;
    }

    /** How many requests said that they may take long. */
    public int longRequests() {
        return longRequests;
    }

    /** Requests that were deferred, in order. */
    public List<Late> late() {
        return late;
    }

    /** Throws if a byte between the fragments of the reply's room, or behind it, was written. */
    public void checkBounds() {
        for (long start = 0; start <= roomBytes; start += FRAGMENT_BYTES) {
            long usable = Math.min(FRAGMENT_BYTES, roomBytes - start);
            for (long i = usable; i < STRIDE_BYTES; i++) {
                long at = place(start) + i;
                if (room.get(JAVA_BYTE, at) != CANARY) {
                    throw new AssertionError("a byte was written outside of the room, at " + at);
                }
            }
        }
    }

    @Override
    public MemorySegment in() {
        return in;
    }

    @Override
    public long header() {
        return in.address();
    }

    @Override
    public int fetchedBytes() {
        return fetchedBytes;
    }

    @Override
    public long fetch(int bytes) {
        if (bytes > requestBytes) {
            return -22;
        }
        if (bytes > IN_SCRATCH_BYTES) {
            return -7;
        }
        while (fetchedBytes < bytes) {
            int part =
                    Math.min(bytes - fetchedBytes, FRAGMENT_BYTES - fetchedBytes % FRAGMENT_BYTES);
            MemorySegment.copy(request, place(fetchedBytes), in, fetchedBytes, part);
            fetchedBytes += part;
        }
        return 0;
    }

    @Override
    public long requestBytes() {
        return requestBytes;
    }

    @Override
    public long replyCapacityBytes() {
        return roomBytes;
    }

    @Override
    public MemorySegment out() {
        return out;
    }

    @Override
    public long body(int bytes) {
        int end = HEADER_BYTES + bytes;
        inPlace = end <= roomBytes && end <= FRAGMENT_BYTES;
        return (inPlace ? room : out).address() + HEADER_BYTES;
    }

    @Override
    public long writePayload(long offset, long bytes) {
        return layOut(request, requestBytes, offset, bytes);
    }

    @Override
    public long readPayload(long offset, long bytes) {
        return layOut(room, roomBytes, offset, bytes);
    }

    private long layOut(MemorySegment memory, long limit, long offset, long bytes) {
        if (offset < 0 || bytes < 0 || offset > limit - bytes) {
            return -22;
        }
        int entries = 0;
        while (bytes > 0) {
            long part = Math.min(bytes, FRAGMENT_BYTES - offset % FRAGMENT_BYTES);
            iov.set(JAVA_LONG, 16L * entries, memory.address() + place(offset));
            iov.set(JAVA_LONG, 16L * entries + 8, part);
            entries++;
            offset += part;
            bytes -= part;
        }
        return entries;
    }

    @Override
    public long iovAddr() {
        return iov.address();
    }

    @Override
    public void reply(int scratchBytes, long totalBytes) {
        end();
        if (totalBytes > roomBytes || scratchBytes > totalBytes) {
            throw new AssertionError(totalBytes + " bytes of reply where " + roomBytes + " fit");
        }
        int length = out.get(JAVA_INT, 0);
        if (length != totalBytes) {
            throw new AssertionError(
                    "fuse_out_header.len is " + length + ", the reply has " + totalBytes);
        }
        int copied = inPlace ? HEADER_BYTES : scratchBytes;
        int done = 0;
        while (done < copied) {
            int part = Math.min(copied - done, FRAGMENT_BYTES - done % FRAGMENT_BYTES);
            MemorySegment.copy(out, done, room, place(done), part);
            done += part;
        }
        replyBytes = totalBytes;
    }

    @Override
    public void replyNothing() {
        end();
    }

    @Override
    public void mayTakeLong() {
        longRequests++;
    }

    @Override
    public Deferred defer(long unique) {
        end();
        Late answer = new Late(unique);
        late.add(answer);
        return answer;
    }

    @Override
    public void close() {
        arena.close();
    }

    private void end() {
        if (ended) {
            throw new AssertionError("the request is answered, dropped or deferred already");
        }
        ended = true;
    }

    /** Where byte {@code index} of a request or reply lies. */
    private static long place(long index) {
        return index / FRAGMENT_BYTES * STRIDE_BYTES + index % FRAGMENT_BYTES;
    }

    /** Copies bytes into the iovec that {@code ...Payload} laid out, as preadv(2) would. */
    public static void fill(long iovAddr, long entries, byte[] bytes) {
        int done = 0;
        for (long i = 0; i < entries && done < bytes.length; i++) {
            MemorySegment part = entry(iovAddr, i);
            int size = (int) Math.min(part.byteSize(), bytes.length - done);
            MemorySegment.copy(bytes, done, part, JAVA_BYTE, 0, size);
            done += size;
        }
    }

    /** The bytes that the iovec which {@code ...Payload} laid out points to. */
    public static byte[] gather(long iovAddr, long entries) {
        int total = 0;
        for (long i = 0; i < entries; i++) {
            total += (int) entry(iovAddr, i).byteSize();
        }
        byte[] bytes = new byte[total];
        int done = 0;
        for (long i = 0; i < entries; i++) {
            MemorySegment part = entry(iovAddr, i);
            MemorySegment.copy(part, JAVA_BYTE, 0, bytes, done, (int) part.byteSize());
            done += (int) part.byteSize();
        }
        return bytes;
    }

    @SuppressWarnings("restricted")
    private static MemorySegment entry(long iovAddr, long index) {
        MemorySegment entry = MemorySegment.ofAddress(iovAddr + 16 * index).reinterpret(16);
        return entry.get(ADDRESS, 0).reinterpret(entry.get(JAVA_LONG, 8));
    }

    /** A deferred request and its answer, once it came. */
    public static final class Late implements Deferred {
        private final long unique;
        private volatile int error = -1;
        private volatile byte[] body = new byte[0];

        private Late(long unique) {
            this.unique = unique;
        }

        @Override
        public long unique() {
            return unique;
        }

        @Override
        public synchronized void complete(int error, MemorySegment body) {
            if (this.error < 0) {
                this.body = body.toArray(JAVA_BYTE);
                this.error = error;
            }
        }

        /** The errno, 0 for success, -1 as long as there is no answer. */
        public int error() {
            return error;
        }

        public byte[] body() {
            return body.clone();
        }
    }
}
