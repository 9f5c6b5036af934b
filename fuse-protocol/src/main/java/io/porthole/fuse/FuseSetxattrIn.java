package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of SETXATTR; the name and {@code size} bytes of value follow. Without FUSE_SETXATTR_EXT
 * only the first {@link #COMPAT_BYTES} are sent. fuse.h 7.45, struct fuse_setxattr_in.
 */
public final class FuseSetxattrIn {
    public static final int SIZE = 0;
    public static final int FLAGS = SIZE + 4;
    public static final int SETXATTR_FLAGS = FLAGS + 4;
    private static final int PADDING = SETXATTR_FLAGS + 4;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 4;

    /** {@code setxattr_flags}: the ACL being set costs the file its set-group-ID. */
    public static final int FUSE_SETXATTR_ACL_KILL_SGID = 1;

    /** Length without FUSE_SETXATTR_EXT. */
    public static final int COMPAT_BYTES = SETXATTR_FLAGS;

    private FuseSetxattrIn() {}

    public static int size(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + SIZE);
    }

    public static void size(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + SIZE, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }

    public static int setxattrFlags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + SETXATTR_FLAGS);
    }

    public static void setxattrFlags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + SETXATTR_FLAGS, value);
    }
}
