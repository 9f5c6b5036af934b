package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Begins every request. {@code len} counts this header, the arguments, the payload and the
 * extensions; {@code total_extlen} counts the extensions, in units of 8 bytes. fuse.h 7.45, struct
 * fuse_in_header.
 */
public final class FuseInHeader {
    public static final int LEN = 0;
    public static final int OPCODE = LEN + 4;
    public static final int UNIQUE = OPCODE + 4;
    public static final int NODEID = UNIQUE + 8;
    public static final int UID = NODEID + 8;
    public static final int GID = UID + 4;
    public static final int PID = GID + 4;
    public static final int TOTAL_EXTLEN = PID + 4;
    private static final int PADDING = TOTAL_EXTLEN + 2;

    /** Size of the struct. */
    public static final int BYTES = PADDING + 2;

    /** Set in {@code unique} of a request that the kernel sends a second time. */
    public static final long FUSE_UNIQUE_RESEND = 1L << 63;

    /** {@code uid} or {@code gid} that an idmapped mount could not map. */
    public static final int FUSE_INVALID_UIDGID = -1;

    private FuseInHeader() {}

    public static int len(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + LEN);
    }

    public static void len(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + LEN, value);
    }

    public static int opcode(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + OPCODE);
    }

    public static void opcode(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + OPCODE, value);
    }

    public static long unique(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + UNIQUE);
    }

    public static void unique(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + UNIQUE, value);
    }

    public static long nodeId(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + NODEID);
    }

    public static void nodeId(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + NODEID, value);
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

    public static int pid(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + PID);
    }

    public static void pid(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + PID, value);
    }

    public static int totalExtlen(MemorySegment s, long at) {
        return Short.toUnsignedInt(s.get(JAVA_SHORT_UNALIGNED, at + TOTAL_EXTLEN));
    }

    public static void totalExtlen(MemorySegment s, long at, int value) {
        s.set(JAVA_SHORT_UNALIGNED, at + TOTAL_EXTLEN, (short) value);
    }
}
