package io.porthole.fuse;

import java.lang.foreign.MemorySegment;

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
    private boolean deferred;

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
        this.deferred = false;
    }

    void supplementaryGroup(int gid) {
        this.supplementaryGroup = gid;
    }

    boolean isDeferred() {
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

    /** Answers later; the handler then returns {@link FileSystem#DEFERRED}. */
    public Exchange.Deferred defer() {
        deferred = true;
        return exchange.defer();
    }
}
