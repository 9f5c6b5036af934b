package io.porthole.fuse;

import static io.porthole.fuse.FuseServer.ARGUMENT;
import static io.porthole.fuse.FuseServer.BODY;
import static io.porthole.linux.Errno.EINVAL;
import static io.porthole.linux.Errno.ENAMETOOLONG;
import static io.porthole.linux.Errno.ENOENT;
import static io.porthole.linux.Errno.ENOSYS;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * One method per operation: takes its arguments apart, calls the file system, and returns the body
 * bytes of the reply or -errno. Fixed arguments are known to be there, and room for the fixed reply
 * is; names and everything variable is checked here.
 *
 * <p>Stateless but for the file system, so shared by all request threads.
 */
final class Operations {
    /** PATH_MAX of limits.h, without the NUL. */
    private static final int LONGEST_TARGET = 4095;

    /** What one read(2) or copy_file_range(2) moves at most; fits the 32 bits of a reply. */
    private static final long MAX_RW_COUNT = 0x7fff_f000L;

    private final FileSystem fs;
    private final boolean observed;

    /**
     * @param observed whether someone looks at replies in {@link Exchange#out()}
     */
    Operations(FileSystem fs, boolean observed) {
        this.fs = fs;
        this.observed = observed;
    }

    /**
     * @param session what INIT agreed on
     * @param argumentBytes length of everything behind the header, without extensions
     * @param roomBytes room for the reply's body
     */
    long run(
            Opcode opcode,
            InitNegotiation session,
            Exchange x,
            Request r,
            int argumentBytes,
            long roomBytes) {
        MemorySegment in = x.in();
        MemorySegment out = x.out();
        Arguments a = r.arguments();
        return switch (opcode) {
            case LOOKUP -> lookup(session, r, a, out);
            case FORGET -> forget(r, in);
            case GETATTR -> getattr(x, r);
            case SETATTR -> reply(fs.setattr(r, in, ARGUMENT, out, BODY), FuseAttrOut.BYTES);
            case READLINK -> readlink(r, out, roomBytes);
            case SYMLINK -> symlink(session, r, a, in, out);
            case MKNOD -> mknod(session, r, a, in, out);
            case MKDIR -> mkdir(session, r, a, in, out);
            case UNLINK -> unlink(r, a);
            case RMDIR -> rmdir(r, a);
            case RENAME -> rename(r, a, in, 0);
            case RENAME2 -> rename(r, a, in, FuseRename2In.flags(in, ARGUMENT));
            case LINK -> link(r, a, in, out);
            case OPEN -> open(r, in, out);
            case READ -> read(r, in, roomBytes);
            case WRITE -> write(r, in, out, argumentBytes);
            case STATFS -> reply(fs.statfs(r, out, BODY), FuseKstatfs.BYTES);
            case RELEASE -> release(r, in);
            case FSYNC -> reply(fs.fsync(r, FuseFsyncIn.fh(in, ARGUMENT), dataOnly(in)), 0);
            case SETXATTR -> setxattr(session, r, a, in);
            case GETXATTR -> getxattr(r, a, in, out, roomBytes);
            case LISTXATTR -> listxattr(r, in, out, roomBytes);
            case REMOVEXATTR -> removexattr(r, a);
            case FLUSH -> flush(r, in);
            case OPENDIR -> opendir(r, in, out);
            case READDIR -> readdir(r, in, out, roomBytes, false);
            case READDIRPLUS -> readdir(r, in, out, roomBytes, true);
            case RELEASEDIR -> releasedir(r, in);
            case FSYNCDIR -> reply(fs.fsyncdir(r, FuseFsyncIn.fh(in, ARGUMENT), dataOnly(in)), 0);
            case GETLK -> reply(fs.getlk(r, in, ARGUMENT, out, BODY), FuseLkOut.BYTES);
            case SETLK -> reply(fs.setlk(r, in, ARGUMENT, false), 0);
            case SETLKW -> reply(fs.setlk(r, in, ARGUMENT, true), 0);
            case ACCESS -> reply(fs.access(r, FuseAccessIn.mask(in, ARGUMENT)), 0);
            case CREATE -> create(session, r, a, in, out);
            case TMPFILE -> tmpfile(session, r, a, in, out);
            case INTERRUPT -> interrupt(r, in);
            case BMAP -> bmap(r, in, out);
            case IOCTL -> ioctl(r, a, in, out, roomBytes);
            case POLL -> -ENOSYS;
            // We never retrieve pages from the guest's cache, so there is nothing to match.
            case NOTIFY_REPLY -> -ENOSYS;
            case BATCH_FORGET -> batchForget(r, a, in);
            case FALLOCATE -> fallocate(r, in);
            case LSEEK -> lseek(r, in, out);
            case COPY_FILE_RANGE -> copyFileRange(r, in, out);
            case COPY_FILE_RANGE_64 -> copyFileRange64(r, in, out);
            case SETUPMAPPING -> setupMapping(r, in);
            case REMOVEMAPPING -> removeMapping(r, a, in);
            case SYNCFS -> reply(fs.syncfs(r), 0);
            case STATX -> statx(r, in, out);
            // The server keeps these two for itself.
            case INIT, DESTROY -> throw new IllegalStateException(opcode.name());
        };
    }

    private long lookup(InitNegotiation session, Request r, Arguments a, MemorySegment out) {
        long error = a.fileName(session.isEnabled(InitFlags.FUSE_EXPORT_SUPPORT));
        return error < 0
                ? error
                : reply(fs.lookup(r, a.nameAddr(), a.nameBytes(), out, BODY), FuseEntryOut.BYTES);
    }

    private long forget(Request r, MemorySegment in) {
        fs.forget(r, r.nodeId(), FuseForgetIn.nlookup(in, ARGUMENT));
        return 0;
    }

    private long batchForget(Request r, Arguments a, MemorySegment in) {
        long count = Integer.toUnsignedLong(FuseBatchForgetIn.count(in, ARGUMENT));
        if (count * FuseForgetOne.BYTES > a.remainingBytes()) {
            return -EINVAL;
        }
        int at = a.at();
        for (long i = 0; i < count; i++, at += FuseForgetOne.BYTES) {
            fs.forget(r, FuseForgetOne.nodeId(in, at), FuseForgetOne.nlookup(in, at));
        }
        return 0;
    }

    private long getattr(Exchange x, Request r) {
        // SAFETY: the scratch is longer than that.
        long to = observed ? x.out().address() + BODY : x.body(FuseAttrOut.BYTES);
        return reply(fs.getattr(r, to), FuseAttrOut.BYTES);
    }

    private long statx(Request r, MemorySegment in, MemorySegment out) {
        return reply(
                fs.statx(
                        r,
                        FuseStatxIn.getattrFlags(in, ARGUMENT),
                        FuseStatxIn.fh(in, ARGUMENT),
                        FuseStatxIn.sxFlags(in, ARGUMENT),
                        FuseStatxIn.sxMask(in, ARGUMENT),
                        out,
                        BODY),
                FuseStatxOut.BYTES);
    }

    private long readlink(Request r, MemorySegment out, long roomBytes) {
        int most = (int) Math.min(roomBytes, LONGEST_TARGET);
        return bounded(fs.readlink(r, out, BODY, most), most);
    }

    private long symlink(
            InitNegotiation session, Request r, Arguments a, MemorySegment in, MemorySegment out) {
        long error = a.fileName(false);
        if (error < 0) {
            return error;
        }
        long nameAddr = a.nameAddr();
        int nameBytes = a.nameBytes();
        error = a.string();
        if (error < 0) {
            return error;
        }
        if (a.nameBytes() == 0) {
            return -ENOENT;
        }
        if (a.nameBytes() > LONGEST_TARGET) {
            return -ENAMETOOLONG;
        }
        long targetAddr = a.nameAddr();
        error = extensions(session, r, a, in);
        return error < 0
                ? error
                : reply(
                        fs.symlink(r, nameAddr, nameBytes, targetAddr, out, BODY),
                        FuseEntryOut.BYTES);
    }

    private long mknod(
            InitNegotiation session, Request r, Arguments a, MemorySegment in, MemorySegment out) {
        long error = createdName(session, r, a, in);
        return error < 0
                ? error
                : reply(
                        fs.mknod(
                                r,
                                a.nameAddr(),
                                a.nameBytes(),
                                FuseMknodIn.mode(in, ARGUMENT),
                                FuseMknodIn.rdev(in, ARGUMENT),
                                FuseMknodIn.umask(in, ARGUMENT),
                                out,
                                BODY),
                        FuseEntryOut.BYTES);
    }

    private long mkdir(
            InitNegotiation session, Request r, Arguments a, MemorySegment in, MemorySegment out) {
        long error = createdName(session, r, a, in);
        return error < 0
                ? error
                : reply(
                        fs.mkdir(
                                r,
                                a.nameAddr(),
                                a.nameBytes(),
                                FuseMkdirIn.mode(in, ARGUMENT),
                                FuseMkdirIn.umask(in, ARGUMENT),
                                out,
                                BODY),
                        FuseEntryOut.BYTES);
    }

    private long unlink(Request r, Arguments a) {
        long error = a.fileName(false);
        return error < 0 ? error : reply(fs.unlink(r, a.nameAddr(), a.nameBytes()), 0);
    }

    private long rmdir(Request r, Arguments a) {
        long error = a.fileName(false);
        return error < 0 ? error : reply(fs.rmdir(r, a.nameAddr(), a.nameBytes()), 0);
    }

    private long rename(Request r, Arguments a, MemorySegment in, int flags) {
        long error = a.fileName(false);
        if (error < 0) {
            return error;
        }
        long nameAddr = a.nameAddr();
        int nameBytes = a.nameBytes();
        error = a.fileName(false);
        if (error < 0) {
            return error;
        }
        // newdir comes first in fuse_rename2_in, too.
        long newParent = FuseRenameIn.newParent(in, ARGUMENT);
        return reply(
                fs.rename(r, nameAddr, nameBytes, newParent, a.nameAddr(), a.nameBytes(), flags),
                0);
    }

    private long link(Request r, Arguments a, MemorySegment in, MemorySegment out) {
        long error = a.fileName(false);
        long oldNodeId = FuseLinkIn.oldNodeId(in, ARGUMENT);
        return error < 0
                ? error
                : reply(
                        fs.link(r, oldNodeId, a.nameAddr(), a.nameBytes(), out, BODY),
                        FuseEntryOut.BYTES);
    }

    private long open(Request r, MemorySegment in, MemorySegment out) {
        int flags = FuseOpenIn.flags(in, ARGUMENT);
        int openFlags = FuseOpenIn.openFlags(in, ARGUMENT);
        return reply(fs.open(r, flags, openFlags, out, BODY), FuseOpenOut.BYTES);
    }

    private long opendir(Request r, MemorySegment in, MemorySegment out) {
        int flags = FuseOpenIn.flags(in, ARGUMENT);
        return reply(fs.opendir(r, flags, out, BODY), FuseOpenOut.BYTES);
    }

    private long create(
            InitNegotiation session, Request r, Arguments a, MemorySegment in, MemorySegment out) {
        long error = createdName(session, r, a, in);
        return error < 0
                ? error
                : reply(
                        fs.create(
                                r,
                                a.nameAddr(),
                                a.nameBytes(),
                                FuseCreateIn.flags(in, ARGUMENT),
                                FuseCreateIn.mode(in, ARGUMENT),
                                FuseCreateIn.umask(in, ARGUMENT),
                                FuseCreateIn.openFlags(in, ARGUMENT),
                                out,
                                BODY,
                                BODY + FuseEntryOut.BYTES),
                        FuseEntryOut.BYTES + FuseOpenOut.BYTES);
    }

    private long tmpfile(
            InitNegotiation session, Request r, Arguments a, MemorySegment in, MemorySegment out) {
        // The kernel's name for it is "/", which is not to be looked at but has to be passed over.
        long error = a.string();
        if (error == 0) {
            error = extensions(session, r, a, in);
        }
        return error < 0
                ? error
                : reply(
                        fs.tmpfile(
                                r,
                                FuseCreateIn.flags(in, ARGUMENT),
                                FuseCreateIn.mode(in, ARGUMENT),
                                FuseCreateIn.umask(in, ARGUMENT),
                                FuseCreateIn.openFlags(in, ARGUMENT),
                                out,
                                BODY,
                                BODY + FuseEntryOut.BYTES),
                        FuseEntryOut.BYTES + FuseOpenOut.BYTES);
    }

    private long read(Request r, MemorySegment in, long roomBytes) {
        long fh = FuseReadIn.fh(in, ARGUMENT);
        long offset = FuseReadIn.offset(in, ARGUMENT);
        if (offset < 0) {
            return -EINVAL;
        }
        int most = (int) Math.min(size(FuseReadIn.size(in, ARGUMENT), roomBytes), MAX_RW_COUNT);
        int readFlags = FuseReadIn.readFlags(in, ARGUMENT);
        int flags = FuseReadIn.flags(in, ARGUMENT);
        return bounded(fs.read(r, fh, offset, most, readFlags, flags), most);
    }

    private long write(Request r, MemorySegment in, MemorySegment out, int argumentBytes) {
        long fh = FuseWriteIn.fh(in, ARGUMENT);
        long offset = FuseWriteIn.offset(in, ARGUMENT);
        int bytes = FuseWriteIn.size(in, ARGUMENT);
        // Also refuses a size beyond an int: it is negative here.
        if (offset < 0 || bytes != argumentBytes - FuseWriteIn.BYTES) {
            return -EINVAL;
        }
        int writeFlags = FuseWriteIn.writeFlags(in, ARGUMENT);
        int flags = FuseWriteIn.flags(in, ARGUMENT);
        long written = bounded(fs.write(r, fh, offset, bytes, writeFlags, flags), bytes);
        if (written < 0) {
            return written;
        }
        FuseWriteOut.size(out, BODY, (int) written);
        r.dataBytes(written);
        return FuseWriteOut.BYTES;
    }

    private long flush(Request r, MemorySegment in) {
        return reply(
                fs.flush(r, FuseFlushIn.fh(in, ARGUMENT), FuseFlushIn.lockOwner(in, ARGUMENT)), 0);
    }

    private long release(Request r, MemorySegment in) {
        return reply(
                fs.release(
                        r,
                        FuseReleaseIn.fh(in, ARGUMENT),
                        FuseReleaseIn.flags(in, ARGUMENT),
                        FuseReleaseIn.releaseFlags(in, ARGUMENT),
                        FuseReleaseIn.lockOwner(in, ARGUMENT)),
                0);
    }

    private long releasedir(Request r, MemorySegment in) {
        long fh = FuseReleaseIn.fh(in, ARGUMENT);
        return reply(fs.releasedir(r, fh, FuseReleaseIn.flags(in, ARGUMENT)), 0);
    }

    private long readdir(
            Request r, MemorySegment in, MemorySegment out, long roomBytes, boolean plus) {
        long fh = FuseReadIn.fh(in, ARGUMENT);
        long offset = FuseReadIn.offset(in, ARGUMENT);
        int most = scratchSize(FuseReadIn.size(in, ARGUMENT), roomBytes);
        return bounded(fs.readdir(r, fh, offset, plus, out, BODY, most), most);
    }

    private long setxattr(InitNegotiation session, Request r, Arguments a, MemorySegment in) {
        int setxattrFlags = 0;
        if (session.isEnabled(InitFlags.FUSE_SETXATTR_EXT)) {
            if (a.remainingBytes() < FuseSetxattrIn.BYTES - FuseSetxattrIn.COMPAT_BYTES) {
                return -EINVAL;
            }
            setxattrFlags = FuseSetxattrIn.setxattrFlags(in, ARGUMENT);
            a.reset(in, ARGUMENT + FuseSetxattrIn.BYTES, a.at() + a.remainingBytes());
        }
        long error = a.attributeName();
        if (error < 0) {
            return error;
        }
        long valueBytes = Integer.toUnsignedLong(FuseSetxattrIn.size(in, ARGUMENT));
        if (valueBytes > a.remainingBytes()) {
            return -EINVAL;
        }
        int flags = FuseSetxattrIn.flags(in, ARGUMENT);
        return reply(
                fs.setxattr(
                        r,
                        a.nameAddr(),
                        a.nameBytes(),
                        in.address() + a.at(),
                        (int) valueBytes,
                        flags,
                        setxattrFlags),
                0);
    }

    private long getxattr(
            Request r, Arguments a, MemorySegment in, MemorySegment out, long roomBytes) {
        long error = a.attributeName();
        if (error < 0) {
            return error;
        }
        int asked = FuseGetxattrIn.size(in, ARGUMENT);
        if (roomBytes < (asked == 0 ? FuseGetxattrOut.BYTES : 1)) {
            // With no room at all, maxBytes would be 0: the file system would take it for a size.
            return -EINVAL;
        }
        int most = scratchSize(asked, roomBytes);
        return attribute(
                fs.getxattr(r, a.nameAddr(), a.nameBytes(), out, BODY, most), asked, most, out);
    }

    private long listxattr(Request r, MemorySegment in, MemorySegment out, long roomBytes) {
        int asked = FuseGetxattrIn.size(in, ARGUMENT);
        if (roomBytes < (asked == 0 ? FuseGetxattrOut.BYTES : 1)) {
            // With no room at all, maxBytes would be 0: the file system would take it for a size.
            return -EINVAL;
        }
        int most = scratchSize(asked, roomBytes);
        return attribute(fs.listxattr(r, out, BODY, most), asked, most, out);
    }

    private long removexattr(Request r, Arguments a) {
        long error = a.attributeName();
        return error < 0 ? error : reply(fs.removexattr(r, a.nameAddr(), a.nameBytes()), 0);
    }

    private long interrupt(Request r, MemorySegment in) {
        fs.interrupt(r, FuseInterruptIn.unique(in, ARGUMENT));
        return 0;
    }

    private long bmap(Request r, MemorySegment in, MemorySegment out) {
        long block = FuseBmapIn.block(in, ARGUMENT);
        int blockSize = FuseBmapIn.blocksize(in, ARGUMENT);
        return reply(fs.bmap(r, block, blockSize, out, BODY), FuseBmapOut.BYTES);
    }

    private long ioctl(
            Request r, Arguments a, MemorySegment in, MemorySegment out, long roomBytes) {
        long inBytes = Integer.toUnsignedLong(FuseIoctlIn.inSize(in, ARGUMENT));
        if (inBytes > a.remainingBytes()) {
            return -EINVAL;
        }
        int most =
                Math.min(
                        scratchSize(
                                FuseIoctlIn.outSize(in, ARGUMENT), roomBytes - FuseIoctlOut.BYTES),
                        Exchange.OUT_SCRATCH_BYTES - BODY - FuseIoctlOut.BYTES);
        long result =
                fs.ioctl(
                        r,
                        FuseIoctlIn.fh(in, ARGUMENT),
                        FuseIoctlIn.flags(in, ARGUMENT),
                        FuseIoctlIn.cmd(in, ARGUMENT),
                        FuseIoctlIn.arg(in, ARGUMENT),
                        in.address() + a.at(),
                        (int) inBytes,
                        out,
                        BODY + FuseIoctlOut.BYTES,
                        most);
        return result < 0 ? result : FuseIoctlOut.BYTES + bounded(result, most);
    }

    private long fallocate(Request r, MemorySegment in) {
        return reply(
                fs.fallocate(
                        r,
                        FuseFallocateIn.fh(in, ARGUMENT),
                        FuseFallocateIn.offset(in, ARGUMENT),
                        FuseFallocateIn.length(in, ARGUMENT),
                        FuseFallocateIn.mode(in, ARGUMENT)),
                0);
    }

    private long lseek(Request r, MemorySegment in, MemorySegment out) {
        long fh = FuseLseekIn.fh(in, ARGUMENT);
        long offset = FuseLseekIn.offset(in, ARGUMENT);
        long result = fs.lseek(r, fh, offset, FuseLseekIn.whence(in, ARGUMENT));
        if (result >= 0) {
            FuseLseekOut.offset(out, BODY, result);
        }
        return reply(result, FuseLseekOut.BYTES);
    }

    private long copyFileRange(Request r, MemorySegment in, MemorySegment out) {
        long bytes = FuseCopyFileRangeIn.len(in, ARGUMENT);
        long most = bytes < 0 ? MAX_RW_COUNT : Math.min(bytes, MAX_RW_COUNT);
        long copied = copy(r, in, most);
        if (copied >= 0) {
            FuseWriteOut.size(out, BODY, (int) copied);
        }
        return reply(copied, FuseWriteOut.BYTES);
    }

    private long copyFileRange64(Request r, MemorySegment in, MemorySegment out) {
        long bytes = FuseCopyFileRangeIn.len(in, ARGUMENT);
        long copied = copy(r, in, bytes < 0 ? Long.MAX_VALUE : bytes);
        if (copied >= 0) {
            FuseCopyFileRangeOut.bytesCopied(out, BODY, copied);
        }
        return reply(copied, FuseCopyFileRangeOut.BYTES);
    }

    private long copy(Request r, MemorySegment in, long most) {
        long copied =
                bounded(
                        fs.copyFileRange(
                                r,
                                FuseCopyFileRangeIn.fhIn(in, ARGUMENT),
                                FuseCopyFileRangeIn.offIn(in, ARGUMENT),
                                FuseCopyFileRangeIn.nodeIdOut(in, ARGUMENT),
                                FuseCopyFileRangeIn.fhOut(in, ARGUMENT),
                                FuseCopyFileRangeIn.offOut(in, ARGUMENT),
                                most,
                                FuseCopyFileRangeIn.flags(in, ARGUMENT)),
                        most);
        r.dataBytes(Math.max(copied, -1));
        return copied;
    }

    private long setupMapping(Request r, MemorySegment in) {
        return reply(
                fs.setupMapping(
                        r,
                        FuseSetupmappingIn.fh(in, ARGUMENT),
                        FuseSetupmappingIn.foffset(in, ARGUMENT),
                        FuseSetupmappingIn.len(in, ARGUMENT),
                        FuseSetupmappingIn.flags(in, ARGUMENT),
                        FuseSetupmappingIn.moffset(in, ARGUMENT)),
                0);
    }

    private long removeMapping(Request r, Arguments a, MemorySegment in) {
        long count = Integer.toUnsignedLong(FuseRemovemappingIn.count(in, ARGUMENT));
        if (count * FuseRemovemappingOne.BYTES > a.remainingBytes()) {
            return -EINVAL;
        }
        return reply(fs.removeMappings(r, in, a.at(), (int) count), 0);
    }

    private static boolean dataOnly(MemorySegment in) {
        return (FuseFsyncIn.fsyncFlags(in, ARGUMENT) & FuseFsyncIn.FUSE_FSYNC_FDATASYNC) != 0;
    }

    /** Takes the name of an inode to be made, and what comes with it. */
    private static long createdName(
            InitNegotiation session, Request r, Arguments a, MemorySegment in) {
        long error = a.fileName(false);
        return error < 0 ? error : extensions(session, r, a, in);
    }

    /**
     * Decodes the extensions. Kernels from 5.17 on send security contexts; up to 6.2 they follow
     * the names and total_extlen is 0.
     */
    private static long extensions(
            InitNegotiation session, Request r, Arguments a, MemorySegment in) {
        int bytes = r.extensionBytes();
        int at = a.at();
        int end = at + a.remainingBytes();
        if (bytes != 0) {
            return Extensions.decode(r, in, end, end + bytes);
        }
        return at < end && session.isEnabled(InitFlags.FUSE_SECURITY_CTX)
                ? Extensions.decode(r, in, at, end)
                : 0;
    }

    /** The reply to an attribute: its value, or its size where that was asked for. */
    private static long attribute(long result, int asked, int most, MemorySegment out) {
        if (asked != 0 || result < 0) {
            return bounded(result, most);
        }
        FuseGetxattrOut.size(out, BODY, (int) bounded(result, Integer.MAX_VALUE));
        out.set(JAVA_INT_UNALIGNED, BODY + 4, 0);
        return FuseGetxattrOut.BYTES;
    }

    /** The smaller of a size that the guest asks for, unsigned, and the room there is. */
    private static long size(int asked, long roomBytes) {
        return Math.min(Integer.toUnsignedLong(asked), roomBytes);
    }

    private static int scratchSize(int asked, long roomBytes) {
        return (int) Math.min(size(asked, roomBytes), Exchange.OUT_SCRATCH_BYTES - BODY);
    }

    private static long reply(long result, int bodyBytes) {
        return result < 0 ? result : bodyBytes;
    }

    /** A file system that claims to have written more than it was given room for is broken. */
    private static long bounded(long result, long most) {
        if (result > most) {
            throw new IllegalStateException(result + " bytes were returned where " + most + " fit");
        }
        return result;
    }
}
