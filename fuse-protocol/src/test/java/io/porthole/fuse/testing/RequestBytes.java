package io.porthole.fuse.testing;

import io.porthole.fuse.FuseInHeader;
import io.porthole.fuse.Opcode;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Builds the bytes of a request: the header, whose length is kept right, and what follows it. */
public final class RequestBytes {
    private byte[] bytes = new byte[FuseInHeader.BYTES];

    private RequestBytes() {}

    /** A request of root about {@code nodeId}, with {@code unique} 1. */
    public static RequestBytes of(Opcode opcode, long nodeId) {
        return of(opcode.code(), nodeId);
    }

    public static RequestBytes of(int opcode, long nodeId) {
        RequestBytes r = new RequestBytes();
        MemorySegment header = MemorySegment.ofArray(r.bytes);
        FuseInHeader.opcode(header, 0, opcode);
        FuseInHeader.unique(header, 0, 1);
        FuseInHeader.nodeId(header, 0, nodeId);
        return r;
    }

    public RequestBytes unique(long unique) {
        FuseInHeader.unique(MemorySegment.ofArray(bytes), 0, unique);
        return this;
    }

    public RequestBytes caller(int uid, int gid, int pid) {
        MemorySegment header = MemorySegment.ofArray(bytes);
        FuseInHeader.uid(header, 0, uid);
        FuseInHeader.gid(header, 0, gid);
        FuseInHeader.pid(header, 0, pid);
        return this;
    }

    public RequestBytes u32(int... values) {
        for (int value : values) {
            bytes(word(4).putInt(value).array());
        }
        return this;
    }

    public RequestBytes u64(long... values) {
        for (long value : values) {
            bytes(word(8).putLong(value).array());
        }
        return this;
    }

    /** A string in UTF-8, and a NUL. */
    public RequestBytes name(String name) {
        return bytes(name.getBytes(StandardCharsets.UTF_8)).bytes(new byte[1]);
    }

    public RequestBytes bytes(byte[] more) {
        int before = bytes.length;
        bytes = Arrays.copyOf(bytes, before + more.length);
        System.arraycopy(more, 0, bytes, before, more.length);
        return this;
    }

    /** Extensions behind everything else, counted in total_extlen; a multiple of 8 bytes. */
    public RequestBytes extensions(byte[] more) {
        FuseInHeader.totalExtlen(MemorySegment.ofArray(bytes), 0, more.length / 8);
        return bytes(more);
    }

    public byte[] build() {
        FuseInHeader.len(MemorySegment.ofArray(bytes), 0, bytes.length);
        return bytes.clone();
    }

    private static ByteBuffer word(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
    }
}
