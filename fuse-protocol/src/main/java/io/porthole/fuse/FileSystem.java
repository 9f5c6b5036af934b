package io.porthole.fuse;

import java.lang.foreign.MemorySegment;

/**
 * The storage behind a FUSE server. One instance serves all queues of a share; methods run
 * concurrently on the request threads, one request per thread at a time.
 *
 * <p>Conventions of every operation:
 *
 * <ul>
 *   <li>The result is {@code >= 0} on success (the meaning is given with each method) or {@code
 *       -errno}. An exception is answered with EIO, logged and counted.
 *   <li>{@code nameAddr} is the native address of a NUL-terminated name in the request's scratch
 *       memory: not empty, without '/', at most 255 bytes, and neither "." nor ".." (the dispatcher
 *       refuses the rest; {@link #lookup} alone may be given "." and ".." when the guest exports by
 *       NFS). {@code nameBytes} excludes the NUL.
 *   <li>{@code (out, at)} is where the operation writes its reply struct: {@code out} is scratch,
 *       zeroed for the struct's length beforehand.
 *   <li>An operation that fills a fuse_entry_out with a non-zero nodeid has raised that inode's
 *       lookup count by one; the guest gives it back by {@link #forget}.
 *   <li>Operations that a file system lacks keep the default, ENOSYS, which makes the guest's
 *       kernel stop asking where the protocol defines so.
 * </ul>
 */
public interface FileSystem extends AutoCloseable {
    long ENOSYS = -38;

    /** Returned by an operation that called {@link Request#defer()}. */
    long DEFERRED = Long.MIN_VALUE;

    /** nodeid of the root of the share. */
    long ROOT_ID = 1;

    /** INIT: {@code init} holds what the guest offers; the file system picks from it. */
    void init(InitNegotiation init);

    /** DESTROY, or the connection's end: forget every inode, close every handle. */
    void destroy();

    /**
     * DESTROY, after {@link #destroy}: the guest may be answered. May defer while something of the
     * session is still being undone.
     */
    default long destroyed(Request r) {
        return 0;
    }

    @Override
    void close();

    /** Writes fuse_entry_out. nodeid 0 with a timeout is a negative entry. */
    long lookup(Request r, long nameAddr, int nameBytes, MemorySegment out, long at);

    /** Gives {@code count} lookups of {@code nodeId} back. No reply. */
    void forget(Request r, long nodeId, long count);

    /**
     * Writes a fuse_attr_out, all of it: it is not zeroed beforehand. The guest's fuse_getattr_in
     * is not read: an inode's attributes are the same by every handle.
     *
     * @param out native address with room for it, which may be the guest's own memory: not to be
     *     read
     */
    long getattr(Request r, long out);

    /** {@code args}: fuse_setattr_in at {@code argsAt}; writes fuse_attr_out. */
    long setattr(Request r, MemorySegment args, long argsAt, MemorySegment out, long at);

    /** Writes the target, without NUL; returns its length in bytes. */
    long readlink(Request r, MemorySegment out, long at, int maxBytes);

    /** Writes fuse_entry_out. {@code targetAddr}: NUL-terminated, may hold any other byte. */
    long symlink(
            Request r, long nameAddr, int nameBytes, long targetAddr, MemorySegment out, long at);

    long mknod(
            Request r,
            long nameAddr,
            int nameBytes,
            int mode,
            int rdev,
            int umask,
            MemorySegment out,
            long at);

    long mkdir(
            Request r,
            long nameAddr,
            int nameBytes,
            int mode,
            int umask,
            MemorySegment out,
            long at);

    long unlink(Request r, long nameAddr, int nameBytes);

    long rmdir(Request r, long nameAddr, int nameBytes);

    /** RENAME and RENAME2. {@code flags}: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT. */
    long rename(
            Request r,
            long nameAddr,
            int nameBytes,
            long newParent,
            long newNameAddr,
            int newNameBytes,
            int flags);

    /** Writes fuse_entry_out of the inode {@code oldNodeId}, linked below the request's nodeid. */
    long link(Request r, long oldNodeId, long nameAddr, int nameBytes, MemorySegment out, long at);

    /** {@code flags}: the guest's O_*; {@code openFlags}: FUSE_OPEN_*. Writes fuse_open_out. */
    long open(Request r, int flags, int openFlags, MemorySegment out, long at);

    /** Writes fuse_entry_out at {@code entryAt} and fuse_open_out at {@code openAt}. */
    long create(
            Request r,
            long nameAddr,
            int nameBytes,
            int flags,
            int mode,
            int umask,
            int openFlags,
            MemorySegment out,
            long entryAt,
            long openAt);

    /** O_TMPFILE: as {@link #create}, without a name. */
    default long tmpfile(
            Request r,
            int flags,
            int mode,
            int umask,
            int openFlags,
            MemorySegment out,
            long entryAt,
            long openAt) {
        return ENOSYS;
    }

    /**
     * Puts up to {@code bytes} at {@code offset} of the file into {@code r.readPayload(0, bytes)}.
     *
     * @param readFlags FUSE_READ_*
     * @param flags the guest's O_*
     * @return bytes read; fewer than asked means end of file
     */
    long read(Request r, long fh, long offset, int bytes, int readFlags, int flags);

    /**
     * Takes {@code bytes} from {@code r.writePayload(bytes)}.
     *
     * @param writeFlags FUSE_WRITE_*
     * @param flags the guest's O_*
     * @return bytes written
     */
    long write(Request r, long fh, long offset, int bytes, int writeFlags, int flags);

    default long flush(Request r, long fh, long lockOwner) {
        return ENOSYS;
    }

    long release(Request r, long fh, int flags, int releaseFlags, long lockOwner);

    long fsync(Request r, long fh, boolean dataOnly);

    long opendir(Request r, int flags, MemorySegment out, long at);

    /**
     * Writes fuse_dirent records (READDIR) or fuse_direntplus records (READDIRPLUS, each with a
     * lookup counted as in {@link #lookup}, but "." and ".." which have nodeid 0).
     *
     * @return bytes written, 0 at the end
     */
    long readdir(
            Request r,
            long fh,
            long offset,
            boolean plus,
            MemorySegment out,
            long at,
            int maxBytes);

    long releasedir(Request r, long fh, int flags);

    long fsyncdir(Request r, long fh, boolean dataOnly);

    /** Writes fuse_kstatfs. */
    long statfs(Request r, MemorySegment out, long at);

    default long statx(
            Request r,
            int getattrFlags,
            long fh,
            int statxFlags,
            int mask,
            MemorySegment out,
            long at) {
        return ENOSYS;
    }

    default long access(Request r, int mask) {
        return ENOSYS;
    }

    /** {@code setxattrFlags}: FUSE_SETXATTR_* (0 where SETXATTR_EXT was not negotiated). */
    default long setxattr(
            Request r,
            long nameAddr,
            int nameBytes,
            long valueAddr,
            int valueBytes,
            int flags,
            int setxattrFlags) {
        return ENOSYS;
    }

    /**
     * With {@code maxBytes} 0 returns the value's size and writes nothing, else writes the value
     * and returns its length.
     */
    default long getxattr(
            Request r, long nameAddr, int nameBytes, MemorySegment out, long at, int maxBytes) {
        return ENOSYS;
    }

    /** As {@link #getxattr}, for the list of NUL-terminated names. */
    default long listxattr(Request r, MemorySegment out, long at, int maxBytes) {
        return ENOSYS;
    }

    default long removexattr(Request r, long nameAddr, int nameBytes) {
        return ENOSYS;
    }

    /** GETLK: {@code lock} is the fuse_lk_in at {@code lockAt}; writes fuse_lk_out. */
    default long getlk(Request r, MemorySegment lock, long lockAt, MemorySegment out, long at) {
        return ENOSYS;
    }

    /** SETLK, and SETLKW when {@code wait}, which must not block: it defers. */
    default long setlk(Request r, MemorySegment lock, long lockAt, boolean wait) {
        return ENOSYS;
    }

    /** The guest gave up waiting for the request {@code unique}. */
    default void interrupt(Request r, long unique) {}

    default long bmap(Request r, long block, int blockSize, MemorySegment out, long at) {
        return ENOSYS;
    }

    /**
     * {@code inAddr}/{@code inBytes}: the caller's data; the result's data goes to {@code (out,
     * at)}.
     *
     * @return bytes of output data
     */
    default long ioctl(
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
        return ENOSYS;
    }

    default long fallocate(Request r, long fh, long offset, long lengthBytes, int mode) {
        return ENOSYS;
    }

    /** Returns the new offset. */
    default long lseek(Request r, long fh, long offset, int whence) {
        return ENOSYS;
    }

    /** COPY_FILE_RANGE and COPY_FILE_RANGE_64; returns bytes copied. */
    default long copyFileRange(
            Request r,
            long inFh,
            long inOffset,
            long outNodeId,
            long outFh,
            long outOffset,
            long bytes,
            long flags) {
        return ENOSYS;
    }

    default long syncfs(Request r) {
        return ENOSYS;
    }

    /** {@code flags}: FUSE_SETUPMAPPING_FLAG_*. */
    default long setupMapping(
            Request r, long fh, long fileOffset, long bytes, long flags, long windowOffset) {
        return ENOSYS;
    }

    default long removeMapping(Request r, long windowOffset, long bytes) {
        return ENOSYS;
    }

    /**
     * All ranges of a REMOVEMAPPING: {@code count} fuse_removemapping_one in {@code ranges} from
     * {@code at} on. Stops at the first that cannot be removed.
     */
    default long removeMappings(Request r, MemorySegment ranges, long at, int count) {
        for (int i = 0; i < count; i++) {
            long one = at + (long) i * FuseRemovemappingOne.BYTES;
            long offset = FuseRemovemappingOne.moffset(ranges, one);
            long result = removeMapping(r, offset, FuseRemovemappingOne.len(ranges, one));
            if (result < 0) {
                return result;
            }
        }
        return 0;
    }
}
