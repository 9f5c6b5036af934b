package io.porthole.virtiofsd;

import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.linux.UnixListener;
import io.porthole.vhostuser.ProtocolException;
import io.porthole.vhostuser.VhostUserServer;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.cli.UsageException;
import io.porthole.virtiofsd.confine.CapabilitySet;
import io.porthole.virtiofsd.confine.Jail;
import io.porthole.virtiofsd.confine.SeccompFilter;
import io.porthole.virtiofsd.confine.SharedTree;
import io.porthole.virtiofsd.lockboard.LockBoard;
import io.porthole.virtiofsd.transport.FuseDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process around the shares: limits, sockets, jail, filter, and who serves what. */
final class Daemon {
    private static final Logger log = LoggerFactory.getLogger(Daemon.class);

    private static final int EXIT_BY_SIGNAL = 1;

    private final Syscalls sys;
    private final Options options;

    Daemon(Syscalls sys, Options options) {
        this.sys = sys;
        this.options = options;
    }

    /**
     * Serves until the front-end has gone, or, with several shares, until a signal ends the
     * process.
     *
     * @throws SyscallException what could not be set up, on what, and why
     */
    void run() throws IOException, UsageException, ProtocolException {
        for (String warning : options.warnings()) {
            log.warn("{}", warning);
        }
        boolean handles = options.control() != null;
        for (Options share : options.shares()) {
            Jail.checkShared(sys, share.sharedDir());
            handles |= share.fileHandles() != Options.FileHandles.NEVER;
        }
        long capabilities = CapabilitySet.serving(options.modcaps(), handles);
        DescriptorBudget budget =
                new DescriptorBudget(
                        FileLimit.apply(sys, options.rlimitNofile()),
                        options.shares().size(),
                        options.control() != null);
        try (LockBoard board = openLockBoard()) {
            if (options.mount() != null) {
                runMounted(capabilities, budget, board);
            } else if (options.manyShares()) {
                runMany(capabilities, budget, board);
            } else {
                runOne(capabilities, budget, board);
            }
        }
    }

    /**
     * What shares see deadlocks with each other on: a file, for several processes, or memory for
     * the shares of this one. Null where there is nothing to see: one share knows its own locks.
     */
    private @Nullable LockBoard openLockBoard() throws IOException, UsageException {
        String path = options.lockBoard();
        if (path == null) {
            return options.manyShares() && options.mayLock() ? LockBoard.ofProcess(sys) : null;
        }
        refuseWithinShares(path);
        return LockBoard.open(sys, path);
    }

    /** Before the file is made. */
    private void refuseWithinShares(String path) throws IOException, UsageException {
        Path folder = Path.of(path).toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            return; // whoever opens it will say what is wrong
        }
        for (Options share : options.shares()) {
            if (folder.toRealPath().startsWith(Path.of(share.sharedDir()).toRealPath())) {
                throw new UsageException(
                        "lock board "
                                + path
                                + " is in the shared directory "
                                + share.sharedDir()
                                + ", where guests can write to it");
            }
        }
    }

    private void runOne(long capabilities, DescriptorBudget budget, @Nullable LockBoard board)
            throws IOException, UsageException, ProtocolException {
        try (Endpoint endpoint = Endpoint.open(sys, options);
                MetricsEndpoint metrics =
                        options.metrics() == null ? null : MetricsEndpoint.open(sys, options)) {
            onSignal(metrics == null ? endpoint::close : () -> closeBoth(endpoint, metrics));
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
                                budget.take(options.maxOpenInodes()),
                                jail.root(),
                                jail.procSelfFd(),
                                board)) {
                    SeccompFilter.load(sys, options.seccomp());
                    if (metrics != null) {
                        metrics.start(() -> List.of(session.view()), Main.version());
                    }
                    // Kata's runtime waits for this very line.
                    log.info("Waiting for vhost-user socket connection...");
                    session.serve(
                            options.keepRunning()
                                    ? VhostUserServer.AfterDisconnect.WAIT_FOR_NEXT
                                    : VhostUserServer.AfterDisconnect.END);
                }
            }
        }
    }

    /** The launcher unmounts, also after a death of this process; so there is nothing to remove. */
    private void runMounted(long capabilities, DescriptorBudget budget, @Nullable LockBoard board)
            throws IOException, UsageException {
        MountedShare share = new MountedShare(sys, options);
        try (FuseDevice device = share.open();
                MetricsEndpoint metrics =
                        options.metrics() == null ? null : MetricsEndpoint.open(sys, options)) {
            requireNamespaces();
            openAllJars();
            try (Jail jail = Jail.enter(sys, options)) {
                CapabilitySet.limitTo(sys, capabilities);
                SeccompFilter.load(sys, options.seccomp());
                log.info("{} is mounted on {}", options.sharedDir(), options.mount());
                share.serve(device, jail, budget.take(options.maxOpenInodes()), metrics, board);
                log.info("{} is no longer mounted", options.mount());
            }
        }
    }

    /** All that is needed from outside is opened first; then the process has an empty root. */
    private void runMany(long capabilities, DescriptorBudget budget, @Nullable LockBoard board)
            throws IOException, UsageException {
        requireNamespaces();
        openAllJars();
        try (Opened opened = new Opened()) {
            onSignal(opened::close);
            for (Options share : options.shares()) {
                opened.open(share);
            }
            String control = options.control();
            Endpoint orders =
                    control == null ? null : Endpoint.bind(sys, control, null, sys.getpid());
            if (orders != null) {
                opened.atEnd(orders::close);
            }
            MetricsEndpoint metrics = MetricsEndpoint.open(sys, options);
            if (metrics != null) {
                opened.atEnd(metrics::close);
            }
            try (Jail jail = Jail.enterEmpty(sys, options);
                    ManyShares shares = new ManyShares(sys, budget, jail.procSelfFd(), board)) {
                CapabilitySet.limitTo(sys, capabilities);
                opened.handTo(shares);
                SeccompFilter.load(sys, options.seccomp());
                shares.start();
                if (metrics != null) {
                    metrics.start(shares::views, Main.version());
                }
                log.info("Waiting for vhost-user socket connection...");
                if (orders != null) {
                    new ControlServer(sys, options, shares)
                            .serve(UnixListener.adopt(orders.takeListener()));
                }
                waitForEver();
            }
        }
    }

    private static void waitForEver() {
        while (true) {
            LockSupport.park();
        }
    }

    /** What was opened before the jail, and what lies on disk until the process ends. */
    private final class Opened implements AutoCloseable {
        private final List<Runnable> kept = new ArrayList<>();
        private final List<Endpoint> endpoints = new ArrayList<>();
        private final List<Fd> roots = new ArrayList<>();
        private @Nullable ManyShares owner;

        synchronized void atEnd(Runnable removeFiles) {
            kept.add(removeFiles);
        }

        synchronized void open(Options share) throws SyscallException, UsageException {
            endpoints.add(Endpoint.open(sys, share));
            roots.add(
                    options.sandbox() == Options.Sandbox.NONE
                            ? SharedTree.openPlain(sys, share.sharedDir())
                            : SharedTree.open(sys, share.sharedDir(), share.readonly()));
        }

        synchronized void handTo(ManyShares shares) throws SyscallException, UsageException {
            owner = shares;
            for (Options share : options.shares()) {
                shares.add(share, endpoints.removeFirst(), roots.removeFirst());
            }
        }

        /** Removes the files of the process's sockets; also when a signal ends it. */
        @Override
        public synchronized void close() {
            kept.forEach(Runnable::run);
            endpoints.forEach(Endpoint::close);
            roots.forEach(Fd::close);
            if (owner != null) {
                owner.removeFiles();
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
        if (options.mapsNamespace() && System.getenv("PORTHOLE_UID_MAP") == null) {
            throw new UsageException(
                    "--uid-map and --gid-map are for the launcher: they must be on the command"
                            + " line itself");
        }
    }

    private static void closeBoth(Endpoint endpoint, MetricsEndpoint metrics) {
        endpoint.close();
        metrics.close();
    }

    private void onSignal(Runnable removeFiles) {
        Thread hook =
                new Thread("signal") {
                    @Override
                    public void run() {
                        removeFiles.run();
                        if (!Boolean.getBoolean("porthole.training")) {
                            sys.exitNow(EXIT_BY_SIGNAL);
                        }
                    }
                };
        Runtime.getRuntime().addShutdownHook(hook);
    }
}
