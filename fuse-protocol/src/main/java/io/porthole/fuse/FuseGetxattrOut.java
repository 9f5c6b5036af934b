package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Reply of GETXATTR and LISTXATTR when asked for the length only. fuse.h 7.45, struct
 * fuse_getxattr_out.
 */
public final class FuseGetxattrOut {
    public static final int SIZE = 0;
    private static final int PADDING = SIZE + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    private FuseGetxattrOut() {}

    public static int size(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + SIZE);
    }

    public static void size(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + SIZE, value);
    }
}
