package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** {@code struct mount_attr} of {@code linux/mount.h} (mount_setattr(2)). */
public final class MountAttr {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_LONG.withName("attr_set"),
                            ValueLayout.JAVA_LONG.withName("attr_clr"),
                            ValueLayout.JAVA_LONG.withName("propagation"),
                            ValueLayout.JAVA_LONG.withName("userns_fd"))
                    .withName("mount_attr");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long SET = Structs.offset(LAYOUT, "attr_set");

    private MountAttr() {}

    /** Attributes to set: MOUNT_ATTR_* of {@link Mounts}. */
    public static void set(MemorySegment segment, long offset, long value) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + SET, value);
    }
}
