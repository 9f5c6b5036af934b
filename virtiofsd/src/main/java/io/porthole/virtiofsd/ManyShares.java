package io.porthole.virtiofsd;

import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.ProtocolException;
import io.porthole.vhostuser.VhostUserServer;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.cli.UsageException;
import io.porthole.virtiofsd.lockboard.LockBoard;
import io.porthole.virtiofsd.metrics.ShareView;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shares of a process that has several: they come, are served each on a thread of its own, one
 * front-end after the other, and go. What happens to one is nothing to the others.
 *
 * <p>Safe for use by several threads; none of the shares' own work is done under the lock.
 */
final class ManyShares implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ManyShares.class);

    /** A share with all that was opened for it. */
    private static final class Running {
        final ShareSession session;
        final Endpoint endpoint;
        final Fd root;
        final int pinnedInodes;
        final Thread thread;

        /** Why it is not served any more, or null. */
        volatile @Nullable String failure;

        Running(ShareSession session, Endpoint endpoint, Fd root, int pinnedInodes) {
            this.session = session;
            this.endpoint = endpoint;
            this.root = root;
            this.pinnedInodes = pinnedInodes;
            thread = new Thread(this::serve, "share-" + session.options().tag());
            thread.setDaemon(true);
        }

        private void serve() {
            try {
                session.serve(VhostUserServer.AfterDisconnect.WAIT_FOR_NEXT);
            } catch (IOException | ProtocolException | RuntimeException | Error e) {
                failure = String.valueOf(e.getMessage());
                log.error("share {} is served no more", session.options().tag(), e);
            }
        }

        String state() {
            String why = failure;
            if (why != null) {
                return "failed: " + why;
            }
            return session.connected() ? "connected" : "waiting";
        }
    }

    private final Syscalls sys;
    private final DescriptorBudget budget;
    private final Fd procFd;
    private final @Nullable LockBoard board;
    private final Map<String, Running> running = new LinkedHashMap<>();
    private boolean started;

    /**
     * @param procFd O_PATH descriptor of /proc/self/fd; stays the caller's
     * @param board the lock board of all shares, which stays the caller's, or null
     */
    ManyShares(Syscalls sys, DescriptorBudget budget, Fd procFd, @Nullable LockBoard board) {
        this.sys = sys;
        this.budget = budget;
        this.procFd = procFd;
        this.board = board;
    }

    /**
     * Takes a share in, and serves it once {@link #start} was called.
     *
     * @param endpoint where its front-ends connect; from now on this object's, also after a failure
     * @param root its directory; likewise
     * @throws UsageException if there is a share with that tag
     */
    synchronized void add(Options share, Endpoint endpoint, Fd root)
            throws SyscallException, UsageException {
        int pinned = budget.take(share.maxOpenInodes());
        boolean added = false;
        try {
            if (running.containsKey(share.tag())) {
                throw new UsageException("there is a share with the tag '" + share.tag() + "'");
            }
            ShareSession session =
                    new ShareSession(
                            sys, share, endpoint.takeListener(), pinned, root, procFd, board);
            Running now = new Running(session, endpoint, root, pinned);
            running.put(share.tag(), now);
            added = true;
            if (started) {
                now.thread.start();
            }
        } finally {
            if (!added) {
                endpoint.close();
                root.close();
                budget.giveBack(pinned);
            }
        }
    }

    synchronized void start() {
        started = true;
        running.values().forEach(share -> share.thread.start());
    }

    /**
     * Ends a share: its front-end is disconnected, its socket removed.
     *
     * @throws UsageException if there is none with that tag
     */
    void remove(String tag) throws UsageException {
        Running gone;
        synchronized (this) {
            gone = running.remove(tag);
        }
        if (gone == null) {
            throw new UsageException("there is no share with the tag '" + tag + "'");
        }
        end(gone);
    }

    private void end(Running share) {
        share.session.close();
        share.endpoint.close();
        share.root.close();
        budget.giveBack(share.pinnedInodes);
    }

    /** A line for each share: tag, state, directory and socket, separated by tabs. */
    List<String> list() {
        List<String> lines = new ArrayList<>();
        for (Running share : snapshot()) {
            Options o = share.session.options();
            lines.add(
                    String.join(
                            "\t",
                            o.tag(),
                            share.state(),
                            o.sharedDir(),
                            String.valueOf(o.socketPath())));
        }
        return lines;
    }

    /** The shares' figures as of now. */
    List<ShareView> views() {
        return snapshot().stream().map(share -> share.session.view()).toList();
    }

    /** Removes what is on disk, for a process that is about to end. */
    void removeFiles() {
        snapshot().forEach(share -> share.endpoint.close());
    }

    private synchronized List<Running> snapshot() {
        return List.copyOf(running.values());
    }

    @Override
    public void close() {
        List<Running> all = snapshot();
        synchronized (this) {
            running.clear();
        }
        all.forEach(this::end);
    }
}
