package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Bit for bit the kernel's struct statx. fuse.h 7.45, struct fuse_statx. */
public final class FuseStatx {
    public static final int MASK = 0;
    public static final int BLKSIZE = MASK + 4;
    public static final int ATTRIBUTES = BLKSIZE + 4;
    public static final int NLINK = ATTRIBUTES + 8;
    public static final int UID = NLINK + 4;
    public static final int GID = UID + 4;
    public static final int MODE = GID + 4;
    private static final int SPARE0 = MODE + 2;
    public static final int INO = SPARE0 + 2;
    public static final int SIZE = INO + 8;
    public static final int BLOCKS = SIZE + 8;
    public static final int ATTRIBUTES_MASK = BLOCKS + 8;
    public static final int ATIME = ATTRIBUTES_MASK + 8;
    public static final int BTIME = ATIME + FuseSxTime.BYTES;
    public static final int CTIME = BTIME + FuseSxTime.BYTES;
    public static final int MTIME = CTIME + FuseSxTime.BYTES;
    public static final int RDEV_MAJOR = MTIME + FuseSxTime.BYTES;
    public static final int RDEV_MINOR = RDEV_MAJOR + 4;
    public static final int DEV_MAJOR = RDEV_MINOR + 4;
    public static final int DEV_MINOR = DEV_MAJOR + 4;
    private static final int SPARE2 = DEV_MINOR + 4;

    /** Size of the struct. */
    public static final int BYTES = SPARE2 + 14 * 8;

    private FuseStatx() {}

    public static int mask(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + MASK);
    }

    public static void mask(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + MASK, value);
    }

    public static int blksize(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + BLKSIZE);
    }

    public static void blksize(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + BLKSIZE, value);
    }

    public static long attributes(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + ATTRIBUTES);
    }

    public static void attributes(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + ATTRIBUTES, value);
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

    public static int mode(MemorySegment s, long at) {
        return Short.toUnsignedInt(s.get(JAVA_SHORT_UNALIGNED, at + MODE));
    }

    public static void mode(MemorySegment s, long at, int value) {
        s.set(JAVA_SHORT_UNALIGNED, at + MODE, (short) value);
    }

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

    public static long attributesMask(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + ATTRIBUTES_MASK);
    }

    public static void attributesMask(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + ATTRIBUTES_MASK, value);
    }

    public static int rdevMajor(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + RDEV_MAJOR);
    }

    public static void rdevMajor(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + RDEV_MAJOR, value);
    }

    public static int rdevMinor(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + RDEV_MINOR);
    }

    public static void rdevMinor(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + RDEV_MINOR, value);
    }

    public static int devMajor(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + DEV_MAJOR);
    }

    public static void devMajor(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + DEV_MAJOR, value);
    }

    public static int devMinor(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + DEV_MINOR);
    }

    public static void devMinor(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + DEV_MINOR, value);
    }
}
