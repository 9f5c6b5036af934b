package io.porthole.virtiofsd;

import io.porthole.fuse.FuseServer;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.ProtocolException;
import io.porthole.vhostuser.VhostUserServer;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.cli.UsageException;
import io.porthole.virtiofsd.confine.CapabilitySet;
import io.porthole.virtiofsd.confine.Jail;
import io.porthole.virtiofsd.confine.SeccompFilter;
import io.porthole.virtiofsd.passthrough.CachePolicy;
import io.porthole.virtiofsd.passthrough.PassthroughFileSystem;
import io.porthole.virtiofsd.passthrough.PassthroughOptions;
import io.porthole.virtiofsd.transport.RequestThreads;
import io.porthole.virtiofsd.transport.VirtioFsDevice;
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
                PassthroughFileSystem files =
                        new PassthroughFileSystem(
                                sys,
                                passthroughOptions(openFiles),
                                jail.root().value(),
                                jail.procSelfFd().value());
                try (files) {
                    VirtioFsDevice device =
                            new VirtioFsDevice(
                                    new FuseServer(files),
                                    requestThreads(files),
                                    options.tag(),
                                    options.requestQueues());
                    try (VhostUserServer server =
                            VhostUserServer.inherit(device, endpoint.takeListener())) {
                        SeccompFilter.load(sys, options.seccomp());
                        // Kata's runtime waits for this very line.
                        log.info("Waiting for vhost-user socket connection...");
                        server.serve(VhostUserServer.AfterDisconnect.END);
                    }
                }
            }
        }
    }

    private static RequestThreads requestThreads(PassthroughFileSystem files) {
        return new RequestThreads() {
            @Override
            public void started() throws SyscallException {
                files.threadStarted();
            }

            @Override
            public void stopped() {
                files.threadStopped();
            }
        };
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

    private PassthroughOptions passthroughOptions(long openFiles) {
        long spare = Math.max(openFiles / 2, openFiles - RESERVED_FILES);
        int budget = options.maxOpenInodes();
        if (budget == 0 || budget > spare) {
            budget = (int) spare;
        }
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
                .maxPinnedInodes(budget)
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
