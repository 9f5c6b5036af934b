package io.porthole.vhostuser;

import io.porthole.linux.Fd;
import io.porthole.linux.SyscallException;
import io.porthole.linux.UnixSocket;
import io.porthole.vhostuser.ProtocolException.Kind;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The other end of a vhost-user device: a VMM and a guest's driver in one object, for tests and
 * load drivers. It brings guest memory and queues of its own, and works with any back-end.
 *
 * <pre>{@code
 * try (VhostUserFrontend vmm = VhostUserFrontend.connect("/run/fs.sock")) {
 *     vmm.negotiate(VhostUserDevice.DEFAULT_FEATURES);
 *     GuestRam ram = vmm.addRam(0, 64 << 20);
 *     DriverQueue queue = vmm.startQueue(1, 128, 0, ram);
 *     ...
 * }
 * }</pre>
 *
 * <p>Control methods may be called by any thread, one at a time; each queue may have its own.
 */
public final class VhostUserFrontend implements AutoCloseable {
    private static final List<Fd> NO_FDS = List.of();

    private final MessageChannel channel;
    private final List<GuestRam> rams = new ArrayList<>();
    private final List<DriverQueue> queues = new ArrayList<>();
    private long features;
    private long protocolFeatures;
    private boolean nonBlockingKicks = true;
    private @Nullable SharedWindow window;

    private VhostUserFrontend(UnixSocket socket) {
        channel = new MessageChannel(socket);
    }

    public static VhostUserFrontend connect(String socketPath) throws SyscallException {
        return new VhostUserFrontend(UnixSocket.connect(socketPath));
    }

    /** Takes over a socket that is connected to a back-end. */
    public static VhostUserFrontend over(UnixSocket socket) {
        return new VhostUserFrontend(socket);
    }

    /** Whether kick descriptors are non-blocking, as QEMU's are (the default). */
    public void nonBlockingKicks(boolean yes) {
        nonBlockingKicks = yes;
    }

    // ---- Features ----

    /**
     * Does what a VMM does first: takes ownership and chooses all of {@code wanted} that is on
     * offer, with every protocol feature this end knows.
     *
     * @return the virtio features chosen
     */
    public synchronized long negotiate(long wanted) throws ProtocolException {
        return negotiate(
                wanted,
                1L << VhostUser.PF_MQ
                        | 1L << VhostUser.PF_REPLY_ACK
                        | 1L << VhostUser.PF_CONFIG
                        | 1L << VhostUser.PF_RESET_DEVICE
                        | 1L << VhostUser.PF_BACKEND_REQ
                        | 1L << VhostUser.PF_SHMEM
                        | 1L << VhostUser.PF_CONFIGURE_MEM_SLOTS);
    }

    /** As {@link #negotiate(long)}, with a choice of protocol features. */
    public synchronized long negotiate(long wanted, long wantedProtocol) throws ProtocolException {
        long chosen = wanted & getFeatures();
        if ((chosen & VhostUser.F_PROTOCOL_FEATURES) != 0) {
            setProtocolFeatures(wantedProtocol & getProtocolFeatures());
        }
        request(VhostUser.SET_OWNER, 0);
        setFeatures(chosen);
        return chosen;
    }

    public synchronized long getFeatures() throws ProtocolException {
        return ask(VhostUser.GET_FEATURES);
    }

    public synchronized void setFeatures(long chosen) throws ProtocolException {
        channel.putLong(0, chosen);
        request(VhostUser.SET_FEATURES, 8);
        features = chosen;
    }

    public synchronized long getProtocolFeatures() throws ProtocolException {
        return ask(VhostUser.GET_PROTOCOL_FEATURES);
    }

    public synchronized void setProtocolFeatures(long chosen) throws ProtocolException {
        channel.putLong(0, chosen);
        request(VhostUser.SET_PROTOCOL_FEATURES, 8);
        protocolFeatures = chosen;
    }

    /** The virtio features chosen. */
    public long features() {
        return features;
    }

    private boolean has(int protocolFeature) {
        return (protocolFeatures & 1L << protocolFeature) != 0;
    }

    /** How many queues the back-end has (GET_QUEUE_NUM). */
    public synchronized int queueCount() throws ProtocolException {
        return (int) ask(VhostUser.GET_QUEUE_NUM);
    }

    public synchronized long maxMemorySlots() throws ProtocolException {
        return ask(VhostUser.GET_MAX_MEM_SLOTS);
    }

    // ---- Guest memory ----

    /**
     * Makes guest memory, which lives until this front-end closes, and tells the back-end: by
     * ADD_MEM_REG where it can, by a new memory table otherwise.
     */
    public synchronized GuestRam addRam(long guestAddr, long bytes)
            throws ProtocolException, SyscallException {
        GuestRam ram = GuestRam.create(guestAddr, bytes);
        rams.add(ram);
        if (has(VhostUser.PF_CONFIGURE_MEM_SLOTS)) {
            addRegion(ram);
        } else {
            setMemoryTable(rams);
        }
        return ram;
    }

    /** Takes guest memory away from the back-end (REM_MEM_REG), and closes it. */
    public synchronized void removeRam(GuestRam ram) throws ProtocolException {
        rams.remove(ram);
        removeRegion(ram);
        ram.close();
    }

    /** SET_MEM_TABLE. */
    public synchronized void setMemoryTable(List<GuestRam> table) throws ProtocolException {
        channel.putInt(0, table.size());
        channel.putInt(4, 0);
        List<Fd> fds = new ArrayList<>();
        int at = 8;
        for (GuestRam ram : table) {
            putRegion(at, ram);
            fds.add(ram.fd());
            at += VhostUser.REGION_BYTES;
        }
        request(VhostUser.SET_MEM_TABLE, at, fds);
    }

    /** ADD_MEM_REG. */
    public synchronized void addRegion(GuestRam ram) throws ProtocolException {
        channel.putLong(0, 0);
        putRegion(8, ram);
        request(VhostUser.ADD_MEM_REG, 8 + VhostUser.REGION_BYTES, List.of(ram.fd()));
    }

    /** REM_MEM_REG. */
    public synchronized void removeRegion(GuestRam ram) throws ProtocolException {
        channel.putLong(0, 0);
        putRegion(8, ram);
        request(VhostUser.REM_MEM_REG, 8 + VhostUser.REGION_BYTES);
    }

    private void putRegion(int at, GuestRam ram) {
        channel.putLong(at, ram.guestAddr());
        channel.putLong(at + 8, ram.bytes());
        channel.putLong(at + 16, ram.userAddr());
        channel.putLong(at + 24, 0);
    }

    // ---- Queues ----

    /**
     * Sets a queue up and starts it.
     *
     * @param size a power of two
     * @param tableEntries entries of the indirect table that each descriptor gets; 0 for none
     * @param ram holds rings and tables
     */
    public synchronized DriverQueue startQueue(int index, int size, int tableEntries, GuestRam ram)
            throws ProtocolException, SyscallException {
        DriverQueue queue =
                new DriverQueue(index, size, tableEntries, features, ram, nonBlockingKicks);
        queues.add(queue);
        startQueue(queue, 0);
        return queue;
    }

    /** Starts a queue that was stopped, at the index that {@link #stopQueue} returned. */
    public synchronized void startQueue(DriverQueue queue, int base) throws ProtocolException {
        int index = queue.index();
        vringState(VhostUser.SET_VRING_NUM, index, queue.size());
        vringState(VhostUser.SET_VRING_BASE, index, base);
        channel.putInt(0, index);
        channel.putInt(4, 0);
        channel.putLong(8, queue.descUserAddr());
        channel.putLong(16, queue.usedUserAddr());
        channel.putLong(24, queue.availUserAddr());
        channel.putLong(32, 0);
        request(VhostUser.SET_VRING_ADDR, 40);
        vringFd(VhostUser.SET_VRING_CALL, index, queue.callFd().fd());
        vringFd(VhostUser.SET_VRING_ERR, index, queue.errFd().fd());
        vringFd(VhostUser.SET_VRING_KICK, index, queue.kickFd().fd());
        if ((features & VhostUser.F_PROTOCOL_FEATURES) != 0) {
            enableQueue(index, true);
        }
    }

    /** SET_VRING_NUM, SET_VRING_BASE, SET_VRING_ENABLE. */
    public synchronized void vringState(int request, int index, int value)
            throws ProtocolException {
        channel.putInt(0, index);
        channel.putInt(4, value);
        request(request, 8);
    }

    /** SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR; null is VRING_NOFD. */
    public synchronized void vringFd(int request, int index, @Nullable Fd fd)
            throws ProtocolException {
        channel.putLong(0, fd == null ? index | VhostUser.VRING_NOFD : index);
        request(request, 8, fd == null ? NO_FDS : List.of(fd));
    }

    public synchronized void enableQueue(int index, boolean enabled) throws ProtocolException {
        vringState(VhostUser.SET_VRING_ENABLE, index, enabled ? 1 : 0);
    }

    /** GET_VRING_BASE: stops the queue. Returns the index of the next chain it would take. */
    public synchronized int stopQueue(DriverQueue queue) throws ProtocolException {
        channel.putInt(0, queue.index());
        channel.putInt(4, 0);
        channel.send(VhostUser.GET_VRING_BASE, 0, 8, NO_FDS);
        receiveReply(VhostUser.GET_VRING_BASE, 8);
        return channel.payloadInt(4);
    }

    /** RESET_DEVICE. */
    public synchronized void resetDevice() throws ProtocolException {
        request(VhostUser.RESET_DEVICE, 0);
    }

    // ---- Shared memory ----

    /**
     * The sizes of the back-end's shared memory regions, by region id (GET_SHMEM_CONFIG); 0 where
     * there is none.
     */
    public synchronized long[] sharedMemoryBytes() throws ProtocolException {
        channel.send(VhostUser.GET_SHMEM_CONFIG, 0, 0, NO_FDS);
        receiveReply(VhostUser.GET_SHMEM_CONFIG, VhostUser.SHMEM_CONFIG_BYTES);
        long[] bytes = new long[VhostUser.MAX_SHMEM_REGIONS];
        int left = channel.payloadInt(0);
        for (int id = 0; id < bytes.length; id++) {
            bytes[id] = channel.payloadLong(8 + 8 * id);
            if (bytes[id] != 0) {
                left--;
            }
        }
        if (left > 0) {
            throw new ProtocolException(Kind.BAD_SIZE, "more regions are counted than described");
        }
        return bytes;
    }

    /**
     * Provides shared memory region 0 and takes the back-end's requests for it, on a thread of its
     * own (SET_BACKEND_REQ_FD).
     *
     * @param guestAddr where the guest has it: what is mapped is announced there by ADD_MEM_REG,
     *     after the acknowledgement, as QEMU does; -1 to announce nothing
     */
    public SharedWindow provideWindow(long guestAddr) throws ProtocolException, SyscallException {
        long bytes = sharedMemoryBytes()[0];
        if (bytes == 0) {
            throw new ProtocolException(Kind.UNSUPPORTED, "the back-end has no such region");
        }
        List<UnixSocket> ends = UnixSocket.pair();
        SharedWindow made = SharedWindow.serve(this, ends.get(0), bytes, guestAddr);
        try (UnixSocket theirs = ends.get(1)) {
            synchronized (this) {
                window = made;
                request(VhostUser.SET_BACKEND_REQ_FD, 0, List.of(theirs.fd()));
            }
        }
        return made;
    }

    /** Tells the back-end of a piece of guest memory that is a file's (ADD_MEM_REG). */
    synchronized void announce(Fd fd, long guestAddr, long bytes, long userAddr, long fileOffset)
            throws ProtocolException {
        putPiece(guestAddr, bytes, userAddr, fileOffset);
        request(VhostUser.ADD_MEM_REG, 8 + VhostUser.REGION_BYTES, List.of(fd));
    }

    /** Takes it back (REM_MEM_REG). */
    synchronized void withdraw(long guestAddr, long bytes, long userAddr, long fileOffset)
            throws ProtocolException {
        putPiece(guestAddr, bytes, userAddr, fileOffset);
        request(VhostUser.REM_MEM_REG, 8 + VhostUser.REGION_BYTES);
    }

    private void putPiece(long guestAddr, long bytes, long userAddr, long fileOffset) {
        channel.putLong(0, 0);
        channel.putLong(8, guestAddr);
        channel.putLong(16, bytes);
        channel.putLong(24, userAddr);
        channel.putLong(32, fileOffset);
    }

    // ---- Configuration space ----

    /**
     * GET_CONFIG.
     *
     * @throws ProtocolException {@link Kind#REFUSED} if the back-end's is smaller
     */
    public synchronized byte[] readConfig(int offset, int bytes) throws ProtocolException {
        int total = VhostUser.CONFIG_HEADER_BYTES + bytes;
        channel.putInt(0, offset);
        channel.putInt(4, bytes);
        channel.putInt(8, 0);
        channel.outPayload().asSlice(VhostUser.CONFIG_HEADER_BYTES, bytes).fill((byte) 0);
        channel.send(VhostUser.GET_CONFIG, 0, total, NO_FDS);
        receiveReply(VhostUser.GET_CONFIG, -1);
        if (channel.payloadBytes() != total) {
            throw refused(VhostUser.GET_CONFIG);
        }
        return channel.payload()
                .asSlice(VhostUser.CONFIG_HEADER_BYTES, bytes)
                .toArray(ValueLayout.JAVA_BYTE);
    }

    /** SET_CONFIG. */
    public synchronized void writeConfig(int offset, byte[] bytes) throws ProtocolException {
        channel.putInt(0, offset);
        channel.putInt(4, bytes.length);
        channel.putInt(8, 0);
        MemorySegment.copy(
                bytes,
                0,
                channel.outPayload(),
                ValueLayout.JAVA_BYTE,
                VhostUser.CONFIG_HEADER_BYTES,
                bytes.length);
        request(VhostUser.SET_CONFIG, VhostUser.CONFIG_HEADER_BYTES + bytes.length);
    }

    // ---- Any message ----

    /**
     * Sends any request with any payload, for tests of back-ends. With REPLY_ACK it asks for an
     * acknowledgement and waits for it.
     */
    public synchronized void request(int request, byte[] payload, List<Fd> fds)
            throws ProtocolException {
        MemorySegment.copy(
                payload, 0, channel.outPayload(), ValueLayout.JAVA_BYTE, 0, payload.length);
        request(request, payload.length, fds);
    }

    private void request(int request, int payloadBytes) throws ProtocolException {
        request(request, payloadBytes, NO_FDS);
    }

    private void request(int request, int payloadBytes, List<Fd> fds) throws ProtocolException {
        if (!has(VhostUser.PF_REPLY_ACK)) {
            channel.send(request, 0, payloadBytes, fds);
            return;
        }
        channel.send(request, VhostUser.FLAG_NEED_REPLY, payloadBytes, fds);
        receiveReply(request, 8);
        if (channel.payloadLong(0) != 0) {
            throw refused(request);
        }
    }

    private static ProtocolException refused(int request) {
        return new ProtocolException(
                Kind.REFUSED, "the back-end refused " + VhostUser.requestName(request));
    }

    private long ask(int request) throws ProtocolException {
        channel.send(request, 0, 0, NO_FDS);
        receiveReply(request, 8);
        return channel.payloadLong(0);
    }

    private void receiveReply(int request, int payloadBytes) throws ProtocolException {
        if (!channel.receive()) {
            throw new ProtocolException(
                    Kind.TRUNCATED,
                    "the back-end ended the connection at " + VhostUser.requestName(request));
        }
        if (channel.request() != request || (channel.flags() & VhostUser.FLAG_REPLY) == 0) {
            throw new ProtocolException(
                    Kind.OUT_OF_ORDER,
                    VhostUser.requestName(channel.request())
                            + " in place of a reply to "
                            + VhostUser.requestName(request));
        }
        if (payloadBytes >= 0 && channel.payloadBytes() != payloadBytes) {
            throw new ProtocolException(
                    Kind.BAD_SIZE,
                    VhostUser.requestName(request)
                            + " answered with "
                            + channel.payloadBytes()
                            + " bytes, not "
                            + payloadBytes);
        }
    }

    /** Ends the connection without a word, as a crashed VMM does, and frees memory and queues. */
    @Override
    public void close() {
        channel.shutdown();
        SharedWindow w = window;
        if (w != null) {
            w.close();
        }
        channel.close();
        for (DriverQueue queue : queues) {
            queue.close();
        }
        for (GuestRam ram : rams) {
            ram.close();
        }
        queues.clear();
        rams.clear();
    }
}
