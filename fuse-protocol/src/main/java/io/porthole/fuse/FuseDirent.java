package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * One record of READDIR; the name follows, without NUL, padded with zeros to a multiple of 8.
 * {@code off} is where the next READDIR goes on. {@code type}: DT_* of readdir(3). fuse.h 7.45,
 * struct fuse_dirent.
 */
public final class FuseDirent {
    public static final int INO = 0;
    public static final int OFF = INO + 8;
    public static final int NAMELEN = OFF + 8;
    public static final int TYPE = NAMELEN + 4;

    /** Size of the struct. */
    public static final int BYTES = TYPE + 4;

    private FuseDirent() {}

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

    public static int namelen(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + NAMELEN);
    }

    public static void namelen(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + NAMELEN, value);
    }

    public static int type(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + TYPE);
    }

    public static void type(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + TYPE, value);
    }
}
