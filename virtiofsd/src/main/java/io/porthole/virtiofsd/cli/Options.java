package io.porthole.virtiofsd.cli;

import io.porthole.virtiofsd.mapping.IdMap;
import io.porthole.virtiofsd.mapping.NamespaceIds;
import io.porthole.virtiofsd.mapping.XattrMap;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the command line asked for, checked and with defaults filled in. */
public final class Options {
    /** What the process does, apart from serving. */
    public enum Action {
        SERVE,
        PRINT_HELP,
        PRINT_VERSION,
        PRINT_CAPABILITIES
    }

    /** Names as on the command line, in lower case. */
    public enum Cache {
        NEVER,
        AUTO,
        METADATA,
        ALWAYS
    }

    public enum Sandbox {
        NAMESPACE,
        CHROOT,
        NONE
    }

    public enum Seccomp {
        KILL,
        LOG,
        TRAP,
        NONE
    }

    public enum FileHandles {
        NEVER,
        PREFER,
        MANDATORY
    }

    public enum Negotiated {
        NEVER,
        AUTO,
        ALWAYS
    }

    public enum Dax {
        NEVER,
        INODE,
        ALWAYS
    }

    public enum LogLevel {
        OFF,
        ERROR,
        WARN,
        INFO,
        DEBUG,
        TRACE
    }

    /** Longest tag: virtio_fs_config.tag (VIRTIO 1.3, 5.11.4). */
    static final int MAX_TAG_BYTES = 36;

    Action action = Action.SERVE;
    @Nullable String socketPath;
    int listenFd = -1;
    @Nullable String socketGroup;
    String sharedDir = "";
    String tag = "";
    Cache cache = Cache.AUTO;
    boolean xattr;
    boolean readonly;
    boolean writeback;
    boolean allowDirectIo;
    boolean allowMmap;
    boolean allowProjectIds;
    boolean preserveNoatime;
    boolean readdirplus = true;
    boolean announceSubmounts = true;
    boolean killprivV2;
    Negotiated posixAcl = Negotiated.NEVER;
    Negotiated securityLabel = Negotiated.NEVER;
    boolean posixLock;
    boolean flock;
    @Nullable String lockBoard;
    @Nullable XattrMap xattrMap;
    final List<String> uidRules = new ArrayList<>();
    final List<String> gidRules = new ArrayList<>();
    @Nullable IdMap uidMap;
    @Nullable IdMap gidMap;

    final NamespaceIds namespaceUids = new NamespaceIds();
    final NamespaceIds namespaceGids = new NamespaceIds();
    FileHandles fileHandles = FileHandles.PREFER;
    int maxOpenInodes;
    int requestQueues = 8;
    Sandbox sandbox = Sandbox.NAMESPACE;
    Seccomp seccomp = Seccomp.KILL;
    String modcaps = "";
    long rlimitNofile = -1;
    Dax dax = Dax.NEVER;
    long daxWindowBytes = 256L << 20;
    long daxThresholdBytes = 1L << 20;
    LogLevel logLevel = LogLevel.INFO;
    boolean syslog;
    @Nullable String mount;
    int mountThreads = 2;
    boolean keepRunning;
    @Nullable String control;
    @Nullable String metrics;
    List<Options> shares = List.of(this);
    boolean manyShares;
    String[] arguments = {};
    final List<String> warnings = new ArrayList<>();

    Options() {}

    public Action action() {
        return action;
    }

    /** Path to listen on, or null when {@link #listenFd()} is given. */
    public @Nullable String socketPath() {
        return socketPath;
    }

    /** An inherited listening socket, or -1. */
    public int listenFd() {
        return listenFd;
    }

    public @Nullable String socketGroup() {
        return socketGroup;
    }

    public String sharedDir() {
        return sharedDir;
    }

    /** Empty where none was given. */
    public String tag() {
        return tag;
    }

    public Cache cache() {
        return cache;
    }

    public boolean xattr() {
        return xattr;
    }

    public boolean readonly() {
        return readonly;
    }

    public boolean writeback() {
        return writeback;
    }

    public boolean allowDirectIo() {
        return allowDirectIo;
    }

    public boolean allowMmap() {
        return allowMmap;
    }

    public boolean allowProjectIds() {
        return allowProjectIds;
    }

    public boolean preserveNoatime() {
        return preserveNoatime;
    }

    public boolean readdirplus() {
        return readdirplus;
    }

    public boolean announceSubmounts() {
        return announceSubmounts;
    }

    public boolean killprivV2() {
        return killprivV2;
    }

    public Negotiated posixAcl() {
        return posixAcl;
    }

    public Negotiated securityLabel() {
        return securityLabel;
    }

    public boolean posixLock() {
        return posixLock;
    }

    public boolean flock() {
        return flock;
    }

    /** The file on which daemons see deadlocks with each other, or null. */
    public @Nullable String lockBoard() {
        return lockBoard;
    }

    /** Whether a share has fcntl locks, or one that is added later may have them. */
    public boolean mayLock() {
        return control != null || shares.stream().anyMatch(share -> share.posixLock);
    }

    /** Whether the launcher is to make a user namespace with ids of the user's choice. */
    public boolean mapsNamespace() {
        return !namespaceUids.isEmpty() || !namespaceGids.isEmpty();
    }

    /** Names of extended attributes, or null where they stay as they are. */
    public @Nullable XattrMap xattrMap() {
        return xattrMap;
    }

    /** User ids, or null where they stay as they are. */
    public @Nullable IdMap uidMap() {
        return uidMap;
    }

    /** Group ids, or null where they stay as they are. */
    public @Nullable IdMap gidMap() {
        return gidMap;
    }

    public FileHandles fileHandles() {
        return fileHandles;
    }

    /** 0 where the daemon is to choose. */
    public int maxOpenInodes() {
        return maxOpenInodes;
    }

    public int requestQueues() {
        return requestQueues;
    }

    public Sandbox sandbox() {
        return sandbox;
    }

    public Seccomp seccomp() {
        return seccomp;
    }

    /** As given: signed capability names, separated by colons. */
    public String modcaps() {
        return modcaps;
    }

    /** -1: choose; 0: leave the limit as it is. */
    public long rlimitNofile() {
        return rlimitNofile;
    }

    public Dax dax() {
        return dax;
    }

    public long daxWindowBytes() {
        return daxWindowBytes;
    }

    /** Size from which on {@link Dax#INODE} maps a file. */
    public long daxThresholdBytes() {
        return daxThresholdBytes;
    }

    public LogLevel logLevel() {
        return logLevel;
    }

    public boolean syslog() {
        return syslog;
    }

    /** Where to mount the share on this host instead of serving a VMM, or null. */
    public @Nullable String mount() {
        return mount;
    }

    public int mountThreads() {
        return mountThreads;
    }

    /** Whether to wait for the next front-end after one has gone. */
    public boolean keepRunning() {
        return keepRunning;
    }

    /** Path of the socket that takes orders, or null. */
    public @Nullable String control() {
        return control;
    }

    /** Where metrics are to be had, as {@code unix:PATH} or {@code ADDRESS:PORT}, or null. */
    public @Nullable String metrics() {
        return metrics;
    }

    /** What to share: these options themselves, or one for every {@code --share}. */
    public List<Options> shares() {
        return shares;
    }

    /** Whether shares come and go, and the process lives without any. */
    public boolean manyShares() {
        return manyShares;
    }

    /**
     * The options of one more share: those of this command line, changed by {@code spec}.
     *
     * @param spec as the value of {@code --share}
     */
    public Options share(String spec) throws UsageException {
        return OptionParser.parseShare(arguments, spec);
    }

    /** Lines to log once logging works. */
    public List<String> warnings() {
        return List.copyOf(warnings);
    }
}
