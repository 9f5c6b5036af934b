package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Reply of LOOKUP, MKNOD, MKDIR, SYMLINK and LINK, and first half of the reply of CREATE and
 * TMPFILE. {@code nodeid} 0 is a negative entry, valid as long as {@code entry_valid} says. fuse.h
 * 7.45, struct fuse_entry_out.
 */
public final class FuseEntryOut {
    public static final int NODEID = 0;
    public static final int GENERATION = NODEID + 8;
    public static final int ENTRY_VALID = GENERATION + 8;
    public static final int ATTR_VALID = ENTRY_VALID + 8;
    public static final int ENTRY_VALID_NSEC = ATTR_VALID + 8;
    public static final int ATTR_VALID_NSEC = ENTRY_VALID_NSEC + 4;
    public static final int ATTR = ATTR_VALID_NSEC + 4;

    /** Size of the struct. */
    public static final int BYTES = ATTR + FuseAttr.BYTES;

    private FuseEntryOut() {}

    public static long nodeId(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + NODEID);
    }

    public static void nodeId(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + NODEID, value);
    }

    public static long generation(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + GENERATION);
    }

    public static void generation(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + GENERATION, value);
    }

    public static long entryValid(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + ENTRY_VALID);
    }

    public static void entryValid(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + ENTRY_VALID, value);
    }

    public static long attrValid(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + ATTR_VALID);
    }

    public static void attrValid(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + ATTR_VALID, value);
    }

    public static int entryValidNsec(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + ENTRY_VALID_NSEC);
    }

    public static void entryValidNsec(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + ENTRY_VALID_NSEC, value);
    }

    public static int attrValidNsec(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + ATTR_VALID_NSEC);
    }

    public static void attrValidNsec(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + ATTR_VALID_NSEC, value);
    }
}
