package io.porthole.virtiofsd;

import io.porthole.fuse.FuseServer;
import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.ProtocolException;
import io.porthole.vhostuser.VhostUserServer;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.dax.DaxWindow;
import io.porthole.virtiofsd.lockboard.LockBoard;
import io.porthole.virtiofsd.metrics.ShareMetrics;
import io.porthole.virtiofsd.metrics.ShareView;
import io.porthole.virtiofsd.passthrough.PassthroughFileSystem;
import io.porthole.virtiofsd.transport.RequestThreads;
import io.porthole.virtiofsd.transport.VirtioFsDevice;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * One share as it is served: its file system with all tables, its device and its server. Nothing of
 * it is shared with another share of the process, but for the lock board.
 *
 * <p>{@link #serve} runs on a thread of the caller's; {@link #close} may come from any other and
 * waits for it. The descriptors that it is given stay the caller's, but for the listening socket.
 */
final class ShareSession implements AutoCloseable {
    private final Options options;
    private final @Nullable DaxWindow dax;
    private final PassthroughFileSystem files;
    private final FuseServer requests;
    private final VirtioFsDevice device;
    private final VhostUserServer server;

    /**
     * @param listener listening socket, closed by this session
     * @param pinnedInodes descriptors that the share may pin for inodes
     * @param rootFd O_PATH descriptor of the shared directory
     * @param procFd O_PATH descriptor of /proc/self/fd
     * @param board where deadlocks of locks with other shares can be seen, or null
     */
    ShareSession(
            Syscalls sys,
            Options options,
            Fd listener,
            int pinnedInodes,
            Fd rootFd,
            Fd procFd,
            @Nullable LockBoard board)
            throws SyscallException {
        this.options = options;
        dax = ShareSettings.daxWindow(sys, options);
        files =
                new PassthroughFileSystem(
                        sys,
                        ShareSettings.passthrough(options, pinnedInodes),
                        rootFd.value(),
                        procFd.value(),
                        dax,
                        board);
        requests = new FuseServer(files, ShareSettings.observer(options));
        device =
                new VirtioFsDevice(
                        requests,
                        requestThreads(files),
                        options.tag(),
                        options.requestQueues(),
                        dax);
        server = VhostUserServer.inherit(device, listener);
    }

    /** What the share was set up with. */
    Options options() {
        return options;
    }

    /** The share's figures as of now. */
    ShareView view() {
        return view(options, connected(), device.metrics(), requests, files);
    }

    /** A share's figures as of now, whoever asks it for files. */
    static ShareView view(
            Options options,
            boolean connected,
            ShareMetrics metrics,
            FuseServer requests,
            PassthroughFileSystem files) {
        return new ShareView(
                options.tag(),
                connected,
                metrics,
                requests.counters(),
                files.inodeCount(),
                files.pinnedInodeCount(),
                files.handleCount(),
                files.lockOwnerCount(),
                files.waitingLockCount());
    }

    /** Whether a front-end is connected. */
    boolean connected() {
        return server.connected();
    }

    /** Serves front-ends, one after the other or only one, until that or {@link #close} ends it. */
    void serve(VhostUserServer.AfterDisconnect policy) throws ProtocolException, IOException {
        server.serve(policy);
    }

    /** Makes a thread fit for requests to {@code files}, and lets go of it. */
    static RequestThreads requestThreads(PassthroughFileSystem files) {
        return new RequestThreads() {
            @Override
            public void started() throws SyscallException {
                files.queueThreadStarted();
            }

            @Override
            public void resting() {
                files.threadRests();
            }

            @Override
            public void stopped() {
                files.threadStopped();
            }
        };
    }

    @Override
    public void close() {
        server.close();
        files.close();
        if (dax != null) {
            dax.close();
        }
    }
}
