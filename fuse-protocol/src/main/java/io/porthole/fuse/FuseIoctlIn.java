package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of IOCTL; {@code in_size} bytes of data follow. fuse.h 7.45, struct fuse_ioctl_in. */
public final class FuseIoctlIn {
    public static final int FH = 0;
    public static final int FLAGS = FH + 8;
    public static final int CMD = FLAGS + 4;
    public static final int ARG = CMD + 4;
    public static final int IN_SIZE = ARG + 8;
    public static final int OUT_SIZE = IN_SIZE + 4;

    /** Size of the struct. */
    public static final int BYTES = OUT_SIZE + 4;

    /** {@code flags}: a 32-bit caller on a 64-bit kernel. */
    public static final int FUSE_IOCTL_COMPAT = 1;

    /** {@code flags}: sizes are not those that the command encodes; a retry is possible. */
    public static final int FUSE_IOCTL_UNRESTRICTED = 1 << 1;

    /** {@code flags} of the reply: ask again with these buffers. */
    public static final int FUSE_IOCTL_RETRY = 1 << 2;

    /** {@code flags}: a 32-bit call. */
    public static final int FUSE_IOCTL_32BIT = 1 << 3;

    /** {@code flags}: on a directory. */
    public static final int FUSE_IOCTL_DIR = 1 << 4;

    /** {@code flags}: an x32 caller, with a 64-bit time_t. */
    public static final int FUSE_IOCTL_COMPAT_X32 = 1 << 5;

    private FuseIoctlIn() {}

    public static long fh(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + FH);
    }

    public static void fh(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + FH, value);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + FLAGS);
    }

    public static void flags(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + FLAGS, value);
    }

    public static int cmd(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + CMD);
    }

    public static void cmd(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + CMD, value);
    }

    public static long arg(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + ARG);
    }

    public static void arg(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + ARG, value);
    }

    public static int inSize(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + IN_SIZE);
    }

    public static void inSize(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + IN_SIZE, value);
    }

    public static int outSize(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + OUT_SIZE);
    }

    public static void outSize(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + OUT_SIZE, value);
    }
}
