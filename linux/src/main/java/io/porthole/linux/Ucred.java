package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** {@code struct ucred} of {@code sys/socket.h}: who is at the other end (unix(7), SO_PEERCRED). */
public final class Ucred {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_INT.withName("pid"),
                            ValueLayout.JAVA_INT.withName("uid"),
                            ValueLayout.JAVA_INT.withName("gid"))
                    .withName("ucred");

    public static final long BYTES = LAYOUT.byteSize();

    private static final long PID = Structs.offset(LAYOUT, "pid");
    private static final long UID = Structs.offset(LAYOUT, "uid");
    private static final long GID = Structs.offset(LAYOUT, "gid");

    private Ucred() {}

    public static int pid(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT_UNALIGNED, offset + PID);
    }

    public static int uid(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT_UNALIGNED, offset + UID);
    }

    public static int gid(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT_UNALIGNED, offset + GID);
    }
}
