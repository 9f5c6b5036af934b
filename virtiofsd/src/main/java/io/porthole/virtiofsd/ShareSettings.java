package io.porthole.virtiofsd;

import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.passthrough.CachePolicy;
import io.porthole.virtiofsd.passthrough.PassthroughOptions;

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
                        options.readdirplus()
                                ? PassthroughOptions.Readdirplus.AUTO
                                : PassthroughOptions.Readdirplus.NEVER)
                .maxPinnedInodes(pinnedInodes)
                .xattr(options.xattr())
                .readonly(options.readonly())
                .writeback(options.writeback())
                .announceSubmounts(options.announceSubmounts())
                .allowDirectIo(options.allowDirectIo())
                .allowMmap(options.allowMmap())
                .preserveNoatime(options.preserveNoatime())
                .killprivV2(options.killprivV2())
                .posixAcl(options.posixAcl())
                .securityLabel(options.securityLabel())
                .posixLock(options.posixLock())
                .flock(options.flock())
                .build();
    }
}
