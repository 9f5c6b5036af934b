package io.porthole.fuse;

import io.porthole.linux.NativeMemory;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The decoded head of the request in service, as a {@link FileSystem} sees it: who asks, and the
 * way to the payload. One per request thread, reused; valid until the handler returns.
 */
public final class Request {
    private final Exchange exchange;
    private int opcode;
    private long claimedBytes;
    private int extensionBytes;
    private long unique;
    private long nodeId;
    private int uid;
    private int gid;
    private int pid;
    private int supplementaryGroup = -1;
    private int securityNameAt;
    private int securityNameBytes;
    private int securityValueAt;
    private int securityValueBytes;
    private long dataBytes;
    private final Arguments arguments = new Arguments();
    private @Nullable Object companion;
    private Exchange.@Nullable Deferred deferred;
    private @Nullable ServerObserver observer;
    private long startNanos;

    public Request(Exchange exchange) {
        this.exchange = exchange;
    }

    /**
     * Takes up the next request.
     *
     * @param header where a whole struct fuse_in_header is, of which each field is read once.
     *     SAFETY: the caller's promise
     */
    void begin(long header) {
        // Words of two fields: the machine is little-endian, as is the header.
        long lengthAndOpcode = NativeMemory.getLong(header + FuseInHeader.LEN);
        long owner = NativeMemory.getLong(header + FuseInHeader.UID);
        long process = NativeMemory.getLong(header + FuseInHeader.PID);
        claimedBytes = lengthAndOpcode & 0xffff_ffffL;
        opcode = (int) (lengthAndOpcode >>> 32);
        unique = NativeMemory.getLong(header + FuseInHeader.UNIQUE);
        nodeId = NativeMemory.getLong(header + FuseInHeader.NODEID);
        uid = (int) owner;
        gid = (int) (owner >>> 32);
        pid = (int) process;
        extensionBytes = 8 * (int) ((process >>> 32) & 0xffff);
        beginRest();
    }

    /** Takes up a request that has no whole header: an operation of no kind, of nobody. */
    void beginWithoutHeader() {
        claimedBytes = 0;
        opcode = 0;
        unique = 0;
        nodeId = 0;
        uid = 0;
        gid = 0;
        pid = 0;
        extensionBytes = 0;
        beginRest();
    }

    private void beginRest() {
        this.supplementaryGroup = -1;
        this.securityNameBytes = 0;
        this.dataBytes = -1;
        this.deferred = null;
    }

    /** Makes {@link #defer} tell {@code observer} of the late answer. */
    void watch(@Nullable ServerObserver observer, long startNanos) {
        this.observer = observer;
        this.startNanos = startNanos;
    }

    /** fuse_in_header.len: how long the request says that it is. */
    long claimedBytes() {
        return claimedBytes;
    }

    /** fuse_in_header.total_extlen, in bytes: the extensions at the end of the request. */
    int extensionBytes() {
        return extensionBytes;
    }

    Arguments arguments() {
        return arguments;
    }

    /** Bytes of file data that the request moved, where the reply's length does not tell, or -1. */
    long dataBytes() {
        return dataBytes;
    }

    void dataBytes(long bytes) {
        this.dataBytes = bytes;
    }

    void supplementaryGroup(int gid) {
        this.supplementaryGroup = gid;
    }

    void securityContext(int nameAt, int nameBytes, int valueAt, int valueBytes) {
        this.securityNameAt = nameAt;
        this.securityNameBytes = nameBytes;
        this.securityValueAt = valueAt;
        this.securityValueBytes = valueBytes;
    }

    /** The handle that {@link #defer} gave out for this request, if it did. */
    Exchange.@Nullable Deferred deferred() {
        return deferred;
    }

    public int opcode() {
        return opcode;
    }

    public long unique() {
        return unique;
    }

    /** fuse_in_header.nodeid: the inode that the operation is about. */
    public long nodeId() {
        return nodeId;
    }

    /** Caller's fsuid in the guest. */
    public int uid() {
        return uid;
    }

    /** Caller's fsgid in the guest. */
    public int gid() {
        return gid;
    }

    public int pid() {
        return pid;
    }

    /**
     * The one supplementary group that FUSE_CREATE_SUPP_GROUP sends along when the parent
     * directory's group is not the caller's own, or -1.
     */
    public int supplementaryGroup() {
        return supplementaryGroup;
    }

    /**
     * Length of the name of the extended attribute that a created inode is to be born with
     * (FUSE_SECURITY_CTX), or 0 where there is none.
     */
    public int securityNameBytes() {
        return securityNameBytes;
    }

    /** Native address of that name, NUL-terminated. */
    public long securityNameAddr() {
        return exchange.in().address() + securityNameAt;
    }

    /** Native address of that attribute's value. */
    public long securityValueAddr() {
        return exchange.in().address() + securityValueAt;
    }

    public int securityValueBytes() {
        return securityValueBytes;
    }

    /** Room for reply bytes behind the fuse_out_header. */
    public long replyBodyCapacityBytes() {
        return Math.max(0, exchange.replyCapacityBytes() - FuseOutHeader.BYTES);
    }

    /** See {@link Exchange#readPayload}; {@code offset} counts from the end of the header. */
    public long readPayload(long offset, long bytes) {
        return exchange.readPayload(FuseOutHeader.BYTES + offset, bytes);
    }

    /** Payload of a FUSE_WRITE: entries at {@link #iovAddr()}, or -errno. */
    public long writePayload(long bytes) {
        return exchange.writePayload(FuseInHeader.BYTES + FuseWriteIn.BYTES, bytes);
    }

    public long iovAddr() {
        return exchange.iovAddr();
    }

    /** Scratch memory of the request (arguments and names), native. */
    public MemorySegment in() {
        return exchange.in();
    }

    /**
     * What {@link #companion(Object)} was given last, by whatever file system: a file system's own
     * state of the thread, say, found sooner than in a ThreadLocal. It outlives the request.
     */
    public @Nullable Object companion() {
        return companion;
    }

    public void companion(Object companion) {
        this.companion = companion;
    }

    /** Answers later; the handler then returns {@link FileSystem#DEFERRED}. Allocates. */
    public Exchange.Deferred defer() {
        if (deferred != null) {
            throw new IllegalStateException("the request is deferred already");
        }
        Exchange.Deferred answer = exchange.defer(unique);
        if (observer != null) {
            answer = new ObservedDeferred(answer, observer, opcode, startNanos);
        }
        deferred = answer;
        return answer;
    }
}
