package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Argument of SETATTR; {@code valid} tells which of the fields count. fuse.h 7.45, struct
 * fuse_setattr_in.
 */
public final class FuseSetattrIn {
    public static final int VALID = 0;
    private static final int PADDING = VALID + 4;
    public static final int FH = PADDING + 4;
    public static final int SIZE = FH + 8;
    public static final int LOCK_OWNER = SIZE + 8;
    public static final int ATIME = LOCK_OWNER + 8;
    public static final int MTIME = ATIME + 8;
    public static final int CTIME = MTIME + 8;
    public static final int ATIMENSEC = CTIME + 8;
    public static final int MTIMENSEC = ATIMENSEC + 4;
    public static final int CTIMENSEC = MTIMENSEC + 4;
    public static final int MODE = CTIMENSEC + 4;
    private static final int UNUSED4 = MODE + 4;
    public static final int UID = UNUSED4 + 4;
    public static final int GID = UID + 4;
    private static final int UNUSED5 = GID + 4;

    /** Size of the struct. */
    public static final int BYTES = UNUSED5 + 4;

    /** {@code mode} is to be set. */
    public static final int FATTR_MODE = 1;

    /** {@code uid} is to be set. */
    public static final int FATTR_UID = 1 << 1;

    /** {@code gid} is to be set. */
    public static final int FATTR_GID = 1 << 2;

    /** {@code size} is to be set. */
    public static final int FATTR_SIZE = 1 << 3;

    /** {@code atime} is to be set. */
    public static final int FATTR_ATIME = 1 << 4;

    /** {@code mtime} is to be set. */
    public static final int FATTR_MTIME = 1 << 5;

    /** {@code fh} is an open handle of the file. */
    public static final int FATTR_FH = 1 << 6;

    /** With FATTR_ATIME: the host's present time instead. */
    public static final int FATTR_ATIME_NOW = 1 << 7;

    /** With FATTR_MTIME: the host's present time instead. */
    public static final int FATTR_MTIME_NOW = 1 << 8;

    /** {@code lock_owner} is valid. */
    public static final int FATTR_LOCKOWNER = 1 << 9;

    /** {@code ctime} is to be set (writeback cache only). */
    public static final int FATTR_CTIME = 1 << 10;

    /** Clear set-user-ID and set-group-ID, the caller lacks CAP_FSETID. */
    public static final int FATTR_KILL_SUIDGID = 1 << 11;

    private FuseSetattrIn() {}

    public static int valid(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + VALID);
    }

    public static void valid(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + VALID, value);
    }

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static long size(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + SIZE);
    }

    public static void size(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + SIZE, value);
    }

    public static long lockOwner(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + LOCK_OWNER);
    }

    public static void lockOwner(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + LOCK_OWNER, value);
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
}
