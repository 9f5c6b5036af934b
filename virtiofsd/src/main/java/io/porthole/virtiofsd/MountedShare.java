package io.porthole.virtiofsd;

import io.porthole.fuse.FuseServer;
import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.virtiofsd.cli.Options;
import io.porthole.virtiofsd.cli.UsageException;
import io.porthole.virtiofsd.confine.Jail;
import io.porthole.virtiofsd.lockboard.LockBoard;
import io.porthole.virtiofsd.passthrough.PassthroughFileSystem;
import io.porthole.virtiofsd.transport.FuseDevice;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A share that is mounted on this host itself ({@code --mount}): the same file system as a guest
 * sees, without a guest. The launcher mounts before the namespaces are made and unmounts at the
 * end, whatever the end was; here the mounted descriptor is served.
 */
final class MountedShare {
    private final Syscalls sys;
    private final Options options;

    MountedShare(Syscalls sys, Options options) {
        this.sys = sys;
        this.options = options;
    }

    /** Takes what the launcher has mounted; before the jail, where /dev/fuse is in sight. */
    FuseDevice open() throws SyscallException, UsageException {
        String fd = System.getenv("PORTHOLE_FUSE_FD");
        if (fd == null) {
            throw new UsageException("--mount needs the launcher bin/virtiofsd, which mounts");
        }
        return FuseDevice.adopt(sys, Fd.adopt(sys, Integer.parseInt(fd)), options.mountThreads());
    }

    /** Serves until the mount has gone. */
    void serve(
            FuseDevice device,
            Jail jail,
            int pinnedInodes,
            @Nullable MetricsEndpoint metrics,
            @Nullable LockBoard board)
            throws IOException {
        try (PassthroughFileSystem files =
                new PassthroughFileSystem(
                        sys,
                        ShareSettings.passthrough(options, pinnedInodes),
                        jail.root().value(),
                        jail.procSelfFd().value(),
                        null,
                        board)) {
            FuseServer requests = new FuseServer(files, ShareSettings.observer(options));
            if (metrics != null) {
                metrics.start(
                        () ->
                                List.of(
                                        ShareSession.view(
                                                options, true, device.metrics(), requests, files)),
                        Main.version());
            }
            device.serve(requests, ShareSession.requestThreads(files));
        }
    }
}
