package io.porthole.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** {@code struct sockaddr_un} of {@code sys/un.h} (unix(7)). */
public final class SockaddrUn {
    private static final int PATH_BYTES = 108;

    public static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                            ValueLayout.JAVA_SHORT.withName("sun_family"),
                            MemoryLayout.sequenceLayout(PATH_BYTES, ValueLayout.JAVA_BYTE)
                                    .withName("sun_path"))
                    .withName("sockaddr_un");

    public static final long BYTES = LAYOUT.byteSize();

    /** The longest path, its NUL not counted. */
    public static final int MAX_PATH_BYTES = PATH_BYTES - 1;

    private static final long FAMILY = Structs.offset(LAYOUT, "sun_family");
    private static final long PATH = Structs.offset(LAYOUT, "sun_path");

    private SockaddrUn() {}

    /** The address of the socket at {@code path}; refuses one that does not fit. */
    static MemorySegment of(SegmentAllocator allocator, String path) throws SyscallException {
        byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > MAX_PATH_BYTES) {
            throw new SyscallException(
                    "socket path of " + bytes.length + " bytes (at most " + MAX_PATH_BYTES + ")",
                    path,
                    Errno.ENAMETOOLONG);
        }
        if (bytes.length == 0 || path.indexOf('\0') >= 0) {
            throw new SyscallException("socket path", '"' + path + '"', Errno.EINVAL);
        }
        MemorySegment segment = allocator.allocate(LAYOUT);
        segment.fill((byte) 0);
        segment.set(ValueLayout.JAVA_SHORT, FAMILY, (short) Sockets.AF_UNIX);
        segment.asSlice(PATH).asByteBuffer().put(bytes);
        return segment;
    }
}
