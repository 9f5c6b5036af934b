package io.porthole.virtiofsd;

import io.porthole.fuse.ServerObserver;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.dax.DaxOptions;
import io.porthole.virtiofsd.dax.DaxWindow;
import io.porthole.virtiofsd.passthrough.CachePolicy;
import io.porthole.virtiofsd.passthrough.PassthroughOptions;
import org.jspecify.annotations.Nullable;

/** A share's options in the words of the file system, which does not know the command line. */
final class ShareSettings {
    private ShareSettings() {}

    /**
     * @param pinnedInodes descriptors that may be pinned for inodes
     */
    static PassthroughOptions passthrough(Options options, int pinnedInodes) {
        return PassthroughOptions.builder()
                .cache(
                        switch (options.cache()) {
                            case NEVER -> CachePolicy.NEVER;
                            case AUTO -> CachePolicy.AUTO;
                            case METADATA -> CachePolicy.METADATA;
                            case ALWAYS -> CachePolicy.ALWAYS;
                        })
                .fileHandles(
                        switch (options.fileHandles()) {
                            case NEVER -> PassthroughOptions.FileHandles.NEVER;
                            case PREFER -> PassthroughOptions.FileHandles.PREFER;
                            case MANDATORY -> PassthroughOptions.FileHandles.MANDATORY;
                        })
                .readdirplus(
                        // As with the peer: what nothing may be kept of is not worth fetching.
                        options.readdirplus() && options.cache() != Options.Cache.NEVER
                                ? PassthroughOptions.Readdirplus.AUTO
                                : PassthroughOptions.Readdirplus.NEVER)
                .maxPinnedInodes(pinnedInodes)
                .xattr(options.xattr())
                .readonly(options.readonly())
                .writeback(options.writeback())
                .announceSubmounts(options.announceSubmounts())
                .allowDirectIo(options.allowDirectIo())
                .allowMmap(options.allowMmap())
                .allowProjectIds(options.allowProjectIds())
                .preserveNoatime(options.preserveNoatime())
                .killprivV2(options.killprivV2())
                .posixAcl(negotiated(options.posixAcl()))
                .securityLabel(negotiated(options.securityLabel()))
                .posixLock(options.posixLock())
                .flock(options.flock())
                .xattrMap(options.xattrMap())
                .uidMap(options.uidMap())
                .gidMap(options.gidMap())
                .build();
    }

    private static PassthroughOptions.Negotiated negotiated(Options.Negotiated mode) {
        return switch (mode) {
            case NEVER -> PassthroughOptions.Negotiated.NEVER;
            case AUTO -> PassthroughOptions.Negotiated.AUTO;
            case ALWAYS -> PassthroughOptions.Negotiated.ALWAYS;
        };
    }

    /** The request log, where the log level asks for it. */
    static @Nullable ServerObserver observer(Options options) {
        return options.logLevel().compareTo(Options.LogLevel.DEBUG) < 0
                ? null
                : new RequestLog(options.tag());
    }

    /** The share's DAX window; null where it has none. */
    static @Nullable DaxWindow daxWindow(Syscalls sys, Options options) throws SyscallException {
        DaxOptions.Mode mode =
                switch (options.dax()) {
                    case NEVER -> DaxOptions.Mode.NEVER;
                    case INODE -> DaxOptions.Mode.INODE;
                    case ALWAYS -> DaxOptions.Mode.ALWAYS;
                };
        return mode == DaxOptions.Mode.NEVER
                ? null
                : new DaxWindow(
                        sys,
                        new DaxOptions(
                                mode, options.daxWindowBytes(), options.daxThresholdBytes()));
    }
}
