package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Reply of GETATTR and SETATTR. fuse.h 7.45, struct fuse_attr_out. */
public final class FuseAttrOut {
    public static final int ATTR_VALID = 0;
    public static final int ATTR_VALID_NSEC = ATTR_VALID + 8;
    private static final int DUMMY = ATTR_VALID_NSEC + 4;
    public static final int ATTR = DUMMY + 4;

    /** Size of the struct. */
    public static final int BYTES = ATTR + FuseAttr.BYTES;

    private FuseAttrOut() {}

    public static long attrValid(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + ATTR_VALID);
    }

    public static void attrValid(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + ATTR_VALID, value);
    }

    public static int attrValidNsec(MemorySegment s, long at) {
        return s.get(JAVA_INT_UNALIGNED, at + ATTR_VALID_NSEC);
    }

    public static void attrValidNsec(MemorySegment s, long at, int value) {
        s.set(JAVA_INT_UNALIGNED, at + ATTR_VALID_NSEC, value);
    }
}
