package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of FORGET. fuse.h 7.45, struct fuse_forget_in. */
public final class FuseForgetIn {
    public static final int NLOOKUP = 0;

    /** Size of the struct. */
    public static final int BYTES = NLOOKUP + 8;

    private FuseForgetIn() {}

    public static long nlookup(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + NLOOKUP);
    }

    public static void nlookup(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + NLOOKUP, value);
    }
}
