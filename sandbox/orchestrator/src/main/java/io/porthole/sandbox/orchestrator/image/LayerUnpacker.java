package io.porthole.sandbox.orchestrator.image;

import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.sandbox.orchestrator.host.RootedDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * Unpacks one layer's tar into a directory of its own, in the form that overlayfs wants.
 *
 * <p>The tar is hostile. Names with ".." are refused; parents are resolved with the directory as
 * root; the last component is never followed; what stood there is replaced, not written through.
 * {@code trusted.*} attributes are dropped, for they would speak to overlayfs. Whiteouts become
 * what overlayfs knows: a character device 0/0 for a removed name, an attribute for an opaque
 * directory (OCI image specification, "layer.md"; kernel, Documentation/filesystems/overlayfs.rst).
 */
final class LayerUnpacker {
    private static final String WHITEOUT = ".wh.";
    private static final String OPAQUE = ".wh..wh..opq";
    private static final int S_IFIFO = 0010000;
    private static final int S_IFCHR = 0020000;
    private static final int S_IFBLK = 0060000;
    private static final int BUFFER_BYTES = 256 << 10;
    private static final long MAX_ENTRIES = 5_000_000;
    private static final int XATTR_VALUE_MAX = 65536;

    private final Syscalls sys = Syscalls.host();
    private final RootedDirectory root;
    private final long maxBytes;
    private final List<DirectoryTimes> directories = new ArrayList<>();
    private long bytes;

    private record DirectoryTimes(List<String> path, FileTime time) {}

    private LayerUnpacker(RootedDirectory root, long maxBytes) {
        this.root = root;
        this.maxBytes = maxBytes;
    }

    /**
     * @param tar uncompressed; read to its end
     * @param target an empty directory
     * @param maxBytes of all files together
     */
    static void unpack(InputStream tar, Path target, long maxBytes) throws IOException {
        try (RootedDirectory root = RootedDirectory.open(target);
                TarArchiveInputStream in = new TarArchiveInputStream(tar, "UTF-8")) {
            LayerUnpacker unpacker = new LayerUnpacker(root, maxBytes);
            long entries = 0;
            for (TarArchiveEntry e = in.getNextEntry(); e != null; e = in.getNextEntry()) {
                if (++entries > MAX_ENTRIES) {
                    throw new ImageException("a layer has more than " + MAX_ENTRIES + " entries");
                }
                unpacker.entry(e, in);
            }
            unpacker.finishDirectories();
            // To the stream's end, so that the caller's digest covers every byte.
            tar.transferTo(java.io.OutputStream.nullOutputStream());
        } catch (IllegalArgumentException e) {
            throw new ImageException("malformed layer: " + e.getMessage(), e);
        }
    }

    private void entry(TarArchiveEntry e, InputStream content) throws IOException {
        List<String> path;
        try {
            path = RootedDirectory.components(e.getName());
        } catch (IOException bad) {
            throw new ImageException("malformed layer: " + bad.getMessage(), bad);
        }
        if (path.isEmpty()) {
            if (e.isDirectory()) {
                try (Fd top = root.directory(path, false)) {
                    attributes(procPath(top), e);
                }
            }
            return;
        }
        String name = path.getLast();
        List<String> parents = path.subList(0, path.size() - 1);
        try (Fd parent = parent(parents, e);
                Arena arena = Arena.ofConfined()) {
            if (name.equals(OPAQUE)) {
                setXattr(procPath(parent), "trusted.overlay.opaque", new byte[] {'y'});
            } else if (name.startsWith(WHITEOUT)) {
                whiteout(parent, name.substring(WHITEOUT.length()), arena, e);
            } else {
                create(e, content, parent, name, path, arena);
            }
        } catch (SyscallException failure) {
            throw new ImageException(
                    "cannot unpack " + e.getName() + ": " + failure.getMessage(), failure);
        }
    }

    private Fd parent(List<String> parents, TarArchiveEntry e) throws IOException {
        try {
            return root.directory(parents, true);
        } catch (SyscallException failure) {
            throw new ImageException(
                    "cannot unpack " + e.getName() + ": " + failure.getMessage(), failure);
        }
    }

    private void whiteout(Fd parent, String name, Arena arena, TarArchiveEntry e)
            throws IOException {
        if (name.isEmpty() || name.equals(".") || name.equals("..") || name.startsWith(WHITEOUT)) {
            throw new ImageException("malformed whiteout: " + e.getName());
        }
        long nameAddr = NativeStrings.of(arena, name).address();
        replace(parent, nameAddr, false);
        check(sys.mknodat(parent.value(), nameAddr, S_IFCHR, 0), "mknod", e);
    }

    private void create(
            TarArchiveEntry e,
            InputStream content,
            Fd parent,
            String name,
            List<String> path,
            Arena arena)
            throws IOException {
        long nameAddr = NativeStrings.of(arena, name).address();
        boolean kept = replace(parent, nameAddr, e.isDirectory());
        // The entry's own path, with a trusted parent: "/proc/self/fd/N/name".
        String at = procPath(parent) + "/" + name;
        if (e.isDirectory()) {
            if (!kept) {
                check(sys.mkdirat(parent.value(), nameAddr, 0700), "mkdir", e);
            }
            directories.add(new DirectoryTimes(List.copyOf(path), e.getLastModifiedTime()));
        } else if (e.isSymbolicLink()) {
            long target = NativeStrings.of(arena, e.getLinkName()).address();
            check(sys.symlinkat(target, parent.value(), nameAddr), "symlink", e);
        } else if (e.isLink()) {
            hardLink(e, parent, nameAddr, arena);
            return;
        } else if (e.isFIFO()) {
            check(sys.mknodat(parent.value(), nameAddr, S_IFIFO, 0), "mkfifo", e);
        } else if (e.isCharacterDevice() || e.isBlockDevice()) {
            long device = device(e.getDevMajor(), e.getDevMinor());
            int type = e.isBlockDevice() ? S_IFBLK : S_IFCHR;
            check(sys.mknodat(parent.value(), nameAddr, type, device), "mknod", e);
        } else if (e.isFile() && !e.isSparse()) {
            regularFile(e, content, parent, nameAddr);
        } else {
            throw new ImageException("a layer has an entry of an unknown kind: " + e.getName());
        }
        attributes(at, e);
        if (!e.isDirectory()) {
            times(at, e.getLastModifiedTime());
        }
    }

    /** Removes what stands at a name; true when it is a directory and one is wanted. */
    private boolean replace(Fd parent, long nameAddr, boolean directoryWanted) throws IOException {
        long fd =
                directoryWanted
                        ? sys.openat(
                                parent.value(),
                                nameAddr,
                                Fcntl.O_PATH
                                        | Fcntl.O_DIRECTORY
                                        | Fcntl.O_NOFOLLOW
                                        | Fcntl.O_CLOEXEC,
                                0)
                        : -Errno.ENOENT;
        if (fd >= 0) {
            Fd.adopt((int) fd).close();
            return true;
        }
        long r = sys.unlinkat(parent.value(), nameAddr, 0);
        if (r == -Errno.EISDIR) {
            r = sys.unlinkat(parent.value(), nameAddr, Fcntl.AT_REMOVEDIR);
        }
        if (r < 0 && r != -Errno.ENOENT) {
            throw new SyscallException("replace", null, (int) -r);
        }
        return false;
    }

    private void hardLink(TarArchiveEntry e, Fd parent, long nameAddr, Arena arena)
            throws IOException {
        List<String> target;
        try {
            target = RootedDirectory.components(e.getLinkName());
        } catch (IOException bad) {
            throw new ImageException("malformed layer: " + bad.getMessage(), bad);
        }
        if (target.isEmpty()) {
            throw new ImageException("malformed hard link: " + e.getName());
        }
        try (Fd from = root.directory(target.subList(0, target.size() - 1), false)) {
            long fromName = NativeStrings.of(arena, target.getLast()).address();
            check(sys.linkat(from.value(), fromName, parent.value(), nameAddr, 0), "link", e);
        }
    }

    private void regularFile(TarArchiveEntry e, InputStream content, Fd parent, long nameAddr)
            throws IOException {
        bytes += Math.max(e.getSize(), 0);
        if (bytes > maxBytes) {
            throw new ImageException("a layer unpacks to more than " + maxBytes + " bytes");
        }
        long number =
                sys.openat(
                        parent.value(),
                        nameAddr,
                        Fcntl.O_WRONLY
                                | Fcntl.O_CREAT
                                | Fcntl.O_EXCL
                                | Fcntl.O_NOFOLLOW
                                | Fcntl.O_CLOEXEC,
                        0600);
        check(number, "create", e);
        try (Fd fd = Fd.adopt((int) number);
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(BUFFER_BYTES);
            byte[] chunk = new byte[BUFFER_BYTES];
            for (int n = content.read(chunk); n >= 0; n = content.read(chunk)) {
                MemorySegment.copy(chunk, 0, buffer, ValueLayout.JAVA_BYTE, 0, n);
                for (long done = 0; done < n; ) {
                    long w = sys.write(fd.value(), buffer.address() + done, n - done);
                    check(w, "write", e);
                    done += w;
                }
            }
        }
    }

    /** Owner, then extended attributes, then mode: chown clears capabilities and set-id bits. */
    private void attributes(String at, TarArchiveEntry e) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            long path = NativeStrings.of(arena, at).address();
            int nofollow =
                    at.lastIndexOf('/') > "/proc/self/fd".length() ? Fcntl.AT_SYMLINK_NOFOLLOW : 0;
            check(
                    sys.fchownat(
                            Fcntl.AT_FDCWD,
                            path,
                            (int) e.getLongUserId(),
                            (int) e.getLongGroupId(),
                            nofollow),
                    "chown",
                    e);
            for (Map.Entry<String, String> header : e.getExtraPaxHeaders().entrySet()) {
                String name = header.getKey();
                if (name.startsWith("SCHILY.xattr.")) {
                    xattr(at, name.substring("SCHILY.xattr.".length()), header.getValue());
                }
            }
            if (!e.isSymbolicLink()) {
                check(sys.fchmodat(Fcntl.AT_FDCWD, path, e.getMode() & 07777), "chmod", e);
            }
        }
    }

    private void xattr(String at, String name, String value) throws IOException {
        // Pax values are raw bytes that the reader has decoded as UTF-8: what was not UTF-8, such
        // as
        // a file capability, is lost in it and left out rather than set wrong.
        if ((name.startsWith("user.") || name.equals("security.capability"))
                && value.indexOf('\ufffd') < 0) {
            byte[] raw = value.getBytes(StandardCharsets.UTF_8);
            if (raw.length <= XATTR_VALUE_MAX) {
                setXattr(at, name, raw);
            }
        }
    }

    private void setXattr(String at, String name, byte[] value) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment raw = arena.allocate(Math.max(value.length, 1));
            MemorySegment.copy(value, 0, raw, ValueLayout.JAVA_BYTE, 0, value.length);
            long path = NativeStrings.of(arena, at).address();
            long nameAddr = NativeStrings.of(arena, name).address();
            boolean self = at.lastIndexOf('/') == "/proc/self/fd".length();
            long r =
                    self
                            ? sys.setxattr(path, nameAddr, raw.address(), value.length, 0)
                            : sys.lsetxattr(path, nameAddr, raw.address(), value.length, 0);
            if (r == -Errno.EOPNOTSUPP && !name.startsWith("trusted.")) {
                return; // The store's file system has no such attributes.
            }
            SyscallException.check(r, "setxattr " + name + " on", at);
        }
    }

    private void times(String at, FileTime time) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            Instant when = time.toInstant();
            MemorySegment times = arena.allocate(32, 8);
            for (int i = 0; i < 2; i++) {
                times.set(ValueLayout.JAVA_LONG, i * 16L, when.getEpochSecond());
                times.set(ValueLayout.JAVA_LONG, i * 16L + 8, when.getNano());
            }
            int nofollow =
                    at.lastIndexOf('/') > "/proc/self/fd".length() ? Fcntl.AT_SYMLINK_NOFOLLOW : 0;
            SyscallException.check(
                    sys.utimensat(
                            Fcntl.AT_FDCWD,
                            NativeStrings.of(arena, at).address(),
                            times.address(),
                            nofollow),
                    "utimensat",
                    at);
        }
    }

    /** Directories get their times last: making files in them has changed them. */
    private void finishDirectories() throws IOException {
        for (DirectoryTimes d : directories.reversed()) {
            try (Fd fd = root.directory(d.path, false)) {
                times(procPath(fd), d.time);
            } catch (SyscallException gone) {
                if (gone.errno() != Errno.ENOENT && gone.errno() != Errno.ENOTDIR) {
                    throw gone;
                }
            }
        }
    }

    private static String procPath(Fd fd) {
        return "/proc/self/fd/" + fd.value();
    }

    private static void check(long result, String operation, TarArchiveEntry e)
            throws SyscallException {
        SyscallException.check(result, operation, e.getName());
    }

    /** The kernel's 64-bit dev_t (glibc's gnu_dev_makedev). */
    private static long device(long major, long minor) {
        return (minor & 0xff)
                | (major & 0xfff) << 8
                | (minor & ~0xffL) << 12
                | (major & ~0xfffL) << 32;
    }
}
