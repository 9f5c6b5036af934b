package io.porthole.fuse;

import java.lang.foreign.MemorySegment;

/** Says yes to everything, writes nothing, allocates nothing. */
final class SilentFileSystem implements FileSystem {
    @Override
    public void init(InitNegotiation init) {
        init.enable(init.offered());
    }

    @Override
    public void destroy() {}

    @Override
    public void close() {}

    @Override
    public long lookup(Request r, long nameAddr, int nameBytes, MemorySegment out, long at) {
        return 0;
    }

    @Override
    public void forget(Request r, long nodeId, long count) {}

    @Override
    public long getattr(Request r, long out) {
        return 0;
    }

    @Override
    public long setattr(Request r, MemorySegment args, long argsAt, MemorySegment out, long at) {
        return 0;
    }

    @Override
    public long readlink(Request r, MemorySegment out, long at, int maxBytes) {
        return 0;
    }

    @Override
    public long symlink(
            Request r, long nameAddr, int nameBytes, long targetAddr, MemorySegment out, long at) {
        return 0;
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
        return 0;
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
        return 0;
    }

    @Override
    public long unlink(Request r, long nameAddr, int nameBytes) {
        return 0;
    }

    @Override
    public long rmdir(Request r, long nameAddr, int nameBytes) {
        return 0;
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
        return 0;
    }

    @Override
    public long link(
            Request r, long oldNodeId, long nameAddr, int nameBytes, MemorySegment out, long at) {
        return 0;
    }

    @Override
    public long open(Request r, int flags, int openFlags, MemorySegment out, long at) {
        return 0;
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
        return 0;
    }

    @Override
    public long read(Request r, long fh, long offset, int bytes, int readFlags, int flags) {
        return r.readPayload(0, bytes) < 0 ? -5 : bytes;
    }

    @Override
    public long write(Request r, long fh, long offset, int bytes, int writeFlags, int flags) {
        return r.writePayload(bytes) < 0 ? -5 : bytes;
    }

    @Override
    public long flush(Request r, long fh, long lockOwner) {
        return 0;
    }

    @Override
    public long release(Request r, long fh, int flags, int releaseFlags, long lockOwner) {
        return 0;
    }

    @Override
    public long fsync(Request r, long fh, boolean dataOnly) {
        return 0;
    }

    @Override
    public long opendir(Request r, int flags, MemorySegment out, long at) {
        return 0;
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
        return maxBytes & -8;
    }

    @Override
    public long releasedir(Request r, long fh, int flags) {
        return 0;
    }

    @Override
    public long fsyncdir(Request r, long fh, boolean dataOnly) {
        return 0;
    }

    @Override
    public long statfs(Request r, MemorySegment out, long at) {
        return 0;
    }

    @Override
    public long getxattr(
            Request r, long nameAddr, int nameBytes, MemorySegment out, long at, int maxBytes) {
        return maxBytes;
    }
}
