package io.porthole.virtiofsd.cli;

import io.porthole.virtiofsd.dax.DaxOptions;
import io.porthole.virtiofsd.mapping.IdMap;
import io.porthole.virtiofsd.mapping.XattrMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether options that were read go together, and what follows from them. */
final class OptionChecks {
    private final Options options;

    /** Whether they are of one share of several. */
    private final boolean ofShare;

    OptionChecks(Options options, boolean ofShare) {
        this.options = options;
        this.ofShare = ofShare;
    }

    void whole() throws UsageException {
        if (options.sharedDir.isEmpty()) {
            throw new UsageException("--shared-dir is missing: which directory is to be shared?");
        }
        if (options.mount != null) {
            mount();
        } else if (options.socketPath == null && options.listenFd < 0) {
            throw new UsageException(
                    ofShare
                            ? "share "
                                    + options.tag
                                    + " lacks socket=PATH: where does the VMM connect?"
                            : "--socket-path or --fd is missing: where does the VMM connect?");
        }
        if (options.socketPath != null && options.listenFd >= 0) {
            throw new UsageException("--socket-path and --fd exclude each other");
        }
        if (options.socketGroup != null && options.socketPath == null) {
            throw new UsageException("--socket-group needs --socket-path");
        }
        dax();
        if (!ofShare) {
            lockBoard();
        }
        namespaceIds();
        // As with the peer, both imply extended attributes, in which they are kept.
        boolean acls = options.posixAcl != Options.Negotiated.NEVER;
        options.xattr |=
                acls
                        || options.securityLabel != Options.Negotiated.NEVER
                        || options.xattrMap != null;
        options.uidMap = idMap(OptionTable.TRANSLATE_UID, options.uidRules);
        options.gidMap = idMap(OptionTable.TRANSLATE_GID, options.gidRules);
        if (acls && (options.uidMap != null || options.gidMap != null)) {
            throw new UsageException(
                    "--posix-acl and --translate-uid, --translate-gid exclude each other: ids"
                            + " within the lists are not translated");
        }
        if (options.dax != Options.Dax.NEVER
                && options.xattrMap != null
                && !options.xattrMap.hostName(XattrMap.CAPABILITY).equals(XattrMap.CAPABILITY)) {
            throw new UsageException(
                    "--dax and an --xattrmap that renames "
                            + XattrMap.CAPABILITY
                            + " exclude each other: a write through the window would not take a"
                            + " file's capabilities away");
        }
        if (options.sandbox == Options.Sandbox.NONE && options.seccomp == Options.Seccomp.NONE) {
            // Dropping both silently is how a guest got the host's symbolic links (facts: Kata).
            options.warnings.add(
                    "neither sandbox nor seccomp: a fault in this daemon would expose the whole host");
        }
    }

    void lockBoard() throws UsageException {
        if (options.lockBoard != null && !options.mayLock()) {
            throw new UsageException(
                    "--lock-board needs --posix-lock: without it there are no locks to see");
        }
    }

    /** The launcher makes the user namespace, before there is a JVM; here is what it cannot say. */
    void namespaceIds() throws UsageException {
        if (!options.mapsNamespace()) {
            return;
        }
        String which = "--" + OptionTable.UID_MAP.label + " or --" + OptionTable.GID_MAP.label;
        if (options.sandbox != Options.Sandbox.NAMESPACE) {
            throw new UsageException(which + " needs --sandbox=namespace");
        }
        if (options.namespaceUids.lacksRoot() || options.namespaceGids.lacksRoot()) {
            throw new UsageException(which + " has no range for id 0, which the daemon runs as");
        }
    }

    private static @Nullable IdMap idMap(OptionTable option, List<String> rules)
            throws UsageException {
        if (rules.isEmpty()) {
            return null;
        }
        try {
            return IdMap.parse(rules);
        } catch (IllegalArgumentException e) {
            throw new UsageException("option --" + option.label + ": " + e.getMessage());
        }
    }

    /** A mount has no VMM, so nothing that belongs to one. */
    private void mount() throws UsageException {
        notWithMount(options.socketPath != null, OptionTable.SOCKET_PATH);
        notWithMount(options.listenFd >= 0, OptionTable.FD);
        notWithMount(options.dax != Options.Dax.NEVER, OptionTable.DAX);
        notWithMount(options.keepRunning, OptionTable.KEEP_RUNNING);
    }

    private static void notWithMount(boolean given, OptionTable other) throws UsageException {
        if (given) {
            throw new UsageException("--mount and --" + other.label + " exclude each other");
        }
    }

    private void dax() throws UsageException {
        if (options.dax == Options.Dax.NEVER) {
            return;
        }
        String problem = DaxOptions.problemOf(options.daxWindowBytes);
        if (!problem.isEmpty()) {
            throw new UsageException(
                    "--dax-window=" + options.daxWindowBytes + " (bytes) " + problem);
        }
        if (options.readonly) {
            throw new UsageException(
                    "--dax and --readonly exclude each other: QEMU maps the window writable, whatever"
                            + " it is asked for");
        }
        if (options.tag.isEmpty()) {
            throw new UsageException(
                    "--dax needs --tag: a QEMU device that has a window asks the daemon for the tag");
        }
    }
}
