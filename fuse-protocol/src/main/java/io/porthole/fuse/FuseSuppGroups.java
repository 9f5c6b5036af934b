package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Supplementary groups of the caller, behind a {@link FuseExtHeader}; {@code nr_groups} 32-bit ids
 * follow. fuse.h 7.45, struct fuse_supp_groups.
 */
public final class FuseSuppGroups {
    public static final int NR_GROUPS = 0;

    /** Size of the struct. */
    public static final int BYTES = NR_GROUPS + 4;

    private FuseSuppGroups() {}

    public static int nrGroups(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + NR_GROUPS);
    }

    public static void nrGroups(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + NR_GROUPS, value);
    }
}
