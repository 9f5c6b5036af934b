package io.porthole.virtiofsd.transport;

import io.porthole.fuse.FuseOutHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The reply to a request that was answered after its thread had gone on. */
final class LateReply {
    private LateReply() {}

    /** Header and body in one piece; {@code error} is 0 or a positive errno. */
    static MemorySegment of(Arena arena, long unique, int error, MemorySegment body) {
        long total = FuseOutHeader.BYTES + body.byteSize();
        MemorySegment reply = arena.allocate(total, Long.BYTES);
        FuseOutHeader.len(reply, 0, (int) total);
        FuseOutHeader.error(reply, 0, -error);
        FuseOutHeader.unique(reply, 0, unique);
        MemorySegment.copy(body, 0, reply, FuseOutHeader.BYTES, body.byteSize());
        return reply;
    }
}
