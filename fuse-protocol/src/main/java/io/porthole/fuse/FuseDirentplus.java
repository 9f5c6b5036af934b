package io.porthole.fuse;

/**
 * One record of READDIRPLUS; the name follows as in {@link FuseDirent}. fuse.h 7.45, struct
 * fuse_direntplus.
 */
public final class FuseDirentplus {
    public static final int ENTRY_OUT = 0;
    public static final int DIRENT = ENTRY_OUT + FuseEntryOut.BYTES;

    /** Size of the struct. */
    public static final int BYTES = DIRENT + FuseDirent.BYTES;

    private FuseDirentplus() {}
}
