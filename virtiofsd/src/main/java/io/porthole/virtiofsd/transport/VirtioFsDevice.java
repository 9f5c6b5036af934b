package io.porthole.virtiofsd.transport;

import io.porthole.fuse.FuseServer;
import io.porthole.fuse.Request;
import io.porthole.vhostuser.DescriptorChain;
import io.porthole.vhostuser.FrontendLink;
import io.porthole.vhostuser.QueueHandler;
import io.porthole.vhostuser.QueueStats;
import io.porthole.vhostuser.VhostUserDevice;
import io.porthole.virtiofsd.dax.DaxWindow;
import io.porthole.virtiofsd.metrics.RequestCounters;
import io.porthole.virtiofsd.metrics.ShareMetrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The virtio file system device (VIRTIO 1.3, 5.11): queue 0 is hiprio, then the request queues. The
 * notification queue is never offered, because Linux takes it for the first request queue.
 */
public final class VirtioFsDevice implements VhostUserDevice {
    /** struct virtio_fs_config: char tag[36]; le32 num_request_queues; le32 notify_buf_size. */
    private static final int CONFIG_BYTES = 44;

    private static final int TAG_BYTES = 36;
    private static final ValueLayout.OfInt LE32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final FuseServer server;
    private final RequestThreads threads;
    private final int requestQueues;
    private final boolean tagged;
    private final @Nullable DaxWindow dax;
    private final byte[] config = new byte[CONFIG_BYTES];
    private final ShareMetrics metrics = new ShareMetrics();

    /**
     * @param threads told of every queue's thread
     * @param tag mount tag, at most 36 bytes; empty where the VMM sets its own
     */
    public VirtioFsDevice(
            FuseServer server, RequestThreads threads, String tag, int requestQueues) {
        this(server, threads, tag, requestQueues, null);
    }

    /** As the other, with a DAX window, which is told of connections and stays the caller's. */
    public VirtioFsDevice(
            FuseServer server,
            RequestThreads threads,
            String tag,
            int requestQueues,
            @Nullable DaxWindow dax) {
        this.dax = dax;
        this.server = server;
        this.threads = threads;
        this.requestQueues = requestQueues;
        this.tagged = !tag.isEmpty();
        byte[] bytes = tag.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(bytes, 0, config, 0, Math.min(bytes.length, TAG_BYTES));
        MemorySegment.ofArray(config).set(LE32, TAG_BYTES, requestQueues);
    }

    @Override
    public int queueCount() {
        return 1 + requestQueues;
    }

    /**
     * Configuration space is offered with a tag only: QEMU 7.1 to 8.0's vhost-user-fs-pci sets the
     * tag itself and crashes on a back-end that offers VHOST_USER_PROTOCOL_F_CONFIG.
     */
    @Override
    public int configBytes() {
        return tagged ? CONFIG_BYTES : 0;
    }

    @Override
    public void readConfig(int offset, MemorySegment into) {
        MemorySegment.copy(MemorySegment.ofArray(config), offset, into, 0, into.byteSize());
    }

    /** The window is shared memory region 0 (VIRTIO 1.3, 5.11.5). */
    @Override
    public long[] sharedMemoryBytes() {
        return dax == null ? new long[0] : new long[] {dax.options().windowBytes()};
    }

    @Override
    public void connected(FrontendLink link) {
        metrics.connected();
        if (dax != null) {
            dax.attach(link.sharedMemory());
        }
    }

    /** The first queue is for FORGET and INTERRUPT (VIRTIO 1.3, 5.11.2), which have no answer. */
    @Override
    public boolean isUrgent(int index) {
        return index != 0;
    }

    @Override
    public QueueHandler openQueue(int index) {
        try {
            threads.started();
        } catch (IOException e) {
            throw new UncheckedIOException("queue " + index + " cannot serve", e);
        }
        return new Worker(server, threads, metrics, index);
    }

    /** What the queues have done. */
    public ShareMetrics metrics() {
        return metrics;
    }

    @Override
    public void reset() {
        if (dax != null) {
            dax.lose();
        }
        server.endSession();
    }

    @Override
    public void disconnected() {
        server.endSession();
        if (dax != null) {
            dax.detach();
        }
    }

    /** One queue's share of the work, on that queue's thread. */
    private static final class Worker implements QueueHandler {
        private final RequestThreads threads;
        private final Arena arena = Arena.ofShared();
        private final QueueExchange exchange = new QueueExchange(arena);
        private final Request request = new Request(exchange);
        private final RequestCounters counters = new RequestCounters();
        private final CountedRequests requests;
        private final ShareMetrics metrics;
        private final int index;
        private ShareMetrics.@Nullable Queue counted;

        Worker(FuseServer server, RequestThreads threads, ShareMetrics metrics, int index) {
            requests = new CountedRequests(server, counters);
            this.threads = threads;
            this.metrics = metrics;
            this.index = index;
        }

        @Override
        public void stats(QueueStats stats) {
            counted = new ShareMetrics.Queue(index, counters, stats);
            metrics.add(counted);
        }

        @Override
        public long handle(DescriptorChain chain) {
            exchange.begin(chain);
            requests.serve(exchange, request);
            return exchange.result();
        }

        @Override
        public void beforeSleep() {
            counters.slept();
            threads.resting();
        }

        @Override
        public void close() {
            if (counted != null) {
                metrics.remove(counted);
            }
            threads.stopped();
            arena.close();
        }
    }
}
