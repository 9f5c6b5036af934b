package io.porthole.linux;

/** File type and permission bits of {@code linux/stat.h}, and the encoding of device numbers. */
public final class StatMode {
    public static final int S_IFMT = 0xf000;
    public static final int S_IFSOCK = 0xc000;
    public static final int S_IFLNK = 0xa000;
    public static final int S_IFREG = 0x8000;
    public static final int S_IFBLK = 0x6000;
    public static final int S_IFDIR = 0x4000;
    public static final int S_IFCHR = 0x2000;
    public static final int S_IFIFO = 0x1000;
    public static final int S_ISUID = 0x800;
    public static final int S_ISGID = 0x400;
    public static final int S_ISVTX = 0x200;

    /** Owner's, group's and others' bits. */
    public static final int PERMISSIONS = 0x1ff;

    private StatMode() {}

    public static boolean isDirectory(int mode) {
        return (mode & S_IFMT) == S_IFDIR;
    }

    public static boolean isRegular(int mode) {
        return (mode & S_IFMT) == S_IFREG;
    }

    public static boolean isSymbolicLink(int mode) {
        return (mode & S_IFMT) == S_IFLNK;
    }

    /** makedev(3): the 64-bit device number of (major, minor). */
    public static long device(int major, int minor) {
        long wideMajor = Integer.toUnsignedLong(major);
        long wideMinor = Integer.toUnsignedLong(minor);
        return (wideMajor & 0xfffff000L) << 32
                | (wideMajor & 0xfffL) << 8
                | (wideMinor & 0xffffff00L) << 12
                | (wideMinor & 0xffL);
    }
}
