package io.porthole.fuse;

/** Reply of GETLK. fuse.h 7.45, struct fuse_lk_out. */
public final class FuseLkOut {
    public static final int LK = 0;

    /** Size of the struct. */
    public static final int BYTES = LK + FuseFileLock.BYTES;

    private FuseLkOut() {}
}
