package io.porthole.vhostuser;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The trivial device: writes what it reads, byte for byte, up to the room there is. A request that
 * begins with {@link #DEFER} is detached and put into {@link #deferred}; one that begins with
 * {@link #FAIL} makes the handler throw; {@link #SLOW} takes a millisecond; {@link #HELD} waits at
 * the {@link #gate}, and so does {@link #LONG}, which says so before.
 */
class EchoDevice implements VhostUserDevice {
    /** First eight bytes of a request to be answered later. */
    static final long DEFER = 0xdefe_77ed_0000_0001L;

    /** First eight bytes of a request that the handler fails on. */
    static final long FAIL = 0xfa11_0000_0000_0001L;

    static final long SLOW = 0x510e_0000_0000_0001L;
    static final long HELD = 0xe1d0_0000_0000_0001L;
    static final long LONG = 0x1094_0000_0000_0001L;

    static final byte[] CONFIG =
            "echo configuration".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    private final int queues;

    /** A queue that nobody waits for, or -1. */
    volatile int patient = -1;

    final AtomicLong handled = new AtomicLong();

    /** Queues that served something and did not say since that they wait. */
    final AtomicInteger busy = new AtomicInteger();

    final AtomicInteger opened = new AtomicInteger();
    final AtomicInteger closed = new AtomicInteger();
    final AtomicInteger connected = new AtomicInteger();
    final AtomicInteger disconnected = new AtomicInteger();
    final AtomicInteger resets = new AtomicInteger();
    final BlockingQueue<QueueFault> faults = new LinkedBlockingQueue<>();
    final BlockingQueue<Detached> deferred = new LinkedBlockingQueue<>();
    final byte[] config = CONFIG.clone();
    final Semaphore gate = new Semaphore(0);

    EchoDevice(int queues) {
        this.queues = queues;
    }

    @Override
    public int queueCount() {
        return queues;
    }

    @Override
    public boolean isUrgent(int index) {
        return index != patient;
    }

    @Override
    public int configBytes() {
        return config.length;
    }

    @Override
    public void readConfig(int offset, MemorySegment into) {
        MemorySegment.copy(config, offset, into, ValueLayout.JAVA_BYTE, 0, (int) into.byteSize());
    }

    @Override
    public boolean writeConfig(int offset, MemorySegment from) {
        MemorySegment.copy(from, ValueLayout.JAVA_BYTE, 0, config, offset, (int) from.byteSize());
        return true;
    }

    @Override
    public void connected(FrontendLink link) {
        connected.incrementAndGet();
    }

    @Override
    public void disconnected() {
        disconnected.incrementAndGet();
    }

    @Override
    public void reset() {
        resets.incrementAndGet();
    }

    @Override
    public void queueFault(int index, QueueFault fault) {
        faults.add(fault);
    }

    @Override
    public QueueHandler openQueue(int index) {
        opened.incrementAndGet();
        return new Handler();
    }

    private final class Handler implements QueueHandler {
        private static final int SCRATCH_BYTES = 1 << 20;

        private final Arena arena = Arena.ofConfined();
        private final MemorySegment scratch = arena.allocate(SCRATCH_BYTES, 8);
        private boolean working;

        @Override
        public void beforeSleep() {
            if (working) {
                working = false;
                busy.decrementAndGet();
            }
        }

        @Override
        public long handle(DescriptorChain chain) {
            if (!working) {
                working = true;
                busy.incrementAndGet();
            }
            handled.incrementAndGet();
            long in = Math.min(chain.readableBytes(), SCRATCH_BYTES);
            chain.copyIn(0, scratch, 0, in);
            if (in >= 8) {
                long first = scratch.get(ValueLayout.JAVA_LONG, 0);
                if (first == DEFER) {
                    deferred.add(chain.detach());
                    return DEFERRED;
                }
                if (first == FAIL) {
                    throw new IllegalStateException("told to fail");
                }
                takeTime(first, chain);
            }
            long out = Math.min(in, chain.writableBytes());
            chain.copyOut(0, scratch, 0, out);
            return out;
        }

        private void takeTime(long first, DescriptorChain chain) {
            if (first == LONG) {
                chain.mayTakeLong();
            }
            try {
                if (first == SLOW) {
                    TimeUnit.MILLISECONDS.sleep(1);
                } else if ((first == LONG || first == HELD)
                        && !gate.tryAcquire(20, TimeUnit.SECONDS)) {
                    throw new IllegalStateException("nobody opened the gate");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void close() {
            arena.close();
            closed.incrementAndGet();
        }
    }
}
