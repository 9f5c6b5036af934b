package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** One range of REMOVEMAPPING. fuse.h 7.45, struct fuse_removemapping_one. */
public final class FuseRemovemappingOne {
    public static final int MOFFSET = 0;
    public static final int LEN = MOFFSET + 8;

    /** Size of the struct. */
    public static final int BYTES = LEN + 8;

    private FuseRemovemappingOne() {}

    public static long moffset(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + MOFFSET);
    }

    public static void moffset(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + MOFFSET, value);
    }

    public static long len(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + LEN);
    }

    public static void len(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + LEN, value);
    }
}
