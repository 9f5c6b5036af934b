package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Begins one extension of a request. {@code size} counts this header and the padding to 8 bytes.
 * With {@code type} up to {@link #FUSE_MAX_NR_SECCTX} the extension is a {@link FuseSecctxHeader}.
 * fuse.h 7.45, struct fuse_ext_header.
 */
public final class FuseExtHeader {
    public static final int SIZE = 0;
    public static final int TYPE = SIZE + 4;

    /** Size of the struct. */
    public static final int BYTES = TYPE + 4;

    /** The largest {@code type} that is a number of security contexts. */
    public static final int FUSE_MAX_NR_SECCTX = 31;

    /** {@code type} of {@link FuseSuppGroups}. */
    public static final int FUSE_EXT_GROUPS = 32;

    private FuseExtHeader() {}

    public static int size(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + SIZE);
    }

    public static void size(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + SIZE, value);
    }

    public static int type(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + TYPE);
    }

    public static void type(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + TYPE, value);
    }
}
