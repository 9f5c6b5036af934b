package io.porthole.virtiofsd.passthrough;

import java.util.Arrays;

/**
 * The host's mounts (and btrfs subvolumes) that requests have met, each known by a small number.
 * Entries are never removed: there are as many as the host mounted below the share.
 */
final class MountTable {
    /** Never changed once it is published: a new mount makes a new one. */
    private static final class Mounts {
        private final long[] device;
        private final long[] mountId;
        private final boolean[] local;
        private final boolean[] writable;
        private final int count;

        private Mounts(
                long[] device, long[] mountId, boolean[] local, boolean[] writable, int count) {
            this.device = device;
            this.mountId = mountId;
            this.local = local;
            this.writable = writable;
            this.count = count;
        }
    }

    private volatile Mounts mounts =
            new Mounts(new long[8], new long[8], new boolean[8], new boolean[8], 0);
    private volatile boolean allLocal = true;

    /** Returns the number of the mount, or -1 if it is not known yet. */
    int find(long device, long mountId) {
        Mounts m = mounts;
        for (int i = 0; i < m.count; i++) {
            if (m.device[i] == device && m.mountId[i] == mountId) {
                return i;
            }
        }
        return -1;
    }

    /**
     * @param local see {@link #isLocal}
     * @param writable see {@link #isWritable}
     */
    synchronized int add(long device, long mountId, boolean local, boolean writable) {
        int known = find(device, mountId);
        if (known >= 0) {
            return known;
        }
        Mounts m = mounts;
        int capacity = m.count == m.device.length ? 2 * m.count : m.device.length;
        long[] devices = Arrays.copyOf(m.device, capacity);
        long[] ids = Arrays.copyOf(m.mountId, capacity);
        boolean[] locals = Arrays.copyOf(m.local, capacity);
        boolean[] writables = Arrays.copyOf(m.writable, capacity);
        devices[m.count] = device;
        ids[m.count] = mountId;
        locals[m.count] = local;
        writables[m.count] = writable;
        // First: who finds the mount must find this changed.
        allLocal &= local;
        mounts = new Mounts(devices, ids, locals, writables, m.count + 1);
        return m.count;
    }

    /**
     * Whether close(2) does nothing for its files beyond closing: a file system of this machine,
     * not one that sends data or takes locks over a network at close.
     */
    boolean isLocal(int mount) {
        return mounts.local[mount];
    }

    /** Whether it was not mounted read-only when it was met. */
    boolean isWritable(int mount) {
        return mounts.writable[mount];
    }

    /** Whether requests have met more than one. */
    boolean areSeveral() {
        return mounts.count > 1;
    }

    /** Whether all mounts that requests have met are local. */
    boolean allLocal() {
        return allLocal;
    }

    /** statfs f_type of file systems without a flush operation (linux/magic.h). */
    static boolean isLocalType(long magic) {
        return switch ((int) magic) {
            case 0xEF53, // ext2, ext3, ext4
                    0x58465342, // xfs
                    0x9123683E, // btrfs
                    0x01021994, // tmpfs
                    0xF2F52010, // f2fs
                    0x858458f6, // ramfs
                    0x794c7630, // overlayfs
                    0x2FC12FC1, // zfs
                    0xCA451A4E, // bcachefs
                    0x73717368, // squashfs
                    0xE0F5E1E2, // erofs
                    0x9660, // iso9660
                    0x4d44 -> // vfat
                    true;
            default -> false;
        };
    }
}
