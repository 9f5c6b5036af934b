package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** One entry of BATCH_FORGET. fuse.h 7.45, struct fuse_forget_one. */
public final class FuseForgetOne {
    public static final int NODEID = 0;
    public static final int NLOOKUP = NODEID + 8;

    /** Size of the struct. */
    public static final int BYTES = NLOOKUP + 8;

    private FuseForgetOne() {}

    public static long nodeId(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + NODEID);
    }

    public static void nodeId(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + NODEID, value);
    }

    public static long nlookup(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + NLOOKUP);
    }

    public static void nlookup(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + NLOOKUP, value);
    }
}
