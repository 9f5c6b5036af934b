package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** {@code struct open_how} of {@code linux/openat2.h}. */
public final class OpenHow {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_LONG.withName("flags"),
                            ValueLayout.JAVA_LONG.withName("mode"),
                            ValueLayout.JAVA_LONG.withName("resolve"))
                    .withName("open_how");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long FLAGS = Structs.offset(LAYOUT, "flags");
    private static final long MODE = Structs.offset(LAYOUT, "mode");
    private static final long RESOLVE = Structs.offset(LAYOUT, "resolve");

    public static final long RESOLVE_NO_XDEV = 1;
    public static final long RESOLVE_NO_MAGICLINKS = 2;
    public static final long RESOLVE_NO_SYMLINKS = 4;
    public static final long RESOLVE_BENEATH = 8;
    public static final long RESOLVE_IN_ROOT = 0x10;
    public static final long RESOLVE_CACHED = 0x20;

    private OpenHow() {}

    /** {@code mode} must be 0 unless {@code flags} create a file. */
    public static void set(
            MemorySegment segment, long offset, long flags, long mode, long resolve) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + FLAGS, flags);
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + MODE, mode);
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + RESOLVE, resolve);
    }
}
