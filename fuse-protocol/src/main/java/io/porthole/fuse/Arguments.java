package io.porthole.fuse;

import static io.porthole.linux.Errno.EINVAL;
import static io.porthole.linux.Errno.ENAMETOOLONG;
import static io.porthole.linux.Errno.ERANGE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Walks over the strings behind a request's fixed argument, in scratch memory, without leaving
 * {@code [at, end)}. One per request thread, reused. Each step returns 0 or -errno, and leaves the
 * string it took in {@link #nameAddr()} and {@link #nameBytes()}.
 */
final class Arguments {
    /** NAME_MAX of limits.h, and XATTR_NAME_MAX. */
    static final int NAME_MAX = 255;

    private static final ValueLayout.OfLong WORD =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final long LOW_SEVEN = 0x7f7f_7f7f_7f7f_7f7fL;
    private static final long SLASHES = 0x2f2f_2f2f_2f2f_2f2fL;

    private MemorySegment in = MemorySegment.NULL;
    private int at;
    private int end;
    private int nameAt;
    private int nameBytes;
    private boolean hasSlash;

    /** Starts at {@code at}; {@code end} is behind the last byte that counts as an argument. */
    void reset(MemorySegment in, int at, int end) {
        this.in = in;
        this.at = at;
        this.end = end;
        this.nameAt = at;
        this.nameBytes = 0;
    }

    /** Offset of what has not been taken yet. */
    int at() {
        return at;
    }

    int remainingBytes() {
        return end - at;
    }

    /** Native address of the string taken last. */
    long nameAddr() {
        return in.address() + nameAt;
    }

    /** Its length without the NUL. */
    int nameBytes() {
        return nameBytes;
    }

    /** Takes any NUL-terminated string; -EINVAL if no NUL comes before the end. */
    long string() {
        int nul = scan(at);
        if (nul < 0) {
            return -EINVAL;
        }
        nameAt = at;
        nameBytes = nul - at;
        at = nul + 1;
        return 0;
    }

    /**
     * Takes the name of a directory entry: one component of a path.
     *
     * @param dots whether "." and ".." are names, too
     */
    long fileName(boolean dots) {
        long error = string();
        if (error < 0) {
            return error;
        }
        if (nameBytes == 0 || hasSlash) {
            return -EINVAL;
        }
        if (nameBytes > NAME_MAX) {
            return -ENAMETOOLONG;
        }
        return nameBytes <= 2 && !dots && isDots() ? -EINVAL : 0;
    }

    /** Takes the name of an extended attribute, which may hold any byte. */
    long attributeName() {
        long error = string();
        if (error < 0) {
            return error;
        }
        return nameBytes == 0 || nameBytes > NAME_MAX ? -ERANGE : 0;
    }

    private boolean isDots() {
        for (int i = 0; i < nameBytes; i++) {
            if (in.get(ValueLayout.JAVA_BYTE, nameAt + i) != '.') {
                return false;
            }
        }
        return true;
    }

    /**
     * Finds the first NUL from {@code from} on, eight bytes a step, and sets {@link #hasSlash} to
     * whether a '/' comes before it. The last step may look at bytes beyond the end, but takes none
     * of them for a NUL.
     *
     * @return its offset, or -1
     */
    private int scan(int from) {
        long slashes = 0;
        int i = from;
        long lastWord = Math.min(end - 1L, in.byteSize() - Long.BYTES);
        while (i <= lastWord) {
            long word = in.get(WORD, i);
            long nuls = zeroBytes(word);
            long found = zeroBytes(word ^ SLASHES);
            if (nuls != 0) {
                long first = nuls & -nuls;
                hasSlash = (slashes | (found & (first - 1))) != 0;
                int at = i + (Long.numberOfTrailingZeros(first) >>> 3);
                return at < end ? at : -1;
            }
            slashes |= found;
            i += Long.BYTES;
        }
        for (; i < end; i++) {
            byte b = in.get(ValueLayout.JAVA_BYTE, i);
            if (b == 0) {
                hasSlash = slashes != 0;
                return i;
            }
            if (b == '/') {
                slashes = 1;
            }
        }
        return -1;
    }

    /** The top bit of each byte that is zero, and no other bit. */
    private static long zeroBytes(long word) {
        return ~(((word & LOW_SEVEN) + LOW_SEVEN) | word | LOW_SEVEN);
    }
}
