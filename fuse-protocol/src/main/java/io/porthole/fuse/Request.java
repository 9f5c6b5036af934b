package io.porthole.fuse;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The decoded head of the request in service, as a {@link FileSystem} sees it: who asks, and the
 * way to the payload. One per request thread, reused; valid until the handler returns.
 */
public final class Request {
    private final Exchange exchange;
    private int opcode;
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
    private Exchange.@Nullable Deferred deferred;
    private @Nullable ServerObserver observer;
    private long startNanos;

    public Request(Exchange exchange) {
        this.exchange = exchange;
    }

    void set(int opcode, long unique, long nodeId, int uid, int gid, int pid) {
        this.opcode = opcode;
        this.unique = unique;
        this.nodeId = nodeId;
        this.uid = uid;
        this.gid = gid;
        this.pid = pid;
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

    /** Answers later; the handler then returns {@link FileSystem#DEFERRED}. Allocates. */
    public Exchange.Deferred defer() {
        if (deferred != null) {
            throw new IllegalStateException("the request is deferred already");
        }
        Exchange.Deferred answer = exchange.defer();
        if (observer != null) {
            answer = new ObservedDeferred(answer, observer, opcode, startNanos);
        }
        deferred = answer;
        return answer;
    }
}
