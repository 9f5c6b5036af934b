package io.porthole.fuse;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/** Tells the observer of a late answer, once. */
final class ObservedDeferred implements Exchange.Deferred {
    private final Exchange.Deferred answer;
    private final ServerObserver observer;
    private final int opcode;
    private final long startNanos;
    private final AtomicBoolean done = new AtomicBoolean();

    ObservedDeferred(
            Exchange.Deferred answer, ServerObserver observer, int opcode, long startNanos) {
        this.answer = answer;
        this.observer = observer;
        this.opcode = opcode;
        this.startNanos = startNanos;
    }

    @Override
    public long unique() {
        return answer.unique();
    }

    @Override
    public void complete(int error, MemorySegment body) {
        answer.complete(error, body);
        if (done.compareAndSet(false, true)) {
            observer.completed(Opcode.of(opcode), unique(), -error, System.nanoTime() - startNanos);
        }
    }
}
