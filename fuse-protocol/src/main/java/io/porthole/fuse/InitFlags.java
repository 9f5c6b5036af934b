package io.porthole.fuse;

/**
 * What INIT negotiates: the kernel offers, the server picks. Bits from 32 on travel in {@code
 * flags2}. fuse.h 7.45; bits 31 and 43 on are not ours to answer.
 */
public final class InitFlags {
    /** Several reads of a file may be under way at once. */
    public static final long FUSE_ASYNC_READ = 1L << 0;

    /** fcntl(2) locks come as GETLK, SETLK and SETLKW. */
    public static final long FUSE_POSIX_LOCKS = 1L << 1;

    /** Never used by the kernel. */
    public static final long FUSE_FILE_OPS = 1L << 2;

    /** OPEN carries O_TRUNC. */
    public static final long FUSE_ATOMIC_O_TRUNC = 1L << 3;

    /** LOOKUP may be asked for "." and "..", for NFS. */
    public static final long FUSE_EXPORT_SUPPORT = 1L << 4;

    /** WRITE may be larger than a page. */
    public static final long FUSE_BIG_WRITES = 1L << 5;

    /** The server applies the umask. */
    public static final long FUSE_DONT_MASK = 1L << 6;

    /** /dev/fuse takes splice(2) for replies. */
    public static final long FUSE_SPLICE_WRITE = 1L << 7;

    /** /dev/fuse takes splice(2) that moves pages. */
    public static final long FUSE_SPLICE_MOVE = 1L << 8;

    /** /dev/fuse gives requests by splice(2). */
    public static final long FUSE_SPLICE_READ = 1L << 9;

    /** flock(2) comes as SETLK and SETLKW. */
    public static final long FUSE_FLOCK_LOCKS = 1L << 10;

    /** IOCTL may be on a directory. */
    public static final long FUSE_HAS_IOCTL_DIR = 1L << 11;

    /** Cached pages are dropped when size or mtime has changed. */
    public static final long FUSE_AUTO_INVAL_DATA = 1L << 12;

    /** READDIRPLUS is there. */
    public static final long FUSE_DO_READDIRPLUS = 1L << 13;

    /** The kernel chooses between READDIR and READDIRPLUS. */
    public static final long FUSE_READDIRPLUS_AUTO = 1L << 14;

    /** Direct I/O is sent without waiting for each request. */
    public static final long FUSE_ASYNC_DIO = 1L << 15;

    /** The guest's page cache writes back. */
    public static final long FUSE_WRITEBACK_CACHE = 1L << 16;

    /** OPEN may answer ENOSYS: there are no file handles then. */
    public static final long FUSE_NO_OPEN_SUPPORT = 1L << 17;

    /** LOOKUP and READDIR in one directory may be under way at once. */
    public static final long FUSE_PARALLEL_DIROPS = 1L << 18;

    /** The server clears set-user-ID, set-group-ID and capabilities. */
    public static final long FUSE_HANDLE_KILLPRIV = 1L << 19;

    /** The server has POSIX ACLs, the guest checks them. */
    public static final long FUSE_POSIX_ACL = 1L << 20;

    /** /dev/fuse says ECONNABORTED after an abort. */
    public static final long FUSE_ABORT_ERROR = 1L << 21;

    /** {@code max_pages} of the reply counts. */
    public static final long FUSE_MAX_PAGES = 1L << 22;

    /** Targets of symbolic links are cached. */
    public static final long FUSE_CACHE_SYMLINKS = 1L << 23;

    /** OPENDIR may answer ENOSYS: there are no directory handles then. */
    public static final long FUSE_NO_OPENDIR_SUPPORT = 1L << 24;

    /** Cached pages are dropped only when told. */
    public static final long FUSE_EXPLICIT_INVAL_DATA = 1L << 25;

    /** {@code map_alignment} of the reply counts. */
    public static final long FUSE_MAP_ALIGNMENT = 1L << 26;

    /** FUSE_ATTR_SUBMOUNT makes a mount of its own in the guest. */
    public static final long FUSE_SUBMOUNTS = 1L << 27;

    /** As HANDLE_KILLPRIV, but only where a request asks for it. */
    public static final long FUSE_HANDLE_KILLPRIV_V2 = 1L << 28;

    /** SETXATTR has its long argument. */
    public static final long FUSE_SETXATTR_EXT = 1L << 29;

    /** {@code flags2} counts. */
    public static final long FUSE_INIT_EXT = 1L << 30;

    /** What creates an inode brings its security context along (5.17). */
    public static final long FUSE_SECURITY_CTX = 1L << 32;

    /** FUSE_ATTR_DAX chooses DAX per inode. */
    public static final long FUSE_HAS_INODE_DAX = 1L << 33;

    /** What creates an inode brings a supplementary group along (6.3). */
    public static final long FUSE_CREATE_SUPP_GROUP = 1L << 34;

    /** NOTIFY_INVAL_ENTRY knows FUSE_EXPIRE_ONLY. */
    public static final long FUSE_HAS_EXPIRE_ONLY = 1L << 35;

    /** A file opened with FOPEN_DIRECT_IO can be mapped shared. */
    public static final long FUSE_DIRECT_IO_ALLOW_MMAP = 1L << 36;

    /** /dev/fuse: the kernel does the I/O on a backing file. */
    public static final long FUSE_PASSTHROUGH = 1L << 37;

    /** File handles do not outlive the inode in the guest's cache. */
    public static final long FUSE_NO_EXPORT_SUPPORT = 1L << 38;

    /** NOTIFY_RESEND is there; see FUSE_UNIQUE_RESEND. */
    public static final long FUSE_HAS_RESEND = 1L << 39;

    /** The guest may map ids per mount. */
    public static final long FUSE_ALLOW_IDMAP = 1L << 40;

    /** /dev/fuse: requests may come by io_uring. */
    public static final long FUSE_OVER_IO_URING = 1L << 41;

    /** {@code request_timeout} of the reply counts. */
    public static final long FUSE_REQUEST_TIMEOUT = 1L << 42;

    /** By bit; 31 is no flag. */
    private static final String[] NAMES = {
        "ASYNC_READ",
        "POSIX_LOCKS",
        "FILE_OPS",
        "ATOMIC_O_TRUNC",
        "EXPORT_SUPPORT",
        "BIG_WRITES",
        "DONT_MASK",
        "SPLICE_WRITE",
        "SPLICE_MOVE",
        "SPLICE_READ",
        "FLOCK_LOCKS",
        "HAS_IOCTL_DIR",
        "AUTO_INVAL_DATA",
        "DO_READDIRPLUS",
        "READDIRPLUS_AUTO",
        "ASYNC_DIO",
        "WRITEBACK_CACHE",
        "NO_OPEN_SUPPORT",
        "PARALLEL_DIROPS",
        "HANDLE_KILLPRIV",
        "POSIX_ACL",
        "ABORT_ERROR",
        "MAX_PAGES",
        "CACHE_SYMLINKS",
        "NO_OPENDIR_SUPPORT",
        "EXPLICIT_INVAL_DATA",
        "MAP_ALIGNMENT",
        "SUBMOUNTS",
        "HANDLE_KILLPRIV_V2",
        "SETXATTR_EXT",
        "INIT_EXT",
        "31",
        "SECURITY_CTX",
        "HAS_INODE_DAX",
        "CREATE_SUPP_GROUP",
        "HAS_EXPIRE_ONLY",
        "DIRECT_IO_ALLOW_MMAP",
        "PASSTHROUGH",
        "NO_EXPORT_SUPPORT",
        "HAS_RESEND",
        "ALLOW_IDMAP",
        "OVER_IO_URING",
        "REQUEST_TIMEOUT"
    };

    private InitFlags() {}

    /** The names of the set bits, without FUSE_, with a "|" between them. */
    public static String names(long flags) {
        StringBuilder names = new StringBuilder();
        for (long left = flags; left != 0; left &= left - 1) {
            int bit = Long.numberOfTrailingZeros(left);
            names.append(names.isEmpty() ? "" : "|");
            names.append(bit < NAMES.length ? NAMES[bit] : "" + bit);
        }
        return names.toString();
    }
}
