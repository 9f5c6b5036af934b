package io.porthole.virtiofsd.transport;

import io.porthole.fuse.FuseServer;
import io.porthole.fuse.Request;
import io.porthole.linux.Errno;
import io.porthole.linux.Fcntl;
import io.porthole.linux.Fd;
import io.porthole.linux.NativeStrings;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.QueueStats;
import io.porthole.virtiofsd.metrics.RequestCounters;
import io.porthole.virtiofsd.metrics.ShareMetrics;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A mount of this host's own kernel (fuse(4)): each thread reads requests from a descriptor of its
 * own, which is a clone of the one that was mounted, so that the kernel spreads them and wakes one.
 * Where /dev/fuse may not be opened (it is root's alone, and a user namespace's root is another),
 * all read from the one.
 */
public final class FuseDevice implements AutoCloseable {
    private static final String DEVICE = "/dev/fuse";

    /** _IOR(229, 0, uint32_t), linux/fuse.h. */
    private static final long FUSE_DEV_IOC_CLONE = 0x8004e500L;

    private final Syscalls sys;
    private final List<Fd> descriptors;
    private final int threads;
    private final ShareMetrics metrics = new ShareMetrics();
    private volatile @Nullable IOException failure;

    private FuseDevice(Syscalls sys, List<Fd> descriptors, int threads) {
        this.sys = sys;
        this.descriptors = descriptors;
        this.threads = threads;
    }

    /**
     * Takes over a mounted descriptor and clones it. Needs /dev/fuse in sight.
     *
     * @param mounted descriptor of /dev/fuse that was given to mount(2)
     */
    public static FuseDevice adopt(Syscalls sys, Fd mounted, int threads) throws SyscallException {
        List<Fd> all = new ArrayList<>(List.of(mounted));
        FuseDevice device = new FuseDevice(sys, all, threads);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = arena.allocateFrom(ValueLayout.JAVA_INT, mounted.value());
            long path = NativeStrings.of(arena, DEVICE).address();
            while (all.size() < threads) {
                int flags = Fcntl.O_RDWR | Fcntl.O_CLOEXEC;
                long fd = sys.openat(Fcntl.AT_FDCWD, path, flags, 0);
                if (fd == -Errno.EACCES) {
                    break;
                }
                SyscallException.check(fd, "open", DEVICE);
                all.add(Fd.adopt(sys, (int) fd));
                SyscallException.check(
                        sys.ioctl((int) fd, FUSE_DEV_IOC_CLONE, from.address()), "clone", DEVICE);
            }
            return device;
        } catch (SyscallException e) {
            device.close();
            throw e;
        }
    }

    /** What the threads have done; each is shown as a queue. */
    public ShareMetrics metrics() {
        return metrics;
    }

    /**
     * Serves until the mount has gone; no request is under way then.
     *
     * @throws SyscallException if the device fails otherwise
     */
    public void serve(FuseServer server, RequestThreads hooks) throws IOException {
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int fd = descriptors.get(i % descriptors.size()).value();
            RequestCounters counters = new RequestCounters();
            metrics.add(new ShareMetrics.Queue(i, counters, QueueStats.none()));
            CountedRequests requests = new CountedRequests(server, counters);
            Thread thread = new Thread(() -> serve(requests, hooks, fd), "fuse-" + i);
            thread.start();
            readers.add(thread);
        }
        try {
            for (Thread thread : readers) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while the mount is served");
        }
        server.endSession();
        IOException failed = failure;
        if (failed != null) {
            throw failed;
        }
    }

    private void serve(CountedRequests requests, RequestThreads hooks, int fd) {
        try (Arena arena = Arena.ofConfined()) {
            hooks.started();
            FuseDeviceExchange exchange = new FuseDeviceExchange(sys, arena, fd);
            Request request = new Request(exchange);
            while (true) {
                long bytes = exchange.receive();
                if (bytes >= 0) {
                    requests.serve(exchange, request);
                } else if (bytes == -Errno.ENODEV) {
                    return;
                } else if (bytes != -Errno.EINTR
                        && bytes != -Errno.EAGAIN
                        // The request's caller was interrupted before it was read.
                        && bytes != -Errno.ENOENT) {
                    throw new SyscallException("read", DEVICE, (int) -bytes);
                }
            }
        } catch (IOException e) {
            failure = e;
        } finally {
            hooks.stopped();
        }
    }

    @Override
    public void close() {
        descriptors.forEach(Fd::close);
    }
}
