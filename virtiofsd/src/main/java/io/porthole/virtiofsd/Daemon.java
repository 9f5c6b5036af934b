package io.porthole.virtiofsd;

import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.ProtocolException;
import io.porthole.vhostuser.VhostUserServer;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.cli.UsageException;
import io.porthole.virtiofsd.confine.CapabilitySet;
import io.porthole.virtiofsd.confine.Jail;
import io.porthole.virtiofsd.confine.SeccompFilter;
import java.io.IOException;
import java.util.zip.Inflater;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One share for one front-end: from the checked command line to the front-end's leaving. */
final class Daemon {
    private static final Logger log = LoggerFactory.getLogger(Daemon.class);

    /** Kept free of pinned inodes: open files, queues, the JVM's own. */
    private static final long RESERVED_FILES = 4096;

    private static final int EXIT_BY_SIGNAL = 1;

    private final Syscalls sys;
    private final Options options;

    Daemon(Syscalls sys, Options options) {
        this.sys = sys;
        this.options = options;
    }

    /**
     * Serves until the front-end has gone.
     *
     * @throws SyscallException what could not be set up, on what, and why
     */
    void run() throws IOException, UsageException, ProtocolException {
        for (String warning : options.warnings()) {
            log.warn("{}", warning);
        }
        long capabilities =
                CapabilitySet.serving(
                        options.modcaps(), options.fileHandles() != Options.FileHandles.NEVER);
        Jail.checkShared(sys, options.sharedDir());
        long openFiles = FileLimit.apply(sys, options.rlimitNofile());
        try (Endpoint endpoint = Endpoint.open(sys, options)) {
            removeFilesOnSignal(endpoint);
            PasteLines.printOnTerminal(options);
            requireNamespaces();
            openAllJars();
            try (Jail jail = Jail.enter(sys, options)) {
                CapabilitySet.limitTo(sys, capabilities);
                try (ShareSession session =
                        new ShareSession(
                                sys,
                                options,
                                endpoint.takeListener(),
                                pinnedInodes(openFiles),
                                jail.root(),
                                jail.procSelfFd())) {
                    SeccompFilter.load(sys, options.seccomp());
                    // Kata's runtime waits for this very line.
                    log.info("Waiting for vhost-user socket connection...");
                    session.serve(VhostUserServer.AfterDisconnect.END);
                }
            }
        }
    }

    /**
     * Makes sure that a class outside the AOT cache can still be loaded in the jail, where no file
     * of ours can be opened: a search without a result opens every jar of the class path, and the
     * first Inflater loads the library that unpacks from them.
     */
    private static void openAllJars() {
        Daemon.class.getClassLoader().getResource("META-INF/porthole/none");
        new Inflater(true).end();
    }

    /**
     * The launcher makes the namespaces; without it a pivot would move the caller's whole world.
     */
    private void requireNamespaces() throws UsageException {
        if (options.sandbox() == Options.Sandbox.NAMESPACE
                && System.getenv("PORTHOLE_NAMESPACES") == null) {
            throw new UsageException(
                    "--sandbox=namespace needs the launcher bin/virtiofsd, which makes the"
                            + " namespaces; to run the JVM yourself use --sandbox=chroot or none");
        }
    }

    private void removeFilesOnSignal(Endpoint endpoint) {
        Thread hook =
                new Thread(
                        () -> {
                            endpoint.close();
                            if (!Boolean.getBoolean("porthole.training")) {
                                sys.exitNow(EXIT_BY_SIGNAL);
                            }
                        },
                        "signal");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private int pinnedInodes(long openFiles) {
        long spare = Math.max(openFiles / 2, openFiles - RESERVED_FILES);
        int budget = options.maxOpenInodes();
        return budget == 0 || budget > spare ? (int) spare : budget;
    }
}
