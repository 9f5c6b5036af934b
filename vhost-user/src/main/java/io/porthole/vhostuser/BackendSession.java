package io.porthole.vhostuser;

import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.Syscalls;
import io.porthole.vhostuser.ProtocolException.Kind;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of a front-end to a device: takes its messages, one after the other, on the
 * control thread that calls {@link #serve}.
 *
 * <p>A queue runs while it has a size, addresses and a kick (or the word that there is none), is
 * enabled, and was not stopped by GET_VRING_BASE since. The specification starts a ring at its
 * first kick; as all known back-ends do, this one looks at the ring as soon as the kick descriptor
 * is set, so that requests made before a reconnection are found.
 */
final class BackendSession implements FrontendLink {
    private static final Logger log = LoggerFactory.getLogger(BackendSession.class);

    private static final List<Fd> NO_FDS = List.of();

    /** What is always offered; CONFIG only with a configuration space. */
    private static final long PROTOCOL_FEATURES =
            1L << VhostUser.PF_MQ
                    | 1L << VhostUser.PF_REPLY_ACK
                    | 1L << VhostUser.PF_BACKEND_REQ
                    | 1L << VhostUser.PF_RESET_DEVICE
                    | 1L << VhostUser.PF_CONFIGURE_MEM_SLOTS;

    /** Set-up of a queue that is not the ring's own. */
    private static final class Queue {
        final QueueWorker worker;
        boolean enabled;
        boolean kickSet;

        /** Set up anew since it last ran, so that the used index comes from the ring. */
        boolean anew = true;

        Queue(QueueWorker worker) {
            this.worker = worker;
        }
    }

    private final VhostUserDevice device;
    private final MessageChannel channel;
    private final MemoryTable memory;
    private final Queue[] queues;
    private final int configBytes;
    private volatile long protocolFeatures;
    private long features;
    private boolean connected;
    private final BackendRequests backendRequests;

    /** Takes ownership of the channel. */
    BackendSession(
            VhostUserDevice device, Syscalls syscalls, MessageChannel channel, long maxSpinNanos) {
        this.device = device;
        this.channel = channel;
        this.backendRequests = new BackendRequests(syscalls, device.sharedMemoryBytes());
        this.memory = new MemoryTable(syscalls, channel, backendRequests);
        this.configBytes = device.configBytes();
        int n = device.queueCount();
        queues = new Queue[n];
        for (int i = 0; i < n; i++) {
            queues[i] = new Queue(new QueueWorker(i, device, syscalls, memory, maxSpinNanos));
        }
    }

    /**
     * Answers messages until the front-end goes or {@link #close} is called.
     *
     * @throws ProtocolException what ended the connection, if not the front-end's leaving
     */
    void serve() throws ProtocolException {
        connected = true;
        device.connected(this);
        while (channel.receive()) {
            int request = channel.request();
            boolean wantsAck =
                    (channel.flags() & VhostUser.FLAG_NEED_REPLY) != 0
                            && (protocolFeatures & 1L << VhostUser.PF_REPLY_ACK) != 0;
            if ((channel.flags() & VhostUser.FLAG_REPLY) != 0) {
                throw new ProtocolException(
                        Kind.OUT_OF_ORDER, "a reply to " + VhostUser.requestName(request));
            }
            boolean replied;
            try {
                replied = handle(request);
            } catch (ProtocolException e) {
                if (e.endsConnection()) {
                    throw e;
                }
                if (wantsAck && !VhostUser.hasOwnReply(request)) {
                    log.warn("{} refused: {}", VhostUser.requestName(request), e.getMessage());
                    ack(request, 1);
                    continue;
                }
                if (e.kind() == Kind.UNSUPPORTED && !VhostUser.hasOwnReply(request)) {
                    log.warn("{} ignored: {}", VhostUser.requestName(request), e.getMessage());
                    continue;
                }
                // The front-end would go on as if it had worked, or wait for ever.
                throw e;
            }
            if (wantsAck && !replied) {
                ack(request, 0);
            }
        }
    }

    private void ack(int request, long result) throws ProtocolException {
        channel.putLong(0, result);
        channel.send(request, VhostUser.FLAG_REPLY, Long.BYTES, NO_FDS);
    }

    private void reply(long value) throws ProtocolException {
        ack(channel.request(), value);
    }

    /** Does one message; true if it has sent a reply. */
    private boolean handle(int request) throws ProtocolException {
        if (log.isDebugEnabled()) {
            log.debug(
                    "{}, {} bytes, {} descriptors",
                    VhostUser.requestName(request),
                    channel.payloadBytes(),
                    channel.fdCount());
        }
        return switch (request) {
            case VhostUser.GET_FEATURES -> {
                expect(0, 0);
                reply(device.features());
                yield true;
            }
            case VhostUser.SET_FEATURES -> {
                expect(8, 0);
                setFeatures(channel.payloadLong(0));
                yield false;
            }
            case VhostUser.SET_OWNER, VhostUser.RESET_OWNER -> false;
            case VhostUser.GET_PROTOCOL_FEATURES -> {
                expect(0, 0);
                reply(offeredProtocolFeatures());
                yield true;
            }
            case VhostUser.SET_PROTOCOL_FEATURES -> {
                expect(8, 0);
                setProtocolFeatures(channel.payloadLong(0));
                yield false;
            }
            case VhostUser.GET_QUEUE_NUM -> {
                expect(0, 0);
                reply(queues.length);
                yield true;
            }
            case VhostUser.SET_MEM_TABLE -> {
                memory.set();
                yield announceMemory();
            }
            case VhostUser.GET_MAX_MEM_SLOTS -> {
                expect(0, 0);
                reply(VhostUser.MAX_MEM_SLOTS);
                yield true;
            }
            case VhostUser.ADD_MEM_REG -> {
                require(VhostUser.PF_CONFIGURE_MEM_SLOTS);
                expect(8 + VhostUser.REGION_BYTES, 1);
                yield memory.add() && announceMemory();
            }
            case VhostUser.REM_MEM_REG -> {
                require(VhostUser.PF_CONFIGURE_MEM_SLOTS);
                // Older front-ends send the region's descriptor along; the channel closes it.
                expect(8 + VhostUser.REGION_BYTES, channel.fdCount());
                yield memory.remove() && announceMemory();
            }
            case VhostUser.SET_VRING_NUM -> {
                expect(8, 0);
                setVringNum(queue(channel.payloadInt(0)), channel.payloadInt(4));
                yield false;
            }
            case VhostUser.SET_VRING_ADDR -> {
                expect(40, 0);
                setVringAddr(queue(channel.payloadInt(0)));
                yield false;
            }
            case VhostUser.SET_VRING_BASE -> {
                expect(8, 0);
                setVringBase(queue(channel.payloadInt(0)), channel.payloadInt(4));
                yield false;
            }
            case VhostUser.GET_VRING_BASE -> {
                expect(8, 0);
                getVringBase(channel.payloadInt(0));
                yield true;
            }
            case VhostUser.SET_VRING_KICK -> {
                setVringKick();
                yield false;
            }
            case VhostUser.SET_VRING_CALL -> {
                QueueWorker worker = vringFdQueue().worker;
                worker.signals().setCall(vringFd());
                yield false;
            }
            case VhostUser.SET_VRING_ERR -> {
                QueueWorker worker = vringFdQueue().worker;
                worker.signals().setErr(vringFd());
                yield false;
            }
            case VhostUser.SET_VRING_ENABLE -> {
                expect(8, 0);
                setVringEnable(queue(channel.payloadInt(0)), channel.payloadInt(4));
                yield false;
            }
            case VhostUser.GET_CONFIG -> {
                getConfig();
                yield true;
            }
            case VhostUser.SET_CONFIG -> {
                setConfig();
                yield false;
            }
            case VhostUser.SET_BACKEND_REQ_FD -> {
                expect(0, 1);
                backendRequests.connect(channel.takeFd());
                yield false;
            }
            case VhostUser.GET_SHMEM_CONFIG -> {
                getShmemConfig();
                yield true;
            }
            case VhostUser.RESET_DEVICE -> {
                expect(0, 0);
                resetDevice();
                yield false;
            }
            default ->
                    throw new ProtocolException(Kind.UNSUPPORTED, "not a message of this back-end");
        };
    }

    private void expect(int payloadBytes, int fds) throws ProtocolException {
        if (channel.payloadBytes() != payloadBytes) {
            throw new ProtocolException(
                    Kind.BAD_SIZE,
                    VhostUser.requestName(channel.request())
                            + " has "
                            + channel.payloadBytes()
                            + " bytes of payload, not "
                            + payloadBytes);
        }
        if (channel.fdCount() != fds) {
            throw new ProtocolException(
                    Kind.BAD_FDS,
                    VhostUser.requestName(channel.request())
                            + " has "
                            + channel.fdCount()
                            + " descriptors, not "
                            + fds);
        }
    }

    // ---- Features ----

    private void setFeatures(long chosen) throws ProtocolException {
        long unknown = chosen & ~device.features();
        if (unknown != 0) {
            throw new ProtocolException(
                    Kind.BAD_FEATURES, "features not on offer: 0x" + Long.toHexString(unknown));
        }
        if (chosen != features) {
            for (Queue q : queues) {
                q.worker.stop();
                q.worker.ring().setFeatures(chosen);
            }
            features = chosen;
        }
        device.featuresNegotiated(chosen);
        for (Queue q : queues) {
            if ((chosen & VhostUser.F_PROTOCOL_FEATURES) == 0) {
                // "Ring states": rings of such a front-end are enabled from the beginning.
                q.enabled = true;
            }
            startIfReady(q);
        }
    }

    private long offeredProtocolFeatures() {
        long offered = PROTOCOL_FEATURES;
        if (configBytes != 0) {
            offered |= 1L << VhostUser.PF_CONFIG;
        }
        if (backendRequests.regionCount() != 0) {
            offered |= 1L << VhostUser.PF_SHMEM;
        }
        return offered;
    }

    private void setProtocolFeatures(long chosen) throws ProtocolException {
        long unknown = chosen & ~offeredProtocolFeatures();
        if (unknown != 0) {
            throw new ProtocolException(
                    Kind.BAD_FEATURES,
                    "protocol features not on offer: 0x" + Long.toHexString(unknown));
        }
        protocolFeatures = chosen;
        backendRequests.negotiated(chosen);
    }

    private void require(int protocolFeature) throws ProtocolException {
        if ((protocolFeatures & 1L << protocolFeature) == 0) {
            throw new ProtocolException(
                    Kind.UNSUPPORTED,
                    VhostUser.requestName(channel.request()) + " was not negotiated");
        }
    }

    // ---- Rings ----

    /** Tells the queues of new guest memory. Returns false: there is no reply yet. */
    private boolean announceMemory() {
        for (Queue q : queues) {
            q.worker.memoryChanged();
        }
        return false;
    }

    private Queue queue(int index) throws ProtocolException {
        if (index < 0 || index >= queues.length) {
            throw new ProtocolException(
                    Kind.BAD_QUEUE,
                    "no queue " + Integer.toUnsignedString(index) + " in " + queues.length);
        }
        return queues[index];
    }

    private void setVringNum(Queue q, int size) throws ProtocolException {
        if (size <= 0 || size > Virtio.MAX_QUEUE_SIZE || (size & (size - 1)) != 0) {
            throw new ProtocolException(
                    Kind.BAD_QUEUE, "queue size " + Integer.toUnsignedString(size));
        }
        q.worker.stop();
        q.worker.ring().setSize(size);
        startIfReady(q);
    }

    private void setVringAddr(Queue q) throws ProtocolException {
        long desc = channel.payloadLong(8);
        long used = channel.payloadLong(16);
        long avail = channel.payloadLong(24);
        // VIRTIO 1.3 2.7: alignment of descriptor table, available and used ring.
        if ((desc & 15) != 0 || (avail & 1) != 0 || (used & 3) != 0) {
            throw new ProtocolException(
                    Kind.BAD_QUEUE,
                    "ring addresses not aligned: descriptors 0x"
                            + Long.toHexString(desc)
                            + ", available 0x"
                            + Long.toHexString(avail)
                            + ", used 0x"
                            + Long.toHexString(used));
        }
        q.worker.stop();
        q.worker.ring().setAddresses(desc, avail, used);
        startIfReady(q);
    }

    private void setVringBase(Queue q, int base) throws ProtocolException {
        if (base < 0 || base > 0xffff) {
            throw new ProtocolException(
                    Kind.BAD_QUEUE, "next available index " + Integer.toUnsignedString(base));
        }
        q.worker.stop();
        if (base != q.worker.ring().nextAvail()) {
            // Not where it stopped: another driver's ring, to whom old requests mean nothing.
            q.worker.forgetDeferred();
        }
        q.worker.ring().setNextAvail(base);
        q.anew = true;
        startIfReady(q);
    }

    private void getVringBase(int index) throws ProtocolException {
        Queue q = queue(index);
        // First, and without a wait: the front-end answers nothing until it has our reply.
        backendRequests.stopped();
        stopRing(q);
        channel.putInt(0, index);
        channel.putInt(4, q.worker.ring().nextAvail());
        channel.send(VhostUser.GET_VRING_BASE, VhostUser.FLAG_REPLY, 8, NO_FDS);
    }

    private static void stopRing(Queue q) {
        q.worker.stop();
        q.worker.signals().dropKick();
        q.kickSet = false;
        q.anew = true;
    }

    private Queue vringFdQueue() throws ProtocolException {
        boolean noFd =
                (channel.payloadBytes() >= 8
                        && (channel.payloadLong(0) & VhostUser.VRING_NOFD) != 0);
        expect(8, noFd ? 0 : 1);
        return queue((int) (channel.payloadLong(0) & VhostUser.VRING_INDEX_MASK));
    }

    private @Nullable Fd vringFd() {
        return channel.fdCount() == 0 ? null : channel.takeFd();
    }

    private void setVringKick() throws ProtocolException {
        Queue q = vringFdQueue();
        q.worker.stop();
        try {
            q.worker.signals().setKick(vringFd());
        } catch (SyscallException e) {
            q.kickSet = false;
            throw new ProtocolException(Kind.BAD_FDS, String.valueOf(e.getMessage()), e);
        }
        q.kickSet = true;
        startIfReady(q);
    }

    private void setVringEnable(Queue q, int enable) throws ProtocolException {
        if (enable != 0 && enable != 1) {
            throw new ProtocolException(
                    Kind.BAD_QUEUE, "enable " + Integer.toUnsignedString(enable));
        }
        q.enabled = enable == 1;
        if (q.enabled) {
            startIfReady(q);
        } else {
            q.worker.stop();
        }
    }

    private void startIfReady(Queue q) {
        SplitRing ring = q.worker.ring();
        if (q.enabled
                && q.kickSet
                && !q.worker.running()
                && ring.size() != 0
                && ring.hasAddresses()) {
            q.worker.start(q.anew);
            q.anew = false;
            backendRequests.started();
        }
    }

    private void resetDevice() {
        backendRequests.stopped();
        for (Queue q : queues) {
            stopRing(q);
            q.worker.signals().setCall(null);
            q.worker.signals().setErr(null);
            q.worker.forgetDeferred();
            q.worker.ring().reset();
            q.enabled = (features & VhostUser.F_PROTOCOL_FEATURES) == 0;
        }
        // The front-end drops what is mapped along with the rest of the device's state.
        backendRequests.forget();
        device.reset();
    }

    // ---- Configuration space ----

    private void getConfig() throws ProtocolException {
        MemorySegment config = checkConfig();
        if (config == null) {
            // An error is a reply without payload (GET_CONFIG).
            log.warn(
                    "GET_CONFIG of {} bytes at {}, configuration space has {}",
                    channel.payloadInt(4),
                    channel.payloadInt(0),
                    configBytes);
            channel.send(VhostUser.GET_CONFIG, VhostUser.FLAG_REPLY, 0, NO_FDS);
            return;
        }
        int bytes = (int) config.byteSize();
        MemorySegment to = channel.outPayload().asSlice(0, VhostUser.CONFIG_HEADER_BYTES + bytes);
        to.fill((byte) 0);
        MemorySegment.copy(channel.payload(), 0, to, 0, VhostUser.CONFIG_HEADER_BYTES);
        device.readConfig(channel.payloadInt(0), to.asSlice(VhostUser.CONFIG_HEADER_BYTES, bytes));
        channel.send(
                VhostUser.GET_CONFIG,
                VhostUser.FLAG_REPLY,
                VhostUser.CONFIG_HEADER_BYTES + bytes,
                NO_FDS);
    }

    private void setConfig() throws ProtocolException {
        MemorySegment config = checkConfig();
        if (config == null || !device.writeConfig(channel.payloadInt(0), config)) {
            throw new ProtocolException(Kind.BAD_CONFIG, "the device does not take this");
        }
    }

    /** Also answered where SHMEM is not negotiated yet: QEMU asks when the device is realized. */
    private void getShmemConfig() throws ProtocolException {
        expect(0, 0);
        MemorySegment to = channel.outPayload().asSlice(0, VhostUser.SHMEM_CONFIG_BYTES);
        to.fill((byte) 0);
        channel.putInt(0, backendRequests.regionCount());
        for (int id = 0; id < VhostUser.MAX_SHMEM_REGIONS; id++) {
            channel.putLong(8 + 8 * id, backendRequests.regionBytes(id));
        }
        channel.send(
                VhostUser.GET_SHMEM_CONFIG,
                VhostUser.FLAG_REPLY,
                VhostUser.SHMEM_CONFIG_BYTES,
                NO_FDS);
    }

    /** The bytes of a CONFIG message, or null if they reach beyond configuration space. */
    private @Nullable MemorySegment checkConfig() throws ProtocolException {
        require(VhostUser.PF_CONFIG);
        int payload = channel.payloadBytes();
        if (payload < VhostUser.CONFIG_HEADER_BYTES) {
            throw new ProtocolException(Kind.BAD_SIZE, "a config message of " + payload + " bytes");
        }
        int offset = channel.payloadInt(0);
        int bytes = channel.payloadInt(4);
        if (bytes < 0
                || offset < 0
                || bytes != payload - VhostUser.CONFIG_HEADER_BYTES
                || offset > configBytes - bytes) {
            return null;
        }
        return channel.payload().asSlice(VhostUser.CONFIG_HEADER_BYTES, bytes);
    }

    // ---- The link, and its end ----

    @Override
    public long protocolFeatures() {
        return protocolFeatures;
    }

    @Override
    public SharedMemory sharedMemory() {
        return backendRequests;
    }

    /** Makes {@link #serve} return. Any thread. */
    @Override
    public void close() {
        channel.shutdown();
    }

    /** Ends the queues and gives everything back. After {@link #serve}, on the same thread. */
    void end() {
        // Before the queues: a thread that waits for an answer of the front-end gets an error.
        backendRequests.shutdown();
        for (Queue q : queues) {
            q.worker.end();
        }
        memory.close();
        backendRequests.close();
        if (connected) {
            device.disconnected();
        }
        channel.close();
    }
}
