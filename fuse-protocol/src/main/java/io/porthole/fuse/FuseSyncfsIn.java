package io.porthole.fuse;

/** Argument of SYNCFS. fuse.h 7.45, struct fuse_syncfs_in. */
public final class FuseSyncfsIn {
    private static final int PADDING = 0;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 8;

    private FuseSyncfsIn() {}
}
