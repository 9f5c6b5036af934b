package io.porthole.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * Memory of this process by its address, for what every request goes through
 * (docs/adr/0032-hot-memory-by-address.md).
 *
 * <p>No address is checked here but for its sign: what is below 0 throws IndexOutOfBoundsException.
 * Whoever passes one has found that all the bytes from there on are his, for a whole structure or
 * buffer at once, and says so in a SAFETY comment; {@link #address} is the way to such an address
 * from a segment.
 */
public final class NativeMemory {
    /** The whole address space: one constant, so that compilers know what is to be checked. */
    @SuppressWarnings("restricted")
    public static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    /** The longest that is copied word by word; the JVM's own way has more to think about. */
    private static final int SHORT_BYTES = 64;

    private NativeMemory() {}

    /**
     * Where {@code bytes} bytes of a segment are.
     *
     * @param segment native memory, which stays open as long as the address is used
     * @throws IndexOutOfBoundsException if they are not all in it
     * @throws IllegalArgumentException if it is memory of the Java heap
     * @throws IllegalStateException if it is closed
     */
    public static long address(MemorySegment segment, long at, long bytes) {
        Objects.checkFromIndexSize(at, bytes, segment.byteSize());
        if (!segment.isNative()) {
            throw new IllegalArgumentException("memory of the heap has no address: " + segment);
        }
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("closed: " + segment);
        }
        return segment.address() + at;
    }

    public static long getLong(long address) {
        return ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
    }

    public static void setLong(long address, long value) {
        ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, address, value);
    }

    public static int getInt(long address) {
        return ALL.get(ValueLayout.JAVA_INT_UNALIGNED, address);
    }

    public static void setInt(long address, int value) {
        ALL.set(ValueLayout.JAVA_INT_UNALIGNED, address, value);
    }

    public static short getShort(long address) {
        return ALL.get(ValueLayout.JAVA_SHORT_UNALIGNED, address);
    }

    public static void setShort(long address, short value) {
        ALL.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, value);
    }

    /**
     * Copies between places that do not overlap. A byte may be read twice; where the guest changes
     * it meanwhile, the copy has one of the two.
     *
     * <p>Without a loop, since most pieces of a request have a few words, and compilers make more
     * of a loop than that.
     */
    @SuppressWarnings("fallthrough")
    public static void copy(long from, long to, long bytes) {
        if (bytes < Long.BYTES || bytes > SHORT_BYTES) {
            MemorySegment.copy(ALL, from, ALL, to, bytes);
            return;
        }
        int last = (int) bytes - Long.BYTES;
        setLong(to + last, getLong(from + last));
        switch ((last + Long.BYTES - 1) / Long.BYTES) {
            case 7:
                setLong(to + 48, getLong(from + 48));
            // fall through
            case 6:
                setLong(to + 40, getLong(from + 40));
            // fall through
            case 5:
                setLong(to + 32, getLong(from + 32));
            // fall through
            case 4:
                setLong(to + 24, getLong(from + 24));
            // fall through
            case 3:
                setLong(to + 16, getLong(from + 16));
            // fall through
            case 2:
                setLong(to + 8, getLong(from + 8));
            // fall through
            case 1:
                setLong(to, getLong(from));
            // fall through
            default:
        }
    }

    /** Sets {@code bytes} bytes, a multiple of 8, to 0. */
    @SuppressWarnings("fallthrough")
    public static void zero(long address, int bytes) {
        int words = bytes / Long.BYTES;
        for (; words > 18; words--) {
            setLong(address + (words - 1) * (long) Long.BYTES, 0);
        }
        switch (words) {
            case 18:
                setLong(address + 136, 0);
            // fall through
            case 17:
                setLong(address + 128, 0);
            // fall through
            case 16:
                setLong(address + 120, 0);
            // fall through
            case 15:
                setLong(address + 112, 0);
            // fall through
            case 14:
                setLong(address + 104, 0);
            // fall through
            case 13:
                setLong(address + 96, 0);
            // fall through
            case 12:
                setLong(address + 88, 0);
            // fall through
            case 11:
                setLong(address + 80, 0);
            // fall through
            case 10:
                setLong(address + 72, 0);
            // fall through
            case 9:
                setLong(address + 64, 0);
            // fall through
            case 8:
                setLong(address + 56, 0);
            // fall through
            case 7:
                setLong(address + 48, 0);
            // fall through
            case 6:
                setLong(address + 40, 0);
            // fall through
            case 5:
                setLong(address + 32, 0);
            // fall through
            case 4:
                setLong(address + 24, 0);
            // fall through
            case 3:
                setLong(address + 16, 0);
            // fall through
            case 2:
                setLong(address + 8, 0);
            // fall through
            case 1:
                setLong(address, 0);
            // fall through
            default:
        }
    }
}
