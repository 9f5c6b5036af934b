package io.porthole.linux;

/** Constants of {@code sys/mount.h}. */
public final class Mounts {
    public static final int MS_RDONLY = 1;
    public static final int MS_NOSUID = 2;
    public static final int MS_NODEV = 4;
    public static final int MS_NOEXEC = 8;
    public static final int MS_REMOUNT = 0x20;
    public static final int MS_NOATIME = 0x400;
    public static final int MS_BIND = 0x1000;
    public static final int MS_MOVE = 0x2000;
    public static final int MS_REC = 0x4000;
    public static final int MS_UNBINDABLE = 0x20000;
    public static final int MS_PRIVATE = 0x40000;
    public static final int MS_SLAVE = 0x80000;
    public static final int MS_SHARED = 0x100000;
    public static final int MS_RELATIME = 0x200000;

    public static final int MNT_FORCE = 1;
    public static final int MNT_DETACH = 2;
    public static final int UMOUNT_NOFOLLOW = 8;

    // open_tree(2), mount_setattr(2); OPEN_TREE_CLOEXEC is O_CLOEXEC.
    public static final int OPEN_TREE_CLONE = 1;
    public static final int MOUNT_ATTR_RDONLY = 1;
    public static final int AT_RECURSIVE = 0x8000;

    private Mounts() {}
}
