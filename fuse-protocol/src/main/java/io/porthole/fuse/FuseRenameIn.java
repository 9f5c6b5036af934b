package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of RENAME; old and new name follow. fuse.h 7.45, struct fuse_rename_in. */
public final class FuseRenameIn {
    public static final int NEWDIR = 0;

    /** Size of the struct. */
    public static final int BYTES = NEWDIR + 8;

    private FuseRenameIn() {}

    public static long newParent(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + NEWDIR);
    }

    public static void newParent(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + NEWDIR, value);
    }
}
