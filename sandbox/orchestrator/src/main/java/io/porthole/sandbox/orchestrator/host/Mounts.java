package io.porthole.sandbox.orchestrator.host;

import io.porthole.linux.Errno;
import io.porthole.linux.Fd;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Mounts in this process's mount namespace (mount(2)). */
public final class Mounts {
    static final long MS_RDONLY = 0x1;
    private static final long MS_NOSUID = 0x2;
    private static final long MS_NODEV = 0x4;
    private static final long MS_NOEXEC = 0x8;
    private static final long MS_REMOUNT = 0x20;
    private static final long MS_NOATIME = 0x400;
    private static final long MS_NODIRATIME = 0x800;
    private static final long MS_BIND = 0x1000;
    private static final long MS_REC = 0x4000;
    private static final long MS_PRIVATE = 1 << 18;
    private static final long MS_SHARED = 1 << 20;
    private static final long MS_RELATIME = 1 << 21;
    private static final int MNT_DETACH = 2;
    private static final int UMOUNT_NOFOLLOW = 8;

    private final Syscalls sys;

    public Mounts(Syscalls sys) {
        this.sys = sys;
    }

    /** Shows {@code source} and what is mounted below it at {@code target}. */
    public void bind(Path source, Path target, boolean readOnly) throws IOException {
        mount(source, target, null, MS_BIND | MS_REC, null);
        // What is mounted here later must not appear where the source came from.
        mount(null, target, null, MS_PRIVATE | MS_REC, null);
        if (readOnly) {
            for (Entry entry : below(target)) {
                // A remount sets all flags anew: what the source's mount forbade stays forbidden.
                mount(
                        null,
                        entry.target(),
                        null,
                        MS_REMOUNT | MS_BIND | MS_RDONLY | entry.flags(),
                        null);
            }
        }
    }

    /** Makes a directory a mount of its own whose later submounts reach other namespaces. */
    public void makeShared(Path directory) throws IOException {
        mount(directory, directory, null, MS_BIND, null);
        mount(null, directory, null, MS_PRIVATE, null);
        mount(null, directory, null, MS_SHARED, null);
    }

    /**
     * An overlay of read-only layers below a writable one.
     *
     * @param lowers lowest first; at least one
     */
    public void overlay(List<Path> lowers, Path upper, Path work, Path target) throws IOException {
        List<Fd> open = new ArrayList<>();
        try {
            List<String> names = new ArrayList<>();
            for (Path lower : lowers.reversed()) {
                names.add(through(lower, open));
            }
            // By descriptor: a path may contain what the option string cannot, and many layers'
            // paths would not fit into its 4096 bytes.
            String options =
                    "lowerdir="
                            + String.join(":", names)
                            + ",upperdir="
                            + through(upper, open)
                            + ",workdir="
                            + through(work, open)
                            + ",index=off,xino=off";
            mountNamed("porthole", target, "overlay", MS_NODEV, options);
            mount(null, target, null, MS_PRIVATE, null);
        } finally {
            open.forEach(Fd::close);
        }
    }

    private String through(Path directory, List<Fd> open) throws IOException {
        Fd fd = RootedDirectory.openPath(sys, directory);
        open.add(fd);
        return "/proc/self/fd/" + fd.value();
    }

    /** Unmounts everything at and below a path, the youngest first; fine when nothing is there. */
    public void unmountBelow(Path top) throws IOException {
        for (Entry entry : below(top).reversed()) {
            try (Arena arena = Arena.ofConfined()) {
                long r =
                        sys.umount2(
                                NativeStrings.of(arena, entry.target().toString()).address(),
                                MNT_DETACH | UMOUNT_NOFOLLOW);
                if (r != -Errno.EINVAL && r != -Errno.ENOENT) {
                    SyscallException.check(r, "umount", entry.target());
                }
            }
        }
    }

    /** The mounts at and below a path, oldest first. */
    public static List<Entry> below(Path top) throws IOException {
        List<Entry> found = new ArrayList<>();
        for (Entry entry :
                parse(Files.readString(Path.of("/proc/self/mountinfo"), StandardCharsets.UTF_8))) {
            if (entry.target().startsWith(top)) {
                found.add(entry);
            }
        }
        return found;
    }

    static List<Entry> parse(String mountinfo) {
        List<Entry> entries = new ArrayList<>();
        for (String line : mountinfo.split("\n", -1)) {
            String[] fields = line.split(" ", -1);
            if (fields.length >= 6) {
                entries.add(new Entry(Path.of(unescape(fields[4])), flags(fields[5])));
            }
        }
        return entries;
    }

    /** Blanks and backslashes are written as three octal digits (proc(5)). */
    private static String unescape(String field) {
        if (field.indexOf('\\') < 0) {
            return field;
        }
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < field.length(); i++) {
            char c = field.charAt(i);
            if (c == '\\' && i + 3 < field.length()) {
                out.append((char) Integer.parseInt(field.substring(i + 1, i + 4), 8));
                i += 3;
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static long flags(String options) {
        long flags = 0;
        for (String option : options.split(",", -1)) {
            flags |=
                    switch (option) {
                        case "ro" -> MS_RDONLY;
                        case "nosuid" -> MS_NOSUID;
                        case "nodev" -> MS_NODEV;
                        case "noexec" -> MS_NOEXEC;
                        case "noatime" -> MS_NOATIME;
                        case "nodiratime" -> MS_NODIRATIME;
                        case "relatime" -> MS_RELATIME;
                        default -> 0;
                    };
        }
        return flags;
    }

    private void mount(
            @Nullable Path source,
            Path target,
            @Nullable String type,
            long flags,
            @Nullable String data)
            throws IOException {
        mountNamed(source == null ? null : source.toString(), target, type, flags, data);
    }

    private void mountNamed(
            @Nullable String source,
            Path target,
            @Nullable String type,
            long flags,
            @Nullable String data)
            throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            long r =
                    sys.mount(
                            address(arena, source),
                            address(arena, target.toString()),
                            address(arena, type),
                            flags,
                            address(arena, data));
            SyscallException.check(r, "mount " + (type == null ? "" : type + " ") + "at", target);
        }
    }

    private static long address(Arena arena, @Nullable String text) {
        return text == null ? 0 : NativeStrings.of(arena, text).address();
    }

    /**
     * One line of /proc/self/mountinfo.
     *
     * @param flags MS_* of its per-mount options
     */
    public record Entry(Path target, long flags) {
        public boolean readOnly() {
            return (flags & MS_RDONLY) != 0;
        }
    }
}
