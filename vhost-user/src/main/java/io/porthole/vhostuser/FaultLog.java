package io.porthole.vhostuser;

import java.util.EnumMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts a queue's faults and logs some: a hostile guest can make a million a second, so it is the
 * 1st, 2nd, 4th, 8th and so on of each kind. One thread.
 */
final class FaultLog {
    private static final Logger log = LoggerFactory.getLogger(FaultLog.class);

    private final int queue;

    /** How often each came, in an array of one. */
    private final EnumMap<QueueFault, long[]> counts = new EnumMap<>(QueueFault.class);

    FaultLog(int queue) {
        this.queue = queue;
    }

    void count(QueueFault fault) {
        long n = ++counter(fault)[0];
        if (isToBeLogged(n)) {
            log.warn("queue {}: {} ({}, {} so far)", queue, fault, fault.name(), Long.valueOf(n));
        }
    }

    /** The stack trace for a {@link QueueFault#HANDLER_FAILED} about to be counted. */
    void handlerFailed(Throwable t) {
        if (isToBeLogged(counter(QueueFault.HANDLER_FAILED)[0] + 1)) {
            log.error("queue {}: the device failed", queue, t);
        }
    }

    private static boolean isToBeLogged(long n) {
        return (n & (n - 1)) == 0;
    }

    private long[] counter(QueueFault fault) {
        long[] count = counts.get(fault);
        if (count == null) {
            count = new long[1];
            counts.put(fault, count);
        }
        return count;
    }
}
