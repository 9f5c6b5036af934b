package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of LINK; the new name follows. fuse.h 7.45, struct fuse_link_in. */
public final class FuseLinkIn {
    public static final int OLDNODEID = 0;

    /** Size of the struct. */
    public static final int BYTES = OLDNODEID + 8;

    private FuseLinkIn() {}

    public static long oldNodeId(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + OLDNODEID);
    }

    public static void oldNodeId(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + OLDNODEID, value);
    }
}
