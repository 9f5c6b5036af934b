package io.porthole.fuse.testing;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.porthole.fuse.Exchange;
import io.porthole.fuse.FileSystem;
import io.porthole.fuse.FuseAttrOut;
import io.porthole.fuse.FuseBmapOut;
import io.porthole.fuse.FuseEntryOut;
import io.porthole.fuse.FuseKstatfs;
import io.porthole.fuse.FuseLkIn;
import io.porthole.fuse.FuseLkOut;
import io.porthole.fuse.FuseOpenOut;
import io.porthole.fuse.FuseSetattrIn;
import io.porthole.fuse.FuseStatxOut;
import io.porthole.fuse.InitNegotiation;
import io.porthole.fuse.Request;
import io.porthole.linux.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A file system that does nothing but write down, one line a call, what it is asked, fill each
 * reply with {@link #pattern}, and answer what the test told it to.
 */
public final class RecordingFileSystem implements FileSystem {
    private final List<String> calls = new ArrayList<>();
    private long flagsToEnable;
    private long answer;
    private @Nullable RuntimeException failure;
    private boolean defers;
    private Exchange.@Nullable Deferred deferred;

    /** What it was asked since the last {@link #clear}. */
    public List<String> calls() {
        return List.copyOf(calls);
    }

    public void clear() {
        calls.clear();
        answer = 0;
        failure = null;
        defers = false;
        deferred = null;
    }

    /** INIT will ask for {@code flags}. */
    public void enable(long flags) {
        flagsToEnable = flags;
    }

    /** Calls will return {@code result}. */
    public void answer(long result) {
        answer = result;
    }

    /** Calls will throw {@code exception}. */
    public void fail(RuntimeException exception) {
        failure = exception;
    }

    /** Calls will defer their request, before they answer or fail. */
    public void defer() {
        defers = true;
    }

    /** The handle of the request that was deferred last. */
    public Exchange.@Nullable Deferred deferred() {
        return deferred;
    }

    /** What replies are filled with: 0x41, 0x42, ... for 'A', 'B', ... */
    public static byte pattern(long index) {
        return (byte) ('A' + index % 26);
    }

    private static void fill(MemorySegment out, long at, long bytes) {
        for (long i = 0; i < bytes; i++) {
            out.set(JAVA_BYTE, at + i, pattern(i));
        }
    }

    private long say(Request r, String line) {
        calls.add(
                "%s by %d:%d:%d on 0x%x".formatted(line, r.uid(), r.gid(), r.pid(), r.nodeId())
                        + (r.supplementaryGroup() == -1 ? "" : " group " + r.supplementaryGroup())
                        + (r.securityNameBytes() == 0
                                ? ""
                                : " context %s=%s"
                                        .formatted(
                                                text(r.securityNameAddr(), r.securityNameBytes()),
                                                text(
                                                        r.securityValueAddr(),
                                                        r.securityValueBytes()))));
        if (defers) {
            deferred = r.defer();
        }
        if (failure != null) {
            throw failure;
        }
        return answer;
    }

    private long say(Request r, String line, MemorySegment out, long at, int bytes) {
        long result = say(r, line);
        if (result >= 0) {
            fill(out, at, bytes);
        }
        return result;
    }

    private static String text(long addr, long bytes) {
        return new String(bytes(addr, bytes), StandardCharsets.UTF_8);
    }

    @SuppressWarnings("restricted")
    private static byte[] bytes(long addr, long bytes) {
        return MemorySegment.ofAddress(addr).reinterpret(bytes).toArray(JAVA_BYTE);
    }

    /** The name, after a look that its NUL is where it has to be. */
    private static String name(long addr, int bytes) {
        byte[] terminated = bytes(addr, bytes + 1L);
        if (terminated[bytes] != 0) {
            throw new AssertionError("the name is not NUL-terminated");
        }
        return new String(terminated, 0, bytes, StandardCharsets.UTF_8);
    }

    private static String string(long addr) {
        int length = 0;
        while (bytes(addr + length, 1)[0] != 0) {
            length++;
        }
        return name(addr, length);
    }

    @Override
    public void init(InitNegotiation init) {
        calls.add("init 7.%d offered 0x%x".formatted(init.guestMinor(), init.offered()));
        init.enable(flagsToEnable);
    }

    @Override
    public void destroy() {
        calls.add("destroy");
    }

    @Override
    public void close() {}

    @Override
    public long lookup(Request r, long nameAddr, int nameBytes, MemorySegment out, long at) {
        return say(r, "lookup " + name(nameAddr, nameBytes), out, at, FuseEntryOut.BYTES);
    }

    @Override
    public void forget(Request r, long nodeId, long count) {
        say(r, "forget 0x%x count %d".formatted(nodeId, count));
    }

    @Override
    public long getattr(Request r, long out) {
        return say(r, "getattr", NativeMemory.ALL, out, FuseAttrOut.BYTES);
    }

    @Override
    public long setattr(Request r, MemorySegment args, long argsAt, MemorySegment out, long at) {
        return say(
                r,
                "setattr valid 0x%x fh 0x%x size %d mode 0%o uid %d gid %d atime %d.%d mtime %d.%d"
                        .formatted(
                                FuseSetattrIn.valid(args, argsAt),
                                FuseSetattrIn.fh(args, argsAt),
                                FuseSetattrIn.size(args, argsAt),
                                FuseSetattrIn.mode(args, argsAt),
                                FuseSetattrIn.uid(args, argsAt),
                                FuseSetattrIn.gid(args, argsAt),
                                FuseSetattrIn.atime(args, argsAt),
                                FuseSetattrIn.atimensec(args, argsAt),
                                FuseSetattrIn.mtime(args, argsAt),
                                FuseSetattrIn.mtimensec(args, argsAt)),
                out,
                at,
                FuseAttrOut.BYTES);
    }

    @Override
    public long readlink(Request r, MemorySegment out, long at, int maxBytes) {
        return variable(r, "readlink", out, at, maxBytes);
    }

    private long variable(Request r, String line, MemorySegment out, long at, int maxBytes) {
        long result = say(r, line + " max " + maxBytes);
        fill(out, at, Math.min(result, maxBytes));
        return result;
    }

    @Override
    public long symlink(
            Request r, long nameAddr, int nameBytes, long targetAddr, MemorySegment out, long at) {
        return say(
                r,
                "symlink %s -> %s".formatted(name(nameAddr, nameBytes), string(targetAddr)),
                out,
                at,
                FuseEntryOut.BYTES);
    }

    @Override
    public long mknod(
            Request r,
            long nameAddr,
            int nameBytes,
            int mode,
            int rdev,
            int umask,
            MemorySegment out,
            long at) {
        return say(
                r,
                "mknod %s mode 0%o rdev 0x%x umask 0%o"
                        .formatted(name(nameAddr, nameBytes), mode, rdev, umask),
                out,
                at,
                FuseEntryOut.BYTES);
    }

    @Override
    public long mkdir(
            Request r,
            long nameAddr,
            int nameBytes,
            int mode,
            int umask,
            MemorySegment out,
            long at) {
        return say(
                r,
                "mkdir %s mode 0%o umask 0%o".formatted(name(nameAddr, nameBytes), mode, umask),
                out,
                at,
                FuseEntryOut.BYTES);
    }

    @Override
    public long unlink(Request r, long nameAddr, int nameBytes) {
        return say(r, "unlink " + name(nameAddr, nameBytes));
    }

    @Override
    public long rmdir(Request r, long nameAddr, int nameBytes) {
        return say(r, "rmdir " + name(nameAddr, nameBytes));
    }

    @Override
    public long rename(
            Request r,
            long nameAddr,
            int nameBytes,
            long newParent,
            long newNameAddr,
            int newNameBytes,
            int flags) {
        return say(
                r,
                "rename %s -> 0x%x %s flags 0x%x"
                        .formatted(
                                name(nameAddr, nameBytes),
                                newParent,
                                name(newNameAddr, newNameBytes),
                                flags));
    }

    @Override
    public long link(
            Request r, long oldNodeId, long nameAddr, int nameBytes, MemorySegment out, long at) {
        return say(
                r,
                "link 0x%x as %s".formatted(oldNodeId, name(nameAddr, nameBytes)),
                out,
                at,
                FuseEntryOut.BYTES);
    }

    @Override
    public long open(Request r, int flags, int openFlags, MemorySegment out, long at) {
        return say(
                r,
                "open flags 0x%x open_flags 0x%x".formatted(flags, openFlags),
                out,
                at,
                FuseOpenOut.BYTES);
    }

    @Override
    public long create(
            Request r,
            long nameAddr,
            int nameBytes,
            int flags,
            int mode,
            int umask,
            int openFlags,
            MemorySegment out,
            long entryAt,
            long openAt) {
        return born(
                r,
                "create " + name(nameAddr, nameBytes),
                flags,
                mode,
                umask,
                openFlags,
                out,
                entryAt,
                openAt);
    }

    @Override
    public long tmpfile(
            Request r,
            int flags,
            int mode,
            int umask,
            int openFlags,
            MemorySegment out,
            long entryAt,
            long openAt) {
        return born(r, "tmpfile", flags, mode, umask, openFlags, out, entryAt, openAt);
    }

    private long born(
            Request r,
            String line,
            int flags,
            int mode,
            int umask,
            int openFlags,
            MemorySegment out,
            long entryAt,
            long openAt) {
        long result =
                say(
                        r,
                        line
                                + " flags 0x%x mode 0%o umask 0%o open_flags 0x%x"
                                        .formatted(flags, mode, umask, openFlags));
        if (result >= 0) {
            fill(out, entryAt, FuseEntryOut.BYTES);
            fill(out, openAt, FuseOpenOut.BYTES);
        }
        return result;
    }

    @Override
    public long read(Request r, long fh, long offset, int bytes, int readFlags, int flags) {
        long result =
                say(
                        r,
                        "read fh 0x%x offset %d bytes %d read_flags 0x%x flags 0x%x"
                                .formatted(fh, offset, bytes, readFlags, flags));
        if (result > 0) {
            long entries = r.readPayload(0, bytes);
            byte[] data = new byte[(int) Math.min(result, bytes)];
            for (int i = 0; i < data.length; i++) {
                data[i] = pattern(i);
            }
            InMemoryExchange.fill(r.iovAddr(), entries, data);
        }
        return result;
    }

    @Override
    public long write(Request r, long fh, long offset, int bytes, int writeFlags, int flags) {
        long entries = r.writePayload(bytes);
        byte[] data = InMemoryExchange.gather(r.iovAddr(), entries);
        String shown = data.length > 32 ? data.length + " bytes" : HexFormat.of().formatHex(data);
        return say(
                r,
                "write fh 0x%x offset %d bytes %d write_flags 0x%x flags 0x%x data %s"
                        .formatted(fh, offset, bytes, writeFlags, flags, shown));
    }

    @Override
    public long flush(Request r, long fh, long lockOwner) {
        return say(r, "flush fh 0x%x owner 0x%x".formatted(fh, lockOwner));
    }

    @Override
    public long release(Request r, long fh, int flags, int releaseFlags, long lockOwner) {
        return say(
                r,
                "release fh 0x%x flags 0x%x release_flags 0x%x owner 0x%x"
                        .formatted(fh, flags, releaseFlags, lockOwner));
    }

    @Override
    public long fsync(Request r, long fh, boolean dataOnly) {
        return say(r, "fsync fh 0x%x data only %b".formatted(fh, dataOnly));
    }

    @Override
    public long opendir(Request r, int flags, MemorySegment out, long at) {
        return say(r, "opendir flags 0x%x".formatted(flags), out, at, FuseOpenOut.BYTES);
    }

    @Override
    public long readdir(
            Request r,
            long fh,
            long offset,
            boolean plus,
            MemorySegment out,
            long at,
            int maxBytes) {
        return variable(
                r,
                "readdir%s fh 0x%x offset %d".formatted(plus ? "plus" : "", fh, offset),
                out,
                at,
                maxBytes);
    }

    @Override
    public long releasedir(Request r, long fh, int flags) {
        return say(r, "releasedir fh 0x%x flags 0x%x".formatted(fh, flags));
    }

    @Override
    public long fsyncdir(Request r, long fh, boolean dataOnly) {
        return say(r, "fsyncdir fh 0x%x data only %b".formatted(fh, dataOnly));
    }

    @Override
    public long statfs(Request r, MemorySegment out, long at) {
        return say(r, "statfs", out, at, FuseKstatfs.BYTES);
    }

    @Override
    public long statx(
            Request r,
            int getattrFlags,
            long fh,
            int statxFlags,
            int mask,
            MemorySegment out,
            long at) {
        return say(
                r,
                "statx getattr_flags 0x%x fh 0x%x flags 0x%x mask 0x%x"
                        .formatted(getattrFlags, fh, statxFlags, mask),
                out,
                at,
                FuseStatxOut.BYTES);
    }

    @Override
    public long access(Request r, int mask) {
        return say(r, "access 0%o".formatted(mask));
    }

    @Override
    public long setxattr(
            Request r,
            long nameAddr,
            int nameBytes,
            long valueAddr,
            int valueBytes,
            int flags,
            int setxattrFlags) {
        return say(
                r,
                "setxattr %s=%s flags 0x%x setxattr_flags 0x%x"
                        .formatted(
                                name(nameAddr, nameBytes),
                                text(valueAddr, valueBytes),
                                flags,
                                setxattrFlags));
    }

    @Override
    public long getxattr(
            Request r, long nameAddr, int nameBytes, MemorySegment out, long at, int maxBytes) {
        return variable(r, "getxattr " + name(nameAddr, nameBytes), out, at, maxBytes);
    }

    @Override
    public long listxattr(Request r, MemorySegment out, long at, int maxBytes) {
        return variable(r, "listxattr", out, at, maxBytes);
    }

    @Override
    public long removexattr(Request r, long nameAddr, int nameBytes) {
        return say(r, "removexattr " + name(nameAddr, nameBytes));
    }

    @Override
    public long getlk(Request r, MemorySegment lock, long lockAt, MemorySegment out, long at) {
        return say(r, "getlk " + lock(lock, lockAt), out, at, FuseLkOut.BYTES);
    }

    @Override
    public long setlk(Request r, MemorySegment lock, long lockAt, boolean wait) {
        return say(r, "setlk%s %s".formatted(wait ? "w" : "", lock(lock, lockAt)));
    }

    private static String lock(MemorySegment lock, long at) {
        return "fh 0x%x owner 0x%x flags 0x%x"
                .formatted(
                        FuseLkIn.fh(lock, at),
                        FuseLkIn.owner(lock, at),
                        FuseLkIn.lkFlags(lock, at));
    }

    @Override
    public void interrupt(Request r, long unique) {
        say(r, "interrupt 0x%x".formatted(unique));
    }

    @Override
    public long bmap(Request r, long block, int blockSize, MemorySegment out, long at) {
        return say(
                r, "bmap %d blocksize %d".formatted(block, blockSize), out, at, FuseBmapOut.BYTES);
    }

    @Override
    public long ioctl(
            Request r,
            long fh,
            int flags,
            int command,
            long argument,
            long inAddr,
            int inBytes,
            MemorySegment out,
            long at,
            int maxBytes) {
        return variable(
                r,
                "ioctl fh 0x%x flags 0x%x command 0x%x argument 0x%x data %s"
                        .formatted(
                                fh,
                                flags,
                                command,
                                argument,
                                HexFormat.of().formatHex(bytes(inAddr, inBytes))),
                out,
                at,
                maxBytes);
    }

    @Override
    public long fallocate(Request r, long fh, long offset, long lengthBytes, int mode) {
        return say(
                r,
                "fallocate fh 0x%x offset %d length %d mode 0x%x"
                        .formatted(fh, offset, lengthBytes, mode));
    }

    @Override
    public long lseek(Request r, long fh, long offset, int whence) {
        return say(r, "lseek fh 0x%x offset %d whence %d".formatted(fh, offset, whence));
    }

    @Override
    public long copyFileRange(
            Request r,
            long inFh,
            long inOffset,
            long outNodeId,
            long outFh,
            long outOffset,
            long bytes,
            long flags) {
        return say(
                r,
                "copy fh 0x%x at %d to 0x%x fh 0x%x at %d bytes %d flags 0x%x"
                        .formatted(inFh, inOffset, outNodeId, outFh, outOffset, bytes, flags));
    }

    @Override
    public long syncfs(Request r) {
        return say(r, "syncfs");
    }

    @Override
    public long setupMapping(
            Request r, long fh, long fileOffset, long bytes, long flags, long windowOffset) {
        return say(
                r,
                "map fh 0x%x offset %d bytes %d flags 0x%x window 0x%x"
                        .formatted(fh, fileOffset, bytes, flags, windowOffset));
    }

    @Override
    public long removeMapping(Request r, long windowOffset, long bytes) {
        return say(r, "unmap window 0x%x bytes %d".formatted(windowOffset, bytes));
    }
}
