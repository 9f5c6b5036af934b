package io.porthole.virtiofsd.passthrough;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Delays the end of a slot (its descriptor's close and its reuse) until no request can be using it:
 * epoch-based reclamation.
 *
 * <p>A request announces itself with one store and one fence when it begins, and with one store
 * when it ends; it takes no lock and makes no atomic read-modify-write. Who retires a slot has made
 * it unreachable before. If no other thread is inside a request then, the slot ends at once; else
 * it waits in limbo until the global epoch has advanced twice, and whichever request ends next
 * tries to advance it.
 */
final class Reclaimer {
    /** What ends a retired item. */
    @FunctionalInterface
    interface Disposal {
        void dispose(long item);
    }

    /** One request thread's announcement, on a cache line of its own. */
    static final class Participant {
        @SuppressWarnings("unused")
        private long before0, before1, before2, before3, before4, before5, before6;

        /** 0 outside of requests, else {@code epoch << 1 | 1}. */
        private volatile long state;

        @SuppressWarnings("unused")
        private long after0, after1, after2, after3, after4, after5, after6;
    }

    private static final class Limbo {
        private long[] items = NOTHING;
        private int count;

        private void add(long item) {
            if (count == items.length) {
                items = Arrays.copyOf(items, Math.max(64, 2 * count));
            }
            items[count++] = item;
        }
    }

    private static final int LARGEST_SPARE = 4096;
    private static final long[] NOTHING = {};
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Participant.class, "state", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Disposal disposal;
    private final Object lock = new Object();
    private final Limbo[] limbo = {new Limbo(), new Limbo(), new Limbo()};
    private long[] spare = NOTHING;
    private volatile Participant[] participants = {};
    private volatile long epoch;

    /** Items in limbo: read without the lock as a hint whether there is something to do. */
    private volatile int pending;

    Reclaimer(Disposal disposal) {
        this.disposal = disposal;
    }

    Participant join() {
        synchronized (lock) {
            Participant joined = new Participant();
            Participant[] old = participants;
            Participant[] grown = Arrays.copyOf(old, old.length + 1);
            grown[old.length] = joined;
            participants = grown;
            return joined;
        }
    }

    void quit(Participant participant) {
        leave(participant);
        synchronized (lock) {
            Participant[] old = participants;
            Participant[] shrunk = new Participant[Math.max(0, old.length - 1)];
            int n = 0;
            for (Participant p : old) {
                if (p != participant && n < shrunk.length) {
                    shrunk[n++] = p;
                }
            }
            participants = Arrays.copyOf(shrunk, n);
        }
        collect();
    }

    /** A request begins: from here on, what it finds in a table stays alive. */
    void enter(Participant self) {
        STATE.setOpaque(self, epoch << 1 | 1);
        // Orders the announcement before every look into a table: either the retiring thread sees
        // the announcement, or this one sees that the slot is gone.
        VarHandle.fullFence();
    }

    /** The request ended. */
    void leave(Participant self) {
        // Release: every use of a descriptor is over before others see the end.
        STATE.setRelease(self, 0L);
        if (pending != 0) {
            collect();
        }
    }

    /**
     * Ends {@code item} once nobody uses it. The caller has made it unreachable, and uses it no
     * more itself.
     *
     * @param self the caller's own announcement, which does not count
     */
    void retire(@Nullable Participant self, long item) {
        // The other half of the fence in enter.
        VarHandle.fullFence();
        if (nobodyElseInside(self)) {
            disposal.dispose(item);
            return;
        }
        synchronized (lock) {
            limbo[(int) (epoch % 3)].add(item);
            pending++;
        }
    }

    private boolean nobodyElseInside(@Nullable Participant self) {
        for (Participant p : participants) {
            if (p != self && p.state != 0) {
                return false;
            }
        }
        return true;
    }

    /** Ends what can be ended now. Disposals run outside of the lock: close(2) may take long. */
    void collect() {
        while (true) {
            long[] items;
            int count;
            synchronized (lock) {
                if (pending == 0 || !everyoneInside(epoch)) {
                    return;
                }
                long next = epoch + 1;
                epoch = next;
                // Retired in epoch next - 2: all who were inside then have left since.
                Limbo ripe = limbo[(int) ((next + 1) % 3)];
                items = ripe.items;
                count = ripe.count;
                ripe.items = spare;
                ripe.count = 0;
                spare = NOTHING;
                pending -= count;
            }
            for (int i = 0; i < count; i++) {
                disposal.dispose(items[i]);
            }
            synchronized (lock) {
                if (items.length > spare.length && items.length <= LARGEST_SPARE) {
                    spare = items;
                }
            }
        }
    }

    private boolean everyoneInside(long current) {
        for (Participant p : participants) {
            long state = p.state;
            if (state != 0 && state >>> 1 != current) {
                return false;
            }
        }
        return true;
    }

    /** Items that wait for a request to end. */
    int pendingCount() {
        return pending;
    }
}
