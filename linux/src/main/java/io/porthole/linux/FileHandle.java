package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/** {@code struct file_handle} of {@code fcntl.h}: a header and up to 128 opaque bytes behind it. */
public final class FileHandle {
    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_INT.withName("handle_bytes"),
                            ValueLayout.JAVA_INT.withName("handle_type"))
                    .withName("file_handle");

    public static final long HEADER_BYTES = LAYOUT.byteSize();
    public static final int MAX_HANDLE_SZ = 128;

    /** Room for any handle. */
    public static final long MAX_BYTES = HEADER_BYTES + MAX_HANDLE_SZ;

    private static final long HANDLE_BYTES = Structs.offset(LAYOUT, "handle_bytes");
    private static final long HANDLE_TYPE = Structs.offset(LAYOUT, "handle_type");

    private FileHandle() {}

    /** Length of the opaque bytes: set to the room before name_to_handle_at(2), read after it. */
    public static int handleBytes(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT_UNALIGNED, offset + HANDLE_BYTES);
    }

    public static void handleBytes(MemorySegment segment, long offset, int value) {
        segment.set(ValueLayout.JAVA_INT_UNALIGNED, offset + HANDLE_BYTES, value);
    }

    public static int handleType(MemorySegment segment, long offset) {
        return segment.get(ValueLayout.JAVA_INT_UNALIGNED, offset + HANDLE_TYPE);
    }
}
