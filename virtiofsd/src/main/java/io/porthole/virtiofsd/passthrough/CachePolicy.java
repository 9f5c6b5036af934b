package io.porthole.virtiofsd.passthrough;

import io.porthole.fuse.FuseOpenOut;

/**
 * What the guest may keep without asking: the four policies of virtiofs daemons, with the peers'
 * timeouts and open flags.
 */
public enum CachePolicy {
    /** Nothing: every access comes to the host. */
    NEVER(0),
    /** Names and attributes for a second, file contents as long as the modification time stays. */
    AUTO(1),
    /** Names, attributes and directories for ever, file contents not at all. */
    METADATA(86_400),
    /** Everything: the host must not change the share. */
    ALWAYS(86_400);

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final long timeoutSeconds;

    CachePolicy(long timeoutSeconds) {
        this.timeoutSeconds = timeoutSeconds;
    }

    /** How long a name and an inode's attributes stay valid in the guest. */
    public long timeoutNanos() {
        return timeoutSeconds * NANOS_PER_SECOND;
    }

    /**
     * How long the guest may take a name for missing. A second at most, also where positive entries
     * never expire: files that the host adds must appear.
     */
    public long negativeTimeoutNanos() {
        return Math.min(timeoutNanos(), NANOS_PER_SECOND);
    }

    /** FOPEN_* of a file's open. */
    int fileOpenFlags(boolean directIoAsked) {
        return switch (this) {
            case NEVER, METADATA -> FuseOpenOut.FOPEN_DIRECT_IO;
            case AUTO -> directIoAsked ? FuseOpenOut.FOPEN_DIRECT_IO : 0;
            case ALWAYS -> FuseOpenOut.FOPEN_KEEP_CACHE;
        };
    }

    /** FOPEN_* of a directory's open. */
    int directoryOpenFlags() {
        return switch (this) {
            case NEVER, AUTO -> 0;
            case METADATA, ALWAYS -> FuseOpenOut.FOPEN_CACHE_DIR | FuseOpenOut.FOPEN_KEEP_CACHE;
        };
    }
}
