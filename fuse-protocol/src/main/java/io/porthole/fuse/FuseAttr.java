package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * The attributes of an inode. {@code rdev} is in the 32-bit form of makedev(3), {@code blocks}
 * counts 512 bytes. fuse.h 7.45, struct fuse_attr.
 */
public final class FuseAttr {
    public static final int INO = 0;
    public static final int SIZE = INO + 8;
    public static final int BLOCKS = SIZE + 8;
    public static final int ATIME = BLOCKS + 8;
    public static final int MTIME = ATIME + 8;
    public static final int CTIME = MTIME + 8;
    public static final int ATIMENSEC = CTIME + 8;
    public static final int MTIMENSEC = ATIMENSEC + 4;
    public static final int CTIMENSEC = MTIMENSEC + 4;
    public static final int MODE = CTIMENSEC + 4;
    public static final int NLINK = MODE + 4;
    public static final int UID = NLINK + 4;
    public static final int GID = UID + 4;
    public static final int RDEV = GID + 4;
    public static final int BLKSIZE = RDEV + 4;
    public static final int FLAGS = BLKSIZE + 4;

    /** Size of the struct. */
    public static final int BYTES = FLAGS + 4;

    /** {@code flags}: the directory is the root of a mount of its own. */
    public static final int FUSE_ATTR_SUBMOUNT = 1;

    /** {@code flags}: map this file through the DAX window. */
    public static final int FUSE_ATTR_DAX = 1 << 1;

    private FuseAttr() {}

    public static long ino(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + INO);
    }

    public static void ino(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + INO, value);
    }

    public static long size(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + SIZE);
    }

    public static void size(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + SIZE, value);
    }

    public static long blocks(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + BLOCKS);
    }

    public static void blocks(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + BLOCKS, value);
    }

    public static long atime(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + ATIME);
    }

    public static void atime(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + ATIME, value);
    }

    public static long mtime(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + MTIME);
    }

    public static void mtime(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + MTIME, value);
    }

    public static long ctime(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + CTIME);
    }

    public static void ctime(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + CTIME, value);
    }

    public static int atimensec(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + ATIMENSEC);
    }

    public static void atimensec(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + ATIMENSEC, value);
    }

    public static int mtimensec(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MTIMENSEC);
    }

    public static void mtimensec(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MTIMENSEC, value);
    }

    public static int ctimensec(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + CTIMENSEC);
    }

    public static void ctimensec(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + CTIMENSEC, value);
    }

    public static int mode(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MODE);
    }

    public static void mode(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MODE, value);
    }

    public static int nlink(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + NLINK);
    }

    public static void nlink(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + NLINK, value);
    }

    public static int uid(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + UID);
    }

    public static void uid(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + UID, value);
    }

    public static int gid(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + GID);
    }

    public static void gid(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + GID, value);
    }

    public static int rdev(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + RDEV);
    }

    public static void rdev(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + RDEV, value);
    }

    public static int blksize(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + BLKSIZE);
    }

    public static void blksize(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + BLKSIZE, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }
}
