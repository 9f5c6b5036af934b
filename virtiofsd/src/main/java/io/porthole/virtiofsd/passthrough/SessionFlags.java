package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.InitFlags;
import io.porthole.fuse.InitNegotiation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a share's options make of a kernel's FUSE_INIT. */
final class SessionFlags {
    private static final int MAX_WRITE_BYTES = 1 << 20;

    private static final long ALWAYS =
            InitFlags.FUSE_ASYNC_READ
                    | InitFlags.FUSE_ATOMIC_O_TRUNC
                    | InitFlags.FUSE_BIG_WRITES
                    | InitFlags.FUSE_AUTO_INVAL_DATA
                    | InitFlags.FUSE_ASYNC_DIO
                    | InitFlags.FUSE_PARALLEL_DIROPS
                    | InitFlags.FUSE_CACHE_SYMLINKS
                    | InitFlags.FUSE_CREATE_SUPP_GROUP
                    | InitFlags.FUSE_ALLOW_IDMAP;

    private static final long ACL =
            InitFlags.FUSE_POSIX_ACL | InitFlags.FUSE_DONT_MASK | InitFlags.FUSE_SETXATTR_EXT;

    private SessionFlags() {}

    /** Picks flags and limits; refuses where the options demand what is not offered. */
    static void agree(InitNegotiation init, PassthroughOptions options, boolean readonly) {
        init.maxWriteBytes(MAX_WRITE_BYTES);
        init.enable(ALWAYS);
        if (options.announceSubmounts()) {
            init.enable(InitFlags.FUSE_SUBMOUNTS);
        }
        switch (options.readdirplus()) {
            case NEVER -> {}
            case AUTO ->
                    init.enable(InitFlags.FUSE_DO_READDIRPLUS | InitFlags.FUSE_READDIRPLUS_AUTO);
            case ALWAYS -> init.enable(InitFlags.FUSE_DO_READDIRPLUS);
        }
        if (options.writeback() && !readonly) {
            init.enable(InitFlags.FUSE_WRITEBACK_CACHE);
        }
        if (options.killprivV2()) {
            init.enable(InitFlags.FUSE_HANDLE_KILLPRIV_V2);
        }
        if (options.allowMmap()) {
            init.enable(InitFlags.FUSE_DIRECT_IO_ALLOW_MMAP);
        }
        if (options.xattr()) {
            negotiate(init, options.posixAcl(), ACL, "POSIX ACLs");
            negotiate(
                    init, options.securityLabel(), InitFlags.FUSE_SECURITY_CTX, "security labels");
        }
        if (options.posixLock()) {
            init.enable(InitFlags.FUSE_POSIX_LOCKS);
        }
        if (options.flock()) {
            init.enable(InitFlags.FUSE_FLOCK_LOCKS);
        }
    }

    private static void negotiate(
            InitNegotiation init, PassthroughOptions.Negotiated mode, long flags, String what) {
        switch (mode) {
            case NEVER -> {}
            case AUTO -> {
                // Some without the others would be half a feature.
                if (init.offers(flags)) {
                    init.enable(flags);
                } else {
                    Log.LOG.info("the guest's kernel offers no {}: they stay off", what);
                }
            }
            case ALWAYS -> {
                init.require(flags);
                if (!init.offers(flags)) {
                    Log.LOG.error(
                            "the guest's kernel offers no {}, which are to be on always: no"
                                    + " session (auto would go on without)",
                            what);
                }
            }
        }
    }

    /** Loads SLF4J at the first message, not at start-up. */
    private static final class Log {
        static final Logger LOG = LoggerFactory.getLogger(PassthroughFileSystem.class);
    }
}
