package io.porthole.sandbox.agent;

import io.porthole.sandbox.agentprotocol.grpc.Storage;
import io.porthole.sandbox.agentprotocol.ttrpc.StatusCode;
import io.porthole.sandbox.agentprotocol.ttrpc.TtrpcException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The storages that the host asked for, by mount point. A mount point that several containers name
 * is mounted once and unmounted with the last of them. Safe for use by many threads.
 */
final class Mounts {
    static final int MNT_DETACH = 2;
    static final long MS_REMOUNT = 32;
    static final long MS_BIND = 4096;
    private static final long MS_RDONLY = 1;
    private static final long MS_REC = 16384;

    private static final Map<String, Long> FLAGS =
            Map.ofEntries(
                    Map.entry("ro", MS_RDONLY),
                    Map.entry("nosuid", 2L),
                    Map.entry("nodev", 4L),
                    Map.entry("noexec", 8L),
                    Map.entry("sync", 16L),
                    Map.entry("dirsync", 128L),
                    Map.entry("noatime", 1024L),
                    Map.entry("nodiratime", 2048L),
                    Map.entry("bind", MS_BIND),
                    Map.entry("rbind", MS_BIND | MS_REC),
                    Map.entry("relatime", 1L << 21),
                    Map.entry("strictatime", 1L << 24));

    /** Words that ask for what is the default anyway. */
    private static final List<String> DEFAULTS =
            List.of("rw", "defaults", "suid", "dev", "exec", "async", "atime", "diratime");

    private static final Map<String, Long> PROPAGATION =
            Map.of(
                    "private",
                    1L << 18,
                    "rprivate",
                    1L << 18 | MS_REC,
                    "slave",
                    1L << 19,
                    "rslave",
                    1L << 19 | MS_REC,
                    "shared",
                    1L << 20,
                    "rshared",
                    1L << 20 | MS_REC);

    private final Map<String, Integer> users = new HashMap<>();

    /**
     * Mounts a storage, or counts a further user of one that is mounted already.
     *
     * @return its mount point, to be given to {@link #release}
     * @throws TtrpcException INTERNAL with the reason where the kernel refuses
     */
    synchronized String acquire(Storage storage) throws IOException {
        String target = storage.getMountPoint();
        if (!target.startsWith("/")) {
            throw new TtrpcException(
                    StatusCode.INVALID_ARGUMENT,
                    "storage of driver " + storage.getDriver() + " has no absolute mount point");
        }
        Integer count = users.get(target);
        if (count == null) {
            mount(storage, target);
        }
        users.put(target, count == null ? 1 : count + 1);
        return target;
    }

    private static void mount(Storage storage, String target) throws IOException {
        switch (storage.getDriver()) {
            case "local" -> local(storage, Path.of(target));
            case "virtio-fs",
                    "ephemeral",
                    "bind",
                    "blk",
                    "virtio-pmem",
                    "pmem",
                    "nvdimm",
                    "overlayfs",
                    "9p" ->
                    plain(storage, target);
            default ->
                    throw new TtrpcException(
                            StatusCode.UNIMPLEMENTED,
                            "no handler for storage driver " + storage.getDriver());
        }
    }

    /** A directory in the guest, with the mode that an option names. */
    private static void local(Storage storage, Path target) throws IOException {
        Files.createDirectories(target);
        int mode = 0777;
        for (String option : storage.getOptionsList()) {
            if (option.startsWith("mode=")) {
                mode = Integer.parseInt(option.substring(5), 8);
            }
        }
        var _ = Libc.chmod(target.toString(), mode);
        own(storage, target.toString());
    }

    private static void plain(Storage storage, String target) throws IOException {
        String type = storage.getFstype();
        String source = storage.getSource();
        boolean bind = storage.getDriver().equals("bind") || type.equals("bind");
        if (bind && !Files.isDirectory(Path.of(source))) {
            Files.createDirectories(Path.of(target).toAbsolutePath().getParent());
            if (!Files.exists(Path.of(target))) {
                Files.createFile(Path.of(target));
            }
        } else {
            Files.createDirectories(Path.of(target));
        }
        if (type.equals("overlay")) {
            makeUpper(storage.getOptionsList());
        }
        Options options = Options.parse(storage.getOptionsList());
        long flags = options.flags | (bind ? MS_BIND : 0);
        check(
                storage,
                Libc.mount(
                        source.isEmpty() ? type : source,
                        target,
                        bind ? null : type,
                        flags,
                        options.data));
        if ((flags & MS_BIND) != 0 && (flags & ~(MS_BIND | MS_REC)) != 0) {
            // The kernel takes the other flags of a bind mount in a second step only.
            check(storage, Libc.mount(null, target, null, flags | MS_REMOUNT, null));
        }
        if (options.propagation != 0) {
            check(storage, Libc.mount(null, target, null, options.propagation, null));
        }
        own(storage, target);
    }

    /** The writable layer's directories, which the kernel wants to find. */
    private static void makeUpper(List<String> options) throws IOException {
        for (String option : options) {
            if (option.startsWith("upperdir=") || option.startsWith("workdir=")) {
                Files.createDirectories(Path.of(option.substring(option.indexOf('=') + 1)));
            }
        }
    }

    private static void own(Storage storage, String target) {
        if (storage.hasFsGroup()) {
            var _ = Libc.chown(target, -1, storage.getFsGroup().getGroupId());
        }
    }

    /** Applies changed options to a mounted ephemeral storage, such as a tmpfs' size. */
    synchronized void remount(Storage storage) {
        Options options = Options.parse(storage.getOptionsList());
        check(
                storage,
                Libc.mount(
                        storage.getFstype(),
                        storage.getMountPoint(),
                        storage.getFstype(),
                        options.flags | MS_REMOUNT,
                        options.data));
    }

    private static void check(Storage storage, int result) {
        if (result < 0) {
            throw new TtrpcException(
                    StatusCode.INTERNAL,
                    "cannot mount "
                            + storage.getDriver()
                            + " storage "
                            + storage.getSource()
                            + " on "
                            + storage.getMountPoint()
                            + ": "
                            + Libc.describe(-result));
        }
    }

    /**
     * Keeps a submount of the share mounted here until {@link #release}. Entered by a container
     * alone it would end with the container's mount namespace, in the middle of the last process's
     * exit: Linux 6.1 then finds inodes in use, whose RELEASE is still on its way, and panics.
     *
     * @return what is to be given back; null where the path is no mount point
     */
    synchronized @Nullable String hold(String path) throws IOException {
        // Walking through it, not looking at it, is what mounts a submount.
        if (!new File(path + "/.").isDirectory() || !isSubmount(path)) {
            return null;
        }
        users.merge(path, 1, Integer::sum);
        return path;
    }

    /** Whether a file system of a share is mounted there; nothing else is ever held. */
    private static boolean isSubmount(String path) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            if (line.contains(" " + path + " ") && line.contains(" - virtiofs ")) {
                return true;
            }
        }
        return false;
    }

    /** Gives a storage back; the last user's goes away. */
    synchronized void release(String target) {
        Integer count = users.get(target);
        if (count == null) {
            return;
        }
        if (count > 1) {
            users.put(target, count - 1);
            return;
        }
        users.remove(target);
        // An answer to this comes after those to all that was released before.
        var _ = new File(target).getTotalSpace();
        int result = Libc.umount(target, MNT_DETACH);
        if (result < 0 && result != -Libc.EINVAL) {
            Log.error("cannot unmount " + target + ": " + Libc.describe(-result), null);
        }
    }

    /** mount(8)'s words as mount(2)'s flags, and the rest as the file system's own data. */
    record Options(long flags, long propagation, @Nullable String data) {
        static Options parse(List<String> words) {
            long flags = 0;
            long propagation = 0;
            StringBuilder data = new StringBuilder();
            for (String word : words) {
                Long flag = FLAGS.get(word);
                Long spread = PROPAGATION.get(word);
                if (flag != null) {
                    flags |= flag;
                } else if (spread != null) {
                    propagation |= spread;
                } else if (!word.isEmpty() && !DEFAULTS.contains(word)) {
                    data.append(data.isEmpty() ? "" : ",").append(word);
                }
            }
            return new Options(flags, propagation, data.isEmpty() ? null : data.toString());
        }
    }
}
