package io.porthole.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** Argument of INTERRUPT. fuse.h 7.45, struct fuse_interrupt_in. */
public final class FuseInterruptIn {
    public static final int UNIQUE = 0;

    /** Size of the struct. */
    public static final int BYTES = UNIQUE + 8;

    private FuseInterruptIn() {}

    public static long unique(MemorySegment s, long at) {
        return s.get(JAVA_LONG_UNALIGNED, at + UNIQUE);
    }

    public static void unique(MemorySegment s, long at, long value) {
        s.set(JAVA_LONG_UNALIGNED, at + UNIQUE, value);
    }
}
