package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Body of the notification NOTIFY_INVAL_INODE; {@code off} negative: the attributes only. fuse.h
 * 7.45, struct fuse_notify_inval_inode_out.
 */
public final class FuseNotifyInvalInodeOut {
    public static final int INO = 0;
    public static final int OFF = INO + 8;
    public static final int LEN = OFF + 8;

    /** Size of the struct. */
    public static final int BYTES = LEN + 8;

    private FuseNotifyInvalInodeOut() {}

    public static long ino(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + INO);
    }

    public static void ino(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + INO, value);
    }

    public static long off(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + OFF);
    }

    public static void off(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + OFF, value);
    }

    public static long len(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + LEN);
    }

    public static void len(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + LEN, value);
    }
}
