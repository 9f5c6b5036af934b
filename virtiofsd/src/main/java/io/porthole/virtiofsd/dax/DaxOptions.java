package io.porthole.virtiofsd.dax;

/**
 * Which files the guest is to map, and through how large a window.
 *
 * @param mode which files
 * @param windowBytes size of the window: a power of two, {@link #MIN_WINDOW_BYTES} to {@link
 *     #MAX_WINDOW_BYTES}
 * @param minimumBytes with {@link Mode#INODE}, the size from which on a file is mapped
 */
public record DaxOptions(Mode mode, long windowBytes, long minimumBytes) {
    /** Which files get FUSE_ATTR_DAX. A guest that mounts with dax=always does not look at it. */
    public enum Mode {
        /** None, and no window. */
        NEVER,
        /** Those of at least {@link #minimumBytes} whose size is a whole number of pages. */
        INODE,
        /** All regular files. */
        ALWAYS
    }

    /** What Linux maps at a time (FUSE_DAX_SZ). */
    public static final int RANGE_SHIFT = 21;

    public static final long RANGE_BYTES = 1L << RANGE_SHIFT;
    public static final long PAGE_BYTES = 4096;

    /** One range. */
    public static final long MIN_WINDOW_BYTES = RANGE_BYTES;

    /** With two pieces a range and the guest's memory this fills QEMU's 512 regions. */
    public static final long MAX_WINDOW_BYTES = 512L << 20;

    /** 128 ranges: QEMU's cost of a mapping grows with their number. */
    public static final long DEFAULT_WINDOW_BYTES = 256L << 20;

    /** Below it a request or two are cheaper than a mapping, and the window holds more. */
    public static final long DEFAULT_MINIMUM_BYTES = 1L << 20;

    /** No DAX. */
    public static final DaxOptions NEVER =
            new DaxOptions(Mode.NEVER, DEFAULT_WINDOW_BYTES, DEFAULT_MINIMUM_BYTES);

    /** Whether a file of this size is to be mapped. */
    public boolean wants(long fileBytes) {
        return switch (mode) {
            case NEVER -> false;
            case INODE -> fileBytes >= minimumBytes && (fileBytes & PAGE_BYTES - 1) == 0;
            case ALWAYS -> true;
        };
    }

    /** What is wrong with the size of a window, or an empty string. */
    public static String problemOf(long windowBytes) {
        if (Long.bitCount(windowBytes) != 1) {
            return "is not a power of two, as QEMU wants the memory of a device's region";
        }
        if (windowBytes < MIN_WINDOW_BYTES) {
            return "is less than the 2M that a guest maps at a time";
        }
        if (windowBytes > MAX_WINDOW_BYTES) {
            return "is more than 512M: QEMU has 512 memory regions, and each 2M mapped takes one or"
                    + " two";
        }
        return "";
    }
}
