package io.porthole.fuse;

import org.jspecify.annotations.Nullable;

/**
 * The operations of fuse.h 7.45. Each carries what dispatch must know before it looks at a request:
 * how long its fixed argument is, how many names follow, and what its reply begins with.
 */
public enum Opcode {
    LOOKUP(1, 0, 1, FuseEntryOut.BYTES),
    FORGET(2, FuseForgetIn.BYTES, 0, Opcode.NO_REPLY),
    GETATTR(3, FuseGetattrIn.BYTES, 0, FuseAttrOut.BYTES),
    SETATTR(4, FuseSetattrIn.BYTES, 0, FuseAttrOut.BYTES),
    READLINK(5, 0, 0, 0),
    SYMLINK(6, 0, 2, FuseEntryOut.BYTES),
    MKNOD(8, FuseMknodIn.BYTES, 1, FuseEntryOut.BYTES),
    MKDIR(9, FuseMkdirIn.BYTES, 1, FuseEntryOut.BYTES),
    UNLINK(10, 0, 1, 0),
    RMDIR(11, 0, 1, 0),
    RENAME(12, FuseRenameIn.BYTES, 2, 0),
    LINK(13, FuseLinkIn.BYTES, 1, FuseEntryOut.BYTES),
    OPEN(14, FuseOpenIn.BYTES, 0, FuseOpenOut.BYTES),
    READ(15, FuseReadIn.BYTES, 0, 0),
    WRITE(16, FuseWriteIn.BYTES, 0, FuseWriteOut.BYTES),
    STATFS(17, 0, 0, FuseKstatfs.BYTES),
    RELEASE(18, FuseReleaseIn.BYTES, 0, 0),
    FSYNC(20, FuseFsyncIn.BYTES, 0, 0),
    SETXATTR(21, FuseSetxattrIn.COMPAT_BYTES, 1, 0),
    GETXATTR(22, FuseGetxattrIn.BYTES, 1, 0),
    LISTXATTR(23, FuseGetxattrIn.BYTES, 0, 0),
    REMOVEXATTR(24, 0, 1, 0),
    FLUSH(25, FuseFlushIn.BYTES, 0, 0),
    /** Only major and minor are needed to answer a kernel of another major version. */
    INIT(26, FuseInitIn.MAX_READAHEAD, 0, FuseInitOut.FUSE_COMPAT_INIT_OUT_SIZE),
    OPENDIR(27, FuseOpenIn.BYTES, 0, FuseOpenOut.BYTES),
    READDIR(28, FuseReadIn.BYTES, 0, 0),
    RELEASEDIR(29, FuseReleaseIn.BYTES, 0, 0),
    FSYNCDIR(30, FuseFsyncIn.BYTES, 0, 0),
    GETLK(31, FuseLkIn.BYTES, 0, FuseLkOut.BYTES),
    SETLK(32, FuseLkIn.BYTES, 0, 0),
    SETLKW(33, FuseLkIn.BYTES, 0, 0),
    ACCESS(34, FuseAccessIn.BYTES, 0, 0),
    CREATE(35, FuseCreateIn.BYTES, 1, FuseEntryOut.BYTES + FuseOpenOut.BYTES),
    INTERRUPT(36, FuseInterruptIn.BYTES, 0, Opcode.NO_REPLY),
    BMAP(37, FuseBmapIn.BYTES, 0, FuseBmapOut.BYTES),
    DESTROY(38, 0, 0, 0),
    IOCTL(39, FuseIoctlIn.BYTES, 0, FuseIoctlOut.BYTES),
    POLL(40, FusePollIn.BYTES, 0, FusePollOut.BYTES),
    NOTIFY_REPLY(41, FuseNotifyRetrieveIn.BYTES, 0, Opcode.NO_REPLY),
    BATCH_FORGET(42, FuseBatchForgetIn.BYTES, 0, Opcode.NO_REPLY),
    FALLOCATE(43, FuseFallocateIn.BYTES, 0, 0),
    READDIRPLUS(44, FuseReadIn.BYTES, 0, 0),
    RENAME2(45, FuseRename2In.BYTES, 2, 0),
    LSEEK(46, FuseLseekIn.BYTES, 0, FuseLseekOut.BYTES),
    COPY_FILE_RANGE(47, FuseCopyFileRangeIn.BYTES, 0, FuseWriteOut.BYTES),
    SETUPMAPPING(48, FuseSetupmappingIn.BYTES, 0, 0),
    REMOVEMAPPING(49, FuseRemovemappingIn.BYTES, 0, 0),
    SYNCFS(50, FuseSyncfsIn.BYTES, 0, 0),
    /** The kernel sends a name, "/", which means nothing. */
    TMPFILE(51, FuseCreateIn.BYTES, 0, FuseEntryOut.BYTES + FuseOpenOut.BYTES),
    STATX(52, FuseStatxIn.BYTES, 0, FuseStatxOut.BYTES),
    COPY_FILE_RANGE_64(53, FuseCopyFileRangeIn.BYTES, 0, FuseCopyFileRangeOut.BYTES);

    private static final int NO_REPLY = -1;

    private static final @Nullable Opcode[] BY_CODE = new @Nullable Opcode[54];

    static {
        for (Opcode opcode : values()) {
            BY_CODE[opcode.code] = opcode;
        }
    }

    private final int code;
    private final int argumentBytes;
    private final int names;
    private final int replyBodyBytes;

    Opcode(int code, int argumentBytes, int names, int replyBodyBytes) {
        this.code = code;
        this.argumentBytes = argumentBytes;
        this.names = names;
        this.replyBodyBytes = replyBodyBytes;
    }

    /** The operation that {@code code} of a fuse_in_header means, or null. */
    public static @Nullable Opcode of(int code) {
        return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
    }

    public int code() {
        return code;
    }

    /** Least length of the fixed argument behind the fuse_in_header, in bytes. */
    public int argumentBytes() {
        return argumentBytes;
    }

    /** How many NUL-terminated strings follow the fixed argument. */
    public int names() {
        return names;
    }

    /** Whether it waits for a disk by its nature, or moves any amount of data. */
    public boolean takesLong() {
        return switch (this) {
            case FSYNC, FSYNCDIR, SYNCFS, FALLOCATE, COPY_FILE_RANGE, COPY_FILE_RANGE_64 -> true;
            default -> false;
        };
    }

    /** Whether the kernel waits for a reply. */
    public boolean hasReply() {
        return replyBodyBytes != NO_REPLY;
    }

    /**
     * Length of the fixed struct in a successful reply, behind the fuse_out_header; 0 where there
     * is none or the body is variable. A request without room for it is not executed.
     */
    public int replyBodyBytes() {
        return Math.max(0, replyBodyBytes);
    }
}
