package io.porthole.fuse;

import java.util.concurrent.atomic.LongAdder;

/** What went wrong in a {@link FuseServer} since it began. Safe to read from any thread. */
public final class ServerCounters {
    final LongAdder malformed = new LongAdder();
    final LongAdder unanswerable = new LongAdder();
    final LongAdder unknown = new LongAdder();
    final LongAdder failures = new LongAdder();

    ServerCounters() {}

    /** Requests whose lengths contradict themselves or the protocol. */
    public long malformed() {
        return malformed.sum();
    }

    /** Requests that want a reply and leave no room for its header; they were not executed. */
    public long unanswerable() {
        return unanswerable.sum();
    }

    /** Requests with an opcode that fuse.h 7.45 does not have. */
    public long unknown() {
        return unknown.sum();
    }

    /** Requests during which the file system threw, or returned what it must not. */
    public long failures() {
        return failures.sum();
    }
}
