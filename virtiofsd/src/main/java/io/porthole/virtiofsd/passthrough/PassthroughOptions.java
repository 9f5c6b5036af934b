package io.porthole.virtiofsd.passthrough;

import io.porthole.virtiofsd.mapping.IdMap;
import io.porthole.virtiofsd.mapping.XattrMap;
import org.jspecify.annotations.Nullable;

/**
 * How a directory is shared. Start from {@link #defaults()} and change with the {@code with...}
 * methods of {@link Builder}.
 *
 * @param cache flags of OPEN and OPENDIR, and the default of the three timeouts
 * @param entryTimeoutNanos how long the guest may keep a name
 * @param attrTimeoutNanos how long the guest may keep attributes
 * @param negativeTimeoutNanos how long the guest may keep that a name is missing; 0 sends ENOENT
 * @param xattr extended attributes; without, their requests get ENOSYS
 * @param readonly refuse whatever changes the share with EROFS
 * @param writeback the guest's page cache writes back
 * @param announceSubmounts tell the guest where another mount begins
 * @param allowDirectIo pass O_DIRECT on to the host
 * @param allowMmap files that bypass the guest's cache may be mapped shared
 * @param allowProjectIds the guest may change which project's quota an inode counts for
 * @param preserveNoatime pass O_NOATIME on to the host
 * @param readdirplus whether READDIR brings attributes
 * @param killprivV2 the host clears set-user-ID and set-group-ID on writes
 * @param posixAcl POSIX ACLs (needs {@code xattr})
 * @param securityLabel new inodes get the guest's security context (needs {@code xattr})
 * @param posixLock fcntl(2) locks of the guest hold on the host
 * @param flock flock(2) locks of the guest hold on the host
 * @param fileHandles whether inodes beyond the budget are kept as file handles
 * @param maxPinnedInodes budget of descriptors that pin inodes
 * @param maxInodes how many inodes the guest may know at once
 * @param maxOpenFiles how many files and directories the guest may have open at once
 * @param xattrMap names of extended attributes; null passes them as they are (needs {@code xattr})
 * @param uidMap user ids; null passes them as they are
 * @param gidMap group ids; null passes them as they are
 */
public record PassthroughOptions(
        CachePolicy cache,
        long entryTimeoutNanos,
        long attrTimeoutNanos,
        long negativeTimeoutNanos,
        boolean xattr,
        boolean readonly,
        boolean writeback,
        boolean announceSubmounts,
        boolean allowDirectIo,
        boolean allowMmap,
        boolean allowProjectIds,
        boolean preserveNoatime,
        Readdirplus readdirplus,
        boolean killprivV2,
        Negotiated posixAcl,
        Negotiated securityLabel,
        boolean posixLock,
        boolean flock,
        FileHandles fileHandles,
        int maxPinnedInodes,
        int maxInodes,
        int maxOpenFiles,
        @Nullable XattrMap xattrMap,
        @Nullable IdMap uidMap,
        @Nullable IdMap gidMap) {

    /** Whether the session has what the guest's kernel may lack. */
    public enum Negotiated {
        NEVER,
        /** If it is offered. */
        AUTO,
        /** Without it there is no session. */
        ALWAYS
    }

    /** Whether the guest may ask for attributes along with names. */
    public enum Readdirplus {
        NEVER,
        /** The guest's kernel chooses. */
        AUTO,
        ALWAYS
    }

    /** Whether name_to_handle_at(2) stands in for descriptors beyond the budget. */
    public enum FileHandles {
        NEVER,
        /** Where the file system and the capabilities allow. */
        PREFER,
        /** As PREFER, but the share is refused where they do not work at its root. */
        MANDATORY
    }

    /** Cache policy AUTO, nothing else switched on but submounts and READDIRPLUS. */
    public static PassthroughOptions defaults() {
        return builder().build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Collects options; the timeouts follow the cache policy unless they are set. */
    public static final class Builder {
        private CachePolicy cache = CachePolicy.AUTO;
        private long entryTimeoutNanos = -1;
        private long attrTimeoutNanos = -1;
        private long negativeTimeoutNanos = -1;
        private boolean xattr;
        private boolean readonly;
        private boolean writeback;
        private boolean announceSubmounts = true;
        private boolean allowDirectIo;
        private boolean allowMmap;
        private boolean allowProjectIds;
        private boolean preserveNoatime;
        private Readdirplus readdirplus = Readdirplus.AUTO;
        private boolean killprivV2;
        private Negotiated posixAcl = Negotiated.NEVER;
        private Negotiated securityLabel = Negotiated.NEVER;
        private boolean posixLock;
        private boolean flock;
        private FileHandles fileHandles = FileHandles.PREFER;
        private int maxPinnedInodes = 500_000;
        private int maxInodes = 1 << 24;
        private int maxOpenFiles = 1 << 20;
        private @Nullable XattrMap xattrMap;
        private @Nullable IdMap uidMap;
        private @Nullable IdMap gidMap;

        private Builder() {}

        public Builder cache(CachePolicy policy) {
            cache = policy;
            return this;
        }

        public Builder entryTimeoutNanos(long nanos) {
            entryTimeoutNanos = nanos;
            return this;
        }

        public Builder attrTimeoutNanos(long nanos) {
            attrTimeoutNanos = nanos;
            return this;
        }

        public Builder negativeTimeoutNanos(long nanos) {
            negativeTimeoutNanos = nanos;
            return this;
        }

        public Builder xattr(boolean on) {
            xattr = on;
            return this;
        }

        public Builder readonly(boolean on) {
            readonly = on;
            return this;
        }

        public Builder writeback(boolean on) {
            writeback = on;
            return this;
        }

        public Builder announceSubmounts(boolean on) {
            announceSubmounts = on;
            return this;
        }

        public Builder allowDirectIo(boolean on) {
            allowDirectIo = on;
            return this;
        }

        public Builder allowMmap(boolean on) {
            allowMmap = on;
            return this;
        }

        public Builder allowProjectIds(boolean on) {
            allowProjectIds = on;
            return this;
        }

        public Builder preserveNoatime(boolean on) {
            preserveNoatime = on;
            return this;
        }

        public Builder readdirplus(Readdirplus mode) {
            readdirplus = mode;
            return this;
        }

        public Builder killprivV2(boolean on) {
            killprivV2 = on;
            return this;
        }

        public Builder posixAcl(Negotiated mode) {
            posixAcl = mode;
            return this;
        }

        public Builder securityLabel(Negotiated mode) {
            securityLabel = mode;
            return this;
        }

        public Builder posixLock(boolean on) {
            posixLock = on;
            return this;
        }

        public Builder flock(boolean on) {
            flock = on;
            return this;
        }

        public Builder fileHandles(FileHandles mode) {
            fileHandles = mode;
            return this;
        }

        public Builder maxPinnedInodes(int count) {
            maxPinnedInodes = count;
            return this;
        }

        public Builder maxInodes(int count) {
            maxInodes = count;
            return this;
        }

        public Builder maxOpenFiles(int count) {
            maxOpenFiles = count;
            return this;
        }

        public Builder xattrMap(@Nullable XattrMap map) {
            xattrMap = map;
            return this;
        }

        public Builder uidMap(@Nullable IdMap map) {
            uidMap = map;
            return this;
        }

        public Builder gidMap(@Nullable IdMap map) {
            gidMap = map;
            return this;
        }

        public PassthroughOptions build() {
            return new PassthroughOptions(
                    cache,
                    entryTimeoutNanos >= 0 ? entryTimeoutNanos : cache.timeoutNanos(),
                    attrTimeoutNanos >= 0 ? attrTimeoutNanos : cache.timeoutNanos(),
                    negativeTimeoutNanos >= 0 ? negativeTimeoutNanos : cache.negativeTimeoutNanos(),
                    xattr,
                    readonly,
                    writeback,
                    announceSubmounts,
                    allowDirectIo,
                    allowMmap,
                    allowProjectIds,
                    preserveNoatime,
                    readdirplus,
                    killprivV2,
                    posixAcl,
                    securityLabel,
                    posixLock,
                    flock,
                    fileHandles,
                    maxPinnedInodes,
                    maxInodes,
                    maxOpenFiles,
                    xattrMap,
                    uidMap,
                    gidMap);
        }
    }
}
